from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from penjing.errors import ModelFolderError, UsageError
from penjing.files import write_json
from penjing.inference.generation import generate_tokens
from penjing.inference.sampling import SamplingSettings
from penjing.models.interface import EncoderDecoderModel, GeneratingModel
from penjing.models.t5 import T5, T5ForConditionalGeneration, initialize
from penjing.models.t5_config import T5Config
from penjing.models.weights import load_weights, read_config, save_network

# Few buckets and a short distance, so that a row of 30 tokens has all of them.
SHAPE: dict[str, Any] = {
    "vocab_size": 101,
    "d_model": 32,
    "d_kv": 8,
    "d_ff": 48,
    "num_layers": 3,
    "num_heads": 4,
    "relative_attention_num_buckets": 8,
    "relative_attention_max_distance": 20,
    "decoder_start_token_id": 0,
}
KINDS: dict[str, dict[str, Any]] = {
    "v1.1": {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
    "first release": {},
    "shallow decoder": {"num_decoder_layers": 1, "feed_forward_proj": "gated-silu"},
    "deep decoder": {"num_decoder_layers": 4, "relative_attention_num_buckets": 6, "layer_norm_epsilon": 1e-3},
    "wide heads": {"d_kv": 12, "feed_forward_proj": "gelu", "decoder_start_token_id": 7},
}
CONFIG = T5Config(**SHAPE)
V11 = T5Config(**SHAPE, feed_forward_proj="gated-gelu", tie_word_embeddings=False)
FILE = "model.safetensors"
MASK = torch.arange(30) < torch.tensor([[30], [17], [1]])
LOSSES = {"atol": 1e-5, "rtol": 0.0}


def make_theirs(kind: str, builder: Any = transformers.T5ForConditionalGeneration, **more: Any) -> Any:
    torch.manual_seed(0)
    theirs = builder(transformers.T5Config(**{**SHAPE, **KINDS[kind], **more})).eval()
    if kind == "v1.1" and hasattr(theirs, "lm_head"):  # as in the release; a new one of Transformers 5 is tied
        theirs.lm_head.weight = nn.Parameter(torch.randn(101, 32) * 32**-0.5)
    scramble(theirs)
    return theirs


@torch.no_grad()
def scramble(model: Any) -> None:
    """Gives biases and normalizations random values too."""
    generator = torch.Generator().manual_seed(1)
    for parameter in model.parameters():
        parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))


@pytest.fixture(params=list(KINDS))
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Any, Path]:
    """Their language model with random weights, and its folder."""
    theirs = make_theirs(request.param)
    theirs.save_pretrained(tmp_path)
    return theirs, tmp_path


def make_ids(rows: int = 3, time: int = 30, seed: int = 2) -> Tensor:
    return torch.randint(2, 101, (rows, time), generator=torch.Generator().manual_seed(seed))


def make_ours(config: T5Config = CONFIG, seed: int = 0) -> T5ForConditionalGeneration:
    ours = T5ForConditionalGeneration(config).eval()
    initialize(ours, config, seed)
    return ours


def load_ours(folder: Path) -> Any:
    network = T5.language_model(T5.config_from_dict(read_config(folder)))
    load_weights(network, folder)
    return network.eval()


def edit(folder: Path, change: Any) -> None:
    """Lets ``change`` alter the stored tensors."""
    tensors = load_file(folder / FILE)
    change(tensors)
    save_file(tensors, folder / FILE, metadata={"format": "pt"})


@torch.no_grad()
def test_language_model_of_the_hub_gives_the_same_logits(hub: tuple[Any, Path]) -> None:
    theirs, folder = hub
    ids, written = make_ids(), make_ids(time=27, seed=3)
    expected = theirs(ids, decoder_input_ids=written).logits
    torch.testing.assert_close(load_ours(folder)(ids, None, written), expected, **LOSSES)


@pytest.mark.parametrize("side", ["left", "right"])
@torch.no_grad()
def test_padding_of_the_encoder_gives_the_logits_of_the_hub(hub: tuple[Any, Path], side: str) -> None:
    theirs, folder = hub
    ours, ids, written = load_ours(folder), make_ids(), make_ids(time=9, seed=3)
    mask = MASK.flip(1) if side == "left" else MASK
    logits = ours(ids * mask, mask, written)
    expected = theirs(ids * mask, attention_mask=mask.long(), decoder_input_ids=written).logits
    torch.testing.assert_close(logits, expected, **LOSSES)
    alone = ours(ids[1][mask[1]][None], None, written[1:2])
    torch.testing.assert_close(logits[1:2], alone, **LOSSES)


