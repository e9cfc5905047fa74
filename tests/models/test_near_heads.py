from __future__ import annotations

from typing import cast

import pytest
import torch
from torch import Tensor

from penjing.models.bert import BertConfig, BertForMaskedLM, BertForSequenceClassification, initialize
from penjing.models.bert_layers import BertLayer


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
    return cast("BertLayer", network.bert.encoder.layer[0]).attention.self.weigh(read)


@pytest.mark.parametrize("heads", [4, 2])
def test_each_head_of_the_first_layer_looks_at_a_neighbour_of_its_own(heads: int) -> None:
    weights = first_weights(fresh(heads), torch.randint(5, 500, (2, 256), generator=torch.Generator().manual_seed(1)))
    for head, offset in zip(range(heads), (-1, 1, -2, 2), strict=False):
        seen = weights[:, head].diagonal(offset, dim1=1, dim2=2)
        assert seen.mean() > 0.5
        row = slice(2, 254)  # which have neighbours on both sides
        found = weights[:, head, row].argmax(-1) - torch.arange(2, 254)
        assert (found == offset).float().mean() > 0.98


@torch.no_grad()
def test_the_score_of_that_neighbour_is_twelve_nats_above_the_mean_without_segments() -> None:
    network = fresh()
    network.bert.embeddings.token_type_embeddings.weight.zero_()
    weights = first_weights(network, torch.randint(5, 500, (4, 256), generator=torch.Generator().manual_seed(1)))
    scores = weights[:, 0, 1:].log()  # but for what is the same for all tokens of a row
    above = scores.diagonal(dim1=1, dim2=2) - scores.mean(-1)  # of the token before: the first row is left out
    assert above.mean().item() == pytest.approx(12, rel=0.03)


def test_where_a_neighbour_is_does_not_depend_on_the_words() -> None:
    network = fresh()
    ids = torch.randint(5, 500, (1, 256), generator=torch.Generator().manual_seed(2))
    same = torch.full((1, 256), 4)
    for some in (ids, same):
        assert first_weights(network, some)[0, 0].diagonal(-1)[1:].min() > 0.2


def test_the_first_token_looks_at_all_alike() -> None:
    weights = first_weights(fresh(), torch.randint(5, 500, (4, 256), generator=torch.Generator().manual_seed(2)))
    assert weights[:, :, 0].max() < 0.1


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_words_and_positions_begin_in_dimensions_of_their_own_a_quarter_at_most(heads: int) -> None:
    embeddings = fresh(heads).bert.embeddings
    words, positions = embeddings.word_embeddings.weight, embeddings.position_embeddings.weight
    is_used = torch.stack([table.abs().sum(0) > 0 for table in (words, positions)])  # [2, dim]
    assert torch.equal(is_used.sum(0), torch.ones(256, dtype=torch.int64))
    assert is_used.sum(1).tolist() == [192, 64]
    for table in (words[5:, 64:], positions[:, :64]):
        assert table.square().mean().sqrt().item() == pytest.approx(0.02, rel=0.02)


@torch.no_grad()
@pytest.mark.parametrize("heads", [2, 4])
def test_what_the_heads_pass_on_is_about_as_large_as_what_they_read(heads: int) -> None:
    network = fresh(heads)
    embeddings, attention = network.bert.embeddings, cast("BertLayer", network.bert.encoder.layer[0]).attention
    ids = torch.randint(5, 500, (2, 256), generator=torch.Generator().manual_seed(1))
    read = embeddings(embeddings.word_embeddings(ids), None)
    passed = attention.output.dense(attention.self(read, None, read))
    assert 0.7 < passed.std() / read.std() < 1.1


@pytest.mark.parametrize(("dim", "heads"), [(6, 2), (2, 1), (1, 1), (10, 1), (12, 12)])
def test_any_width_begins_with_finite_scores(dim: int, heads: int) -> None:
    network = fresh(heads, dim)
    assert torch.isfinite(network(torch.randint(0, 500, (1, 40)))).all()


def test_classifiers_begin_alike() -> None:
    config = BertConfig(vocab_size=50, hidden_size=64, num_attention_heads=4, max_position_embeddings=16)
    network = BertForSequenceClassification(config, 2)
    initialize(network, config, 0)
    assert not network.bert.embeddings.position_embeddings.weight[:, 16:].any()
