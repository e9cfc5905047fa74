from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from penjing.models.bert import BertConfig, BertForMaskedLM, BertForSequenceClassification, initialize


def fresh(heads: int = 4, dim: int = 256, **more: int) -> BertForMaskedLM:
    config = BertConfig(
        vocab_size=500,
        hidden_size=dim,
        num_hidden_layers=2,
        num_attention_heads=heads,
        intermediate_size=32,
        max_position_embeddings=256,
        **more,
    )
    network = BertForMaskedLM(config)
    initialize(network, config, 0)
    return network.eval()


@torch.no_grad()
def first_weights(network: BertForMaskedLM, ids: Tensor) -> Tensor:
    """How much each token looks at each in the first layer, [batch, heads, time, time]."""
    embeddings = network.bert.embeddings
    read = embeddings(embeddings.word_embeddings(ids), None)
    return network.bert.encoder.layer[0].attention.self.weigh(read)  # type: ignore[operator, union-attr]


@pytest.mark.parametrize("heads", [4, 2])
def test_each_head_of_the_first_layer_looks_at_a_neighbour_of_its_own(heads: int) -> None:
    weights = first_weights(fresh(heads), torch.randint(5, 500, (2, 256), generator=torch.Generator().manual_seed(1)))
    for head, offset in zip(range(heads), (-1, 1, -2, 2), strict=False):
        seen = weights[:, head].diagonal(offset, dim1=1, dim2=2)
        assert seen.mean() > 0.5
        others = weights[:, head].sum(-1).mean() - seen.mean()
        assert others < 0.5


def test_where_a_neighbour_is_does_not_depend_on_the_words() -> None:
    network = fresh()
    ids = torch.randint(5, 500, (1, 256), generator=torch.Generator().manual_seed(2))
    same = torch.full((1, 256), 4)
    for some in (ids, same):
        assert first_weights(network, some)[0, 0].diagonal(-1).min() > 0.2


def test_words_and_positions_begin_in_dimensions_of_their_own() -> None:
    embeddings = fresh().bert.embeddings
    words, positions = embeddings.word_embeddings.weight, embeddings.position_embeddings.weight
    is_used = torch.stack([table.abs().sum(0) > 0 for table in (words, positions)])  # [2, dim]
    assert torch.equal(is_used.sum(0), torch.ones(256, dtype=torch.int64))
    assert is_used.sum(1).tolist() == [192, 64]
    for table in (words[5:, 64:], positions[:, :64]):
        assert table.square().mean().sqrt().item() == pytest.approx(0.02, rel=0.02)


@torch.no_grad()
def test_what_the_heads_pass_on_is_as_large_as_what_they_read() -> None:
    layer = fresh().bert.encoder.layer[0]
    for linear in (layer.attention.self.value, layer.attention.output.dense):  # type: ignore[union-attr]
        assert linear.weight.std().item() == pytest.approx(1 / math.sqrt(256), rel=0.02)  # type: ignore[union-attr]


@pytest.mark.parametrize(("dim", "heads"), [(6, 2), (2, 1), (1, 1), (10, 1), (12, 12)])
def test_any_width_begins_with_finite_scores(dim: int, heads: int) -> None:
    network = fresh(heads, dim)
    assert torch.isfinite(network(torch.randint(0, 500, (1, 40)))).all()


def test_classifiers_begin_alike() -> None:
    config = BertConfig(vocab_size=50, hidden_size=64, num_attention_heads=4, max_position_embeddings=16)
    network = BertForSequenceClassification(config, 2)
    initialize(network, config, 0)
    assert not network.bert.embeddings.position_embeddings.weight[:, 16:].any()
