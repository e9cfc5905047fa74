from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tests.models.llama_shape import SHAPE
from torch import Tensor

from penjing.errors import ModelFolderError, UsageError
from penjing.files import write_json
from penjing.models.interface import Architecture
from penjing.models.llama import (
    LLAMA,
    MISTRAL,
    QWEN2,
    QWEN3,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    LlamaModel,
    initialize,
)
from penjing.models.llama_config import LlamaConfig
from penjing.models.rotary import rotary_frequencies
from penjing.models.weights import load_backbone, load_weights, read_config, save_network

LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
# Name, our architecture, their config.
KINDS: dict[str, tuple[Architecture, transformers.PreTrainedConfig]] = {
    "llama": (LLAMA, transformers.LlamaConfig(**SHAPE)),
    "llama tied": (LLAMA, transformers.LlamaConfig(**SHAPE, tie_word_embeddings=True)),
    "llama biased": (LLAMA, transformers.LlamaConfig(**SHAPE, attention_bias=True, mlp_bias=True, hidden_act="gelu")),
    "llama 3.1": (LLAMA, transformers.LlamaConfig(**SHAPE, rope_parameters=LLAMA3)),
    "llama stretched": (
        LLAMA,
        transformers.LlamaConfig(
            **SHAPE, rope_parameters={"rope_type": "linear", "rope_theta": 100.0, "factor": 2.0}, head_dim=12
        ),
    ),
    "mistral": (MISTRAL, transformers.MistralConfig(**SHAPE, sliding_window=5)),
    "qwen2": (QWEN2, transformers.Qwen2Config(**SHAPE)),
    "qwen3": (QWEN3, transformers.Qwen3Config(**SHAPE, head_dim=16, tie_word_embeddings=True)),
}
CONFIG = LlamaConfig(**SHAPE)


@pytest.fixture(params=list(KINDS))
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Architecture, Any, Path]:
    """Our architecture, their language model with random weights, and its folder."""
    architecture, config = KINDS[request.param]
    torch.manual_seed(0)
    theirs = transformers.AutoModelForCausalLM.from_config(config).eval()
    scramble(theirs)
    theirs.save_pretrained(tmp_path)
    return architecture, theirs, tmp_path


@torch.no_grad()
def scramble(model: Any) -> None:
    """Gives biases and normalizations random values too."""
    generator = torch.Generator().manual_seed(1)
    for parameter in model.parameters():
        parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))


def make_ids(rows: int = 3, time: int = 12) -> Tensor:
    return torch.randint(1, 101, (rows, time), generator=torch.Generator().manual_seed(2))


def load_ours(architecture: Architecture, folder: Path) -> Any:
    network = architecture.language_model(architecture.config_from_dict(read_config(folder)))
    load_weights(network, folder)
    return network.eval()


@torch.no_grad()
def test_language_model_of_the_hub_gives_the_same_logits(hub: tuple[Architecture, Any, Path]) -> None:
    architecture, theirs, folder = hub
    ids = make_ids()
    torch.testing.assert_close(load_ours(architecture, folder)(ids), theirs(ids).logits, atol=1e-5, rtol=0)