def test_gradients_of_all_parameters_are_those_of_the_hub(hub: tuple[Any, Path]) -> None:
    theirs, folder = hub
    ours, ids, written = load_ours(folder), make_ids(), make_ids(time=9, seed=3)
    ours(ids, MASK, written).square().mean().backward()
    theirs(ids, attention_mask=MASK.long(), decoder_input_ids=written).logits.square().mean().backward()
    expected = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name
        torch.testing.assert_close(parameter.grad, expected[name].grad, atol=2e-5, rtol=1e-4, msg=name)


@pytest.mark.parametrize("cuts", [[12], [1] * 12, [5, 1, 6]], ids=["at once", "token by token", "in parts"])
@torch.no_grad()
def test_cache_gives_the_same_logits_as_reading_everything(hub: tuple[Any, Path], cuts: list[int]) -> None:
    theirs, folder = hub
    ours, ids, written = load_ours(folder), make_ids(), make_ids(time=12, seed=3)
    cache, encoded = ours.make_cache(3, 12), ours.encode(ids, MASK)
    hidden = [
        ours.decode(part, *((encoded, MASK) if index == 0 else (None,)), cache=cache)
        for index, part in enumerate(written.split(cuts, dim=1))
    ]
    expected = theirs(ids, attention_mask=MASK.long(), decoder_input_ids=written).logits
    torch.testing.assert_close(ours.score(torch.cat(hidden, dim=1)), expected, **LOSSES)


def test_cache_without_room_is_refused() -> None:
    ours = make_ours()
    cache, first = ours.start(make_ids(1), 4)
    assert first.tolist() == [[0]]
    with pytest.raises(UsageError, match="room for 4 tokens, and 5"):
        ours.read(make_ids(1, 5), cache)


@torch.no_grad()
def test_greedy_text_is_that_of_the_hub(hub: tuple[Any, Path]) -> None:
    theirs, folder = hub
    theirs.decoder.final_layer_norm.weight.normal_(0, 2)  # else tied words say themselves again
    for block in theirs.decoder.block:
        block.layer[-1].DenseReluDense.wo.weight.mul_(4)
    theirs.save_pretrained(folder)
    ours, prompt = load_ours(folder), make_ids(1, 11)
    # Their cache has the encoder's layers, and fails where the decoder has more.
    made = theirs.generate(prompt, max_new_tokens=20, do_sample=False, eos_token_id=1, use_cache=False)[0, 1:].tolist()
    settings = SamplingSettings(max_tokens=20, temperature=0)
    expected = made[: made.index(1)] if 1 in made else made
    assert list(generate_tokens(ours, prompt[0].tolist(), frozenset({1}), 20, settings)) == expected
    assert len(set(expected)) > 2