@pytest.mark.parametrize("side", ["left", "right"])
@torch.no_grad()
def test_padding_changes_no_logits_and_they_are_those_of_the_hub(
    hub: tuple[Architecture, Any, Path], side: str
) -> None:
    architecture, theirs, folder = hub
    ours, ids = load_ours(architecture, folder), make_ids()
    mask = torch.arange(12) < torch.tensor([[12], [7], [1]])
    mask = mask.flip(1) if side == "left" else mask
    logits = ours(ids * mask, mask)
    expected = theirs(ids * mask, attention_mask=mask.long()).logits
    torch.testing.assert_close(logits[mask], expected[mask], atol=1e-5, rtol=0)
    assert torch.isfinite(logits).all()
    alone = ours(ids[1][mask[1]][None])
    torch.testing.assert_close(logits[1][mask[1]], alone[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("cuts", [[12], [1] * 12, [5, 1, 6]], ids=["at once", "token by token", "in parts"])
@torch.no_grad()
def test_cache_gives_the_same_logits_as_reading_everything(
    hub: tuple[Architecture, Any, Path], cuts: list[int]
) -> None:
    architecture, theirs, folder = hub
    ours, ids = load_ours(architecture, folder), make_ids()
    cache = ours.make_cache(3, 12)
    parts = [ours(part, cache=cache) for part in ids.split(cuts, dim=1)]
    torch.testing.assert_close(torch.cat(parts, dim=1), theirs(ids).logits, atol=1e-5, rtol=0)


@torch.no_grad()
def test_cache_with_padding_on_the_left_gives_the_same_logits_as_reading_everything() -> None:
    ours = LlamaForCausalLM(CONFIG).eval()
    initialize(ours, CONFIG, 0)
    ids, mask = make_ids(), (torch.arange(12) < torch.tensor([[12], [7], [4]])).flip(1)
    whole = ours(ids, mask)
    cache = ours.make_cache(3, 12)
    parts = [ours(ids[:, :9], mask[:, :9], cache=cache), ours(ids[:, 9:], mask, cache=cache)]
    torch.testing.assert_close(torch.cat(parts, dim=1)[mask], whole[mask], atol=1e-5, rtol=0)


@torch.no_grad()
def test_our_folder_loads_into_transformers_with_nothing_missing_or_left_over(
    hub: tuple[Architecture, Any, Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    architecture, _, folder = hub
    config = architecture.config_from_dict(read_config(folder))
    ours = architecture.language_model(config).eval()
    architecture.initialize(ours, config, 3)
    scramble(ours)
    written = tmp_path_factory.mktemp("ours")
    save_network(written, ours, architecture.config_to_dict(config, head="language"))
    theirs, report = transformers.AutoModelForCausalLM.from_pretrained(written, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert not report["mismatched_keys"]
    ids = make_ids()
    torch.testing.assert_close(ours(ids), theirs.eval()(ids).logits, atol=1e-5, rtol=0)
    again = architecture.config_from_dict(read_config(written))
    assert again.to_dict() == config.to_dict()


@pytest.mark.parametrize("kind", ["llama", "mistral", "qwen2", "qwen3"])
@torch.no_grad()
def test_classifier_of_the_hub_gives_the_same_logits(tmp_path: Path, kind: str) -> None:
    architecture, config = KINDS[kind]
    config.num_labels = 5
    theirs = transformers.AutoModelForSequenceClassification.from_config(config).eval()
    scramble(theirs)
    theirs.save_pretrained(tmp_path)
    ours = architecture.classifier(architecture.config_from_dict(read_config(tmp_path)), 5).eval()
    load_weights(ours, tmp_path)
    mask = torch.arange(12) < torch.tensor([[12], [7], [1]])
    ids = make_ids() * mask
    expected = theirs(ids, attention_mask=mask.long()).logits
    torch.testing.assert_close(ours(ids, mask), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(ours(None, mask, inputs_embeds=ours.input_embeddings(ids)), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@torch.no_grad()
def test_weights_of_half_the_size_on_disk_are_computed_in_fp32(tmp_path: Path, dtype: torch.dtype) -> None:
    theirs = transformers.LlamaForCausalLM(transformers.LlamaConfig(**SHAPE)).to(dtype)
    theirs.save_pretrained(tmp_path, max_shard_size="20KB")  # and in several files
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    ours = load_ours(LLAMA, tmp_path)
    torch.testing.assert_close(ours(make_ids()), theirs.float().eval()(make_ids()).logits, atol=1e-5, rtol=0)


@torch.no_grad()
def test_classifier_starts_from_the_language_model(tmp_path: Path) -> None:
    ours = LlamaForCausalLM(CONFIG)
    initialize(ours, CONFIG, 0)
    save_network(tmp_path, ours, CONFIG.to_dict())
    classifier = LlamaForSequenceClassification(CONFIG, 2)
    initialize(classifier, CONFIG, 1)
    transfer = load_backbone(classifier, tmp_path)
    assert transfer.fresh == ("score.weight",)
    assert transfer.left == ("lm_head.weight",)
    torch.testing.assert_close(classifier.model(make_ids()), ours.model(make_ids()))


def test_next_token_pairs_are_each_state_with_the_token_after_it() -> None:
    ours = LlamaForCausalLM(CONFIG).eval()
    initialize(ours, CONFIG, 0)
    mask = torch.arange(12) < torch.tensor([[12], [7], [1]])
    ids = make_ids()
    hidden, targets = ours.next_token_pairs(ids, mask)
    assert targets.tolist() == [*ids[0, 1:].tolist(), *ids[1, 1:7].tolist()]
    torch.testing.assert_close(hidden[11:], ours.encode(ids[1:2, :7])[0, :6])
    whole, _ = ours.next_token_pairs(ids)
    torch.testing.assert_close(whole[:11], hidden[:11])


def test_later_token_changes_nothing_before_it() -> None:
    ours = LlamaForCausalLM(CONFIG).eval()
    initialize(ours, CONFIG, 0)
    ids = make_ids()
    changed = ids.clone()
    changed[:, 8] = (changed[:, 8] + 1) % 101
    first, second = ours(ids), ours(changed)
    torch.testing.assert_close(first[:, :8], second[:, :8], atol=0, rtol=0)
    assert not torch.equal(first[:, 8], second[:, 8])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@torch.no_grad()
def test_autocast_stays_near_fp32(dtype: torch.dtype) -> None:
    ours = LlamaForCausalLM(CONFIG).eval()
    initialize(ours, CONFIG, 0)
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        rounded = ours(make_ids())
    torch.testing.assert_close(rounded.float(), ours(make_ids()), atol=0.01, rtol=0.05)


def test_initial_weights_depend_on_the_seed_alone() -> None:
    first, again, other = (LlamaForCausalLM(CONFIG) for _ in range(3))
    for network, seed in ((first, 0), (again, 0), (other, 1)):
        initialize(network, CONFIG, seed)
    assert torch.equal(first.lm_head.weight, again.lm_head.weight)
    assert not torch.equal(first.lm_head.weight, other.lm_head.weight)
    # Not all random ids are equally likely at once: the loss starts at that of a uniform guess.
    ids = make_ids()
    loss = torch.nn.functional.cross_entropy(first(ids)[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    assert loss.item() == pytest.approx(torch.tensor(101.0).log().item(), abs=0.05)


@pytest.mark.parametrize("read", ["at once", "with a cache"])
def test_row_longer_than_the_positions_is_refused(read: str) -> None:
    ours = LlamaForCausalLM(CONFIG)
    cache = None
    if read == "with a cache":
        cache = ours.make_cache(1, 100)
        ours(make_ids(1, 20), cache=cache)
    with pytest.raises(UsageError, match="25 tokens does not fit into the 24 positions"):
        ours(make_ids(1, 25 if cache is None else 5), cache=cache)


def test_cache_without_room_is_refused() -> None:
    ours = LlamaForCausalLM(CONFIG)
    with pytest.raises(UsageError, match="room for 4 tokens, and 5"):
        ours(make_ids(1, 5), cache=ours.make_cache(1, 4))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hidden_size": 30}, "cannot be shared among 4 heads"),
        ({"num_key_value_heads": 3}, "4 heads cannot share 3"),
        ({"num_key_value_heads": 1.5}, "whole number"),
        ({"head_dim": 7}, "in pairs"),
        ({"rope_theta": -1.0}, "above 0"),
        ({"rope_scaling": {"type": "yarn", "factor": 4.0}}, '"yarn"'),
        ({"rope_parameters": ["default"]}, "no table of names"),
        ({"rope_scaling": "linear"}, "no table of names"),
        ({"rope_parameters": {"rope_type": ["linear"]}}, "not computed here"),
        ({"use_sliding_window": True}, "not computed here"),
        ({"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}}, "partial_rotary_factor is 0.5"),
        ({"rope_parameters": {"rope_type": "default"}, "rope_scaling": {"type": "yarn", "factor": 4.0}}, '"yarn"'),
        ({"pad_token_id": 101}, "pad_token_id"),
        ({"hidden_act": "swishy"}, "swishy"),
    ],
)
def test_impossible_config_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        LlamaConfig.from_dict({**SHAPE, **values})


@pytest.mark.parametrize(
    ("architecture", "name"),
    [(LLAMA, "sliding_window"), (MISTRAL, "attention_bias"), (QWEN2, "mlp_bias"), (QWEN3, "mlp_bias")],
)
def test_what_the_class_of_the_hub_does_not_have_is_refused(architecture: Architecture, name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} .*which a {architecture.name} does not have"):
        architecture.config_from_dict({**SHAPE, name: 8 if name == "sliding_window" else True})


def test_llama3_positions_that_say_no_first_length_take_that_of_the_model() -> None:
    scaling = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
    assert LlamaConfig.from_dict({**SHAPE, "rope_scaling": scaling}).rope_original_positions == 24
    with pytest.raises(UsageError, match="lack factor, low_freq_factor"):
        LlamaConfig.from_dict({**SHAPE, "rope_scaling": {"rope_type": "llama3", "high_freq_factor": 4.0}})


def test_config_of_old_folders_is_read() -> None:
    """Before Transformers 5, theta lay outside and scaling was called rope_scaling."""
    old = {**SHAPE, "rope_theta": 500.0, "rope_scaling": {**LLAMA3, "type": "llama3"}, "pad_token_id": None}
    config = LlamaConfig.from_dict(old)
    assert config.rotary == LlamaConfig.from_dict({**SHAPE, "rope_parameters": LLAMA3}).rotary
    assert config.pad_token_id == 0


@pytest.mark.parametrize("added", [{"rope_scaling": {"type": "linear", "factor": 4.0}}, {"rope_scaling": None}])
@torch.no_grad()
def test_scaling_that_was_added_to_a_new_config_counts_as_on_the_hub(added: dict[str, Any], tmp_path: Path) -> None:
    architecture, config = KINDS["llama"]
    theirs = transformers.AutoModelForCausalLM.from_config(config)
    scramble(theirs)
    theirs.save_pretrained(tmp_path)
    write_json(tmp_path / "config.json", {**read_config(tmp_path), **added})
    again = transformers.AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    torch.testing.assert_close(
        load_ours(architecture, tmp_path)(make_ids()), again(make_ids()).logits, atol=1e-5, rtol=0
    )


def test_weights_of_a_relative_are_refused(tmp_path: Path) -> None:
    transformers.Qwen3ForCausalLM(transformers.Qwen3Config(**SHAPE, head_dim=8)).save_pretrained(tmp_path)
    with pytest.raises(ModelFolderError, match=r'type "qwen3".*"llama"'):
        load_backbone(LlamaForCausalLM(CONFIG), tmp_path)
    with pytest.raises(ModelFolderError, match=r"left over \(.*q_norm"):
        load_weights(LlamaForCausalLM(CONFIG), tmp_path)


def test_rotary_frequencies_fall_from_one() -> None:
    frequencies = rotary_frequencies(CONFIG.rotary, 8)
    torch.testing.assert_close(frequencies, torch.tensor([1.0, 0.1, 0.01, 0.001]))


def test_network_cast_to_bf16_keeps_its_positions_in_fp32() -> None:
    rotary = LlamaConfig.from_dict({**SHAPE, "rope_theta": 500_000.0, "max_position_embeddings": 4096})
    network, expected = LlamaForCausalLM(rotary), rotary_frequencies(rotary.rotary, rotary.width)
    assert torch.equal(network.bfloat16().model.frequencies, expected)
    assert network.lm_head.weight.dtype == torch.bfloat16
    with torch.device("meta"):
        empty, inside = LlamaForCausalLM(rotary), LlamaForCausalLM(rotary).to_empty(device="cpu")
    assert torch.equal(empty.to_empty(device="cpu").half().model.frequencies, expected)
    assert torch.equal(inside.model.frequencies, expected)


def test_model_without_a_head_is_read_from_a_language_model(tmp_path: Path) -> None:
    theirs = transformers.LlamaForCausalLM(transformers.LlamaConfig(**SHAPE)).eval()
    theirs.model.save_pretrained(tmp_path)
    ours = LlamaModel(CONFIG)
    load_weights(ours, tmp_path)
    torch.testing.assert_close(ours(make_ids()), theirs.model(make_ids()).last_hidden_state, atol=1e-5, rtol=0)