@torch.no_grad()
def test_our_folder_loads_into_transformers_with_nothing_missing_or_left_over(
    hub: tuple[Any, Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    _, folder = hub
    config = T5.config_from_dict(read_config(folder))
    ours = make_ours(config, 3)
    scramble(ours)
    written = tmp_path_factory.mktemp("ours")
    save_network(written, ours, T5.config_to_dict(config, head="language"))
    theirs, report = transformers.AutoModelForSeq2SeqLM.from_pretrained(written, output_loading_info=True)
    assert type(theirs).__name__ == "T5ForConditionalGeneration"
    assert not any(report.values())
    ids, words = make_ids(), make_ids(time=9, seed=3)
    expected = theirs.eval()(ids, decoder_input_ids=words).logits
    torch.testing.assert_close(ours(ids, None, words), expected, **LOSSES)
    assert theirs.config.decoder_start_token_id == ours.decoder_start_id
    again = T5.config_from_dict(read_config(written))
    assert again.to_dict() == config.to_dict()


def test_tied_words_are_one_tensor_and_untied_ones_two(tmp_path: Path) -> None:
    for config, tensors in ((CONFIG, {"shared.weight"}), (V11, {"shared.weight", "lm_head.weight"})):
        ours = make_ours(config)
        assert (ours.lm_head.weight is ours.shared.weight) == config.tie_word_embeddings
        save_network(tmp_path, ours, config.to_dict())
        found = {name for name, tensor in load_file(tmp_path / FILE).items() if len(tensor) == 101}
        assert found == tensors


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@torch.no_grad()
def test_weights_of_half_the_size_on_disk_are_computed_in_fp32(tmp_path: Path, dtype: torch.dtype) -> None:
    theirs = make_theirs("v1.1").to(dtype)
    theirs.save_pretrained(tmp_path, max_shard_size="20KB")  # and in several files
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    ids, written = make_ids(), make_ids(time=9, seed=3)
    expected = theirs.float().eval()(ids, decoder_input_ids=written).logits
    torch.testing.assert_close(load_ours(tmp_path)(ids, None, written), expected, **LOSSES)


@torch.no_grad()
def test_config_from_before_transformers_5_is_read(tmp_path: Path) -> None:
    """It said of T5 v1.1 that embeddings are not tied; now it says they are, and another key tells the difference."""
    theirs = make_theirs("v1.1")
    theirs.save_pretrained(tmp_path)
    new = read_config(tmp_path)
    assert (new["tie_word_embeddings"], new["scale_decoder_outputs"]) == (True, False)
    old = {key: value for key, value in new.items() if key != "scale_decoder_outputs"} | {"tie_word_embeddings": False}
    write_json(tmp_path / "config.json", old)
    ids, written = make_ids(), make_ids(time=9, seed=3)
    expected = theirs(ids, decoder_input_ids=written).logits
    torch.testing.assert_close(load_ours(tmp_path)(ids, None, written), expected, **LOSSES)


@torch.no_grad()
def test_fresh_v11_of_transformers_5_is_scored_with_its_embeddings(tmp_path: Path) -> None:
    theirs = transformers.T5ForConditionalGeneration(transformers.T5Config(**SHAPE, **KINDS["v1.1"])).eval()
    theirs.save_pretrained(tmp_path)
    assert "lm_head.weight" not in load_file(tmp_path / FILE)
    ids, written = make_ids(), make_ids(time=9, seed=3)
    expected = theirs(ids, decoder_input_ids=written).logits  # up to 20 and more: their rounding too
    torch.testing.assert_close(load_ours(tmp_path)(ids, None, written), expected, atol=1e-5, rtol=1e-5)


def test_head_that_a_v11_of_ours_lacks_is_missing(tmp_path: Path) -> None:
    save_network(tmp_path, make_ours(V11), V11.to_dict())
    edit(tmp_path, lambda tensors: tensors.pop("lm_head.weight"))
    with pytest.raises(ModelFolderError, match=r"1 missing \(lm_head\.weight\)"):
        load_ours(tmp_path)


@pytest.mark.parametrize("name", ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"])
def test_embeddings_are_found_under_any_of_their_names(tmp_path: Path, name: str) -> None:
    ours = make_ours()
    save_network(tmp_path, ours, CONFIG.to_dict())
    edit(tmp_path, lambda tensors: tensors.update({name: tensors["shared.weight"].clone()}))
    assert torch.equal(load_ours(tmp_path).shared.weight, ours.shared.weight)
    edit(tmp_path, lambda tensors: tensors.pop("shared.weight"))
    assert torch.equal(load_ours(tmp_path).shared.weight, ours.shared.weight)


def test_embeddings_stored_twice_with_different_numbers_are_refused(tmp_path: Path) -> None:
    save_network(tmp_path, make_ours(), CONFIG.to_dict())
    edit(tmp_path, lambda tensors: tensors.update({"lm_head.weight": tensors["shared.weight"] + 1}))
    with pytest.raises(ModelFolderError, match=r"lm_head\.weight and shared\.weight are one tensor.*tie_word_embedd"):
        load_ours(tmp_path)
    values = {**CONFIG.to_dict(), "tie_word_embeddings": False}  # what the refusal says to do
    write_json(tmp_path / "config.json", values)
    ours = load_ours(tmp_path)
    assert torch.equal(ours.lm_head.weight, ours.shared.weight + 1)
    theirs = transformers.T5ForConditionalGeneration.from_pretrained(tmp_path).eval()
    ids, written = make_ids(), make_ids(time=9, seed=3)
    torch.testing.assert_close(ours(ids, None, written), theirs(ids, decoder_input_ids=written).logits, **LOSSES)


def test_every_tensor_that_does_not_fit_is_named(tmp_path: Path) -> None:
    save_network(tmp_path, make_ours(), CONFIG.to_dict())

    def spoil(tensors: dict[str, Tensor]) -> None:
        for layer in range(3):
            del tensors[f"decoder.block.{layer}.layer.1.EncDecAttention.q.weight"]
        tensors["encoder.block.0.layer.2.adapter.weight"] = torch.zeros(1)
        tensors["encoder.final_layer_norm.weight"] = torch.zeros(31)
        # The first release has a bias there that nothing reads.
        tensors["decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"] = torch.zeros(8, 4)

    edit(tmp_path, spoil)
    with pytest.raises(ModelFolderError) as caught:
        load_ours(tmp_path)
    for part in (
        "3 missing (decoder.block.0-2.layer.1.EncDecAttention.q.weight)",
        "1 left over (encoder.block.0.layer.2.adapter.weight)",
        "1 of another shape (encoder.final_layer_norm.weight is [31] there and [32] here)",
    ):
        assert part in str(caught.value)


def test_later_word_changes_nothing_before_it_and_every_word_of_the_encoder_all() -> None:
    ours, ids, written = make_ours(), make_ids(), make_ids(time=9, seed=3)
    changed, other = written.clone(), ids.clone()
    changed[:, 5] = (changed[:, 5] + 1) % 101
    other[:, 20] = (other[:, 20] + 1) % 101
    first, second, third = ours(ids, None, written), ours(ids, None, changed), ours(other, None, written)
    torch.testing.assert_close(first[:, :5], second[:, :5], atol=0, rtol=0)
    assert not torch.equal(first[:, 5], second[:, 5])
    assert (first != third).any(dim=-1).all()


@torch.no_grad()
def test_autocast_stays_near_fp32() -> None:
    ours, ids, written = make_ours(V11), make_ids(), make_ids(time=9, seed=3)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = ours(ids, MASK, written)
    assert rounded.dtype == torch.bfloat16
    torch.testing.assert_close(rounded.float(), ours(ids, MASK, written), atol=0.1, rtol=0.05)


def test_row_of_padding_alone_stays_a_number() -> None:
    ours, ids, written = make_ours(), make_ids(), make_ids(time=9, seed=3)
    for dtype in (torch.float32, torch.bfloat16):
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            assert torch.isfinite(ours(ids, torch.zeros_like(MASK), written)).all()


def test_dropout_acts_in_training_alone() -> None:
    ours, ids, written = make_ours(), make_ids(), make_ids(time=9, seed=3)
    assert torch.equal(ours(ids, None, written), ours(ids, None, written))
    ours.train()
    assert not torch.equal(ours(ids, None, written), ours(ids, None, written))


@torch.no_grad()
def test_initial_weights_depend_on_the_seed_alone_and_guess_nearly_evenly() -> None:
    for config in (CONFIG, V11):
        first, again, other = (make_ours(config, seed) for seed in (0, 0, 1))
        assert all(torch.equal(one, two) for one, two in zip(first.parameters(), again.parameters(), strict=True))
        assert not torch.equal(first.lm_head.weight, other.lm_head.weight)
        ids, written = make_ids(64), make_ids(64, 10, seed=3)
        logits = first(ids, None, written)
        loss = nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), written[:, 1:].flatten())
        assert loss.item() == pytest.approx(torch.tensor(101.0).log().item() + 0.5, abs=0.3)


@torch.no_grad()
def test_initial_spreads_are_those_of_the_hub() -> None:
    shape = {**SHAPE, **KINDS["v1.1"], "d_model": 64, "d_ff": 96, "num_layers": 1, "initializer_factor": 0.5}
    theirs, ours = transformers.T5ForConditionalGeneration(transformers.T5Config(**shape)), make_ours(T5Config(**shape))
    expected = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        if name == "lm_head.weight":  # that of Mesh TensorFlow: see `initialize`
            assert parameter.std().item() == pytest.approx(0.5 / 8, rel=0.1)
        elif parameter.ndim == 1:
            assert torch.equal(parameter, expected[name]), name
        else:
            few = 0.5 if parameter.numel() < 100 else 0.1
            assert parameter.std().item() == pytest.approx(expected[name].std().item(), rel=few), name


def test_operations_are_those_that_pytorch_counts() -> None:
    ours, ids = make_ours(V11), make_ids(2, 16)
    # In bf16 attention is written out, and PyTorch sees all of it.
    with torch.autocast("cpu", torch.bfloat16), FlopCounterMode(display=False) as counter:
        ours.decode(ids, ours.encode(ids)).sum().backward()
    counted = counter.get_total_flops() / ids.numel()
    assert T5.training_flops_per_token(V11, 16) == pytest.approx(counted, rel=0.01)


def test_language_model_keeps_the_contracts() -> None:
    ours = make_ours(T5Config(**{**SHAPE, "decoder_start_token_id": None, "pad_token_id": 4}))
    assert isinstance(ours, EncoderDecoderModel)
    assert isinstance(ours, GeneratingModel)
    assert (ours.decoder_start_id, ours.longest_row) == (4, None)
    assert T5.writes_text
