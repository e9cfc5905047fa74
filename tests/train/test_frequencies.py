from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from penjing.models.bert import BertConfig, BertForMaskedLM
from penjing.models.lstm import LstmForCausalLM
from penjing.models.lstm_config import LstmConfig
from penjing.text.renderer import Rendered
from penjing.text.shards import TokenShard, write_shard
from penjing.train import frequencies
from penjing.train.batches import Batch
from penjing.train.frequencies import count_shares, count_written, share_found
from penjing.train.objectives.causal import CausalObjective
from penjing.train.objectives.span import SpanObjective
from penjing.train.pair_batches import ContinuationBatches, PairBatches, PairLimits

VOCABULARY = 11


@pytest.fixture
def shard(tmp_path: Path) -> TokenShard:
    """Seven times token 3, twice token 5, once token 10."""
    rows = [([Rendered([3, 3, 3, 5, 10], [], 0)], []), ([Rendered([3, 3, 3, 3, 5], [], 0)], [])]
    return write_shard(tmp_path, rows, vocab_size=VOCABULARY, unknown_id=1, fingerprint="")


@pytest.mark.parametrize("at_once", [1 << 22, 4])
def test_shares_are_those_of_the_tokens_each_counted_once_more(
    shard: TokenShard, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frequencies, "_COUNTED_AT_ONCE", at_once)
    counted = np.ones(VOCABULARY)
    counted[[3, 5, 10]] += [7, 2, 1]
    found = count_shares(shard, VOCABULARY, CausalObjective(), 5)
    assert torch.allclose(found, torch.from_numpy(counted / counted.sum()))


@pytest.mark.parametrize("family", ["bert", "lstm"])
def test_a_fresh_model_guesses_these_shares(family: str) -> None:
    network: BertForMaskedLM | LstmForCausalLM = (
        BertForMaskedLM(BertConfig(vocab_size=VOCABULARY, hidden_size=8, num_attention_heads=2, num_hidden_layers=1))
        if family == "bert"
        else LstmForCausalLM(LstmConfig(vocab_size=VOCABULARY, embedding_size=6, hidden_size=8))
    )
    shares = torch.arange(1.0, VOCABULARY + 1) / torch.arange(1.0, VOCABULARY + 1).sum()
    network.begin(shares, 1.0)
    bias = network.get_parameter("cls.predictions.bias" if family == "bert" else "decoder.bias")
    assert torch.allclose(bias.softmax(0), shares)
    assert bias.exp().sum().item() == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize(("rate", "span"), [(0.2, 3.0), (0.5, 2.0)])
def test_of_spans_that_are_hidden_the_sentinels_and_the_end_count_too(rate: float, span: float, tmp_path: Path) -> None:
    ids = torch.randint(20, 40, (2000, 30), generator=torch.Generator().manual_seed(0))
    rows = [([Rendered(ids.flatten().tolist(), [], 0)], [])]
    shard = write_shard(tmp_path, rows, vocab_size=40, unknown_id=1, fingerprint="")
    objective = SpanObjective(rate, span, [5, 6, 7, 8, 9, 10, 11, 12], 3, 0)
    found = count_shares(shard, 40, objective, 30)
    *_, written = objective.prepare(Batch(ids, None, None), torch.Generator().manual_seed(1), 0.0).tensors
    assert written is not None
    drawn = torch.bincount(written.flatten(), minlength=40).double() / written.numel()
    assert torch.allclose(found[3:13], drawn[3:13], atol=2e-3)
    assert torch.allclose(found[20:].sum(), drawn[20:].sum(), atol=2e-2)


@pytest.mark.parametrize("batches", [PairBatches, ContinuationBatches])
def test_of_pairs_what_is_written_counts(
    batches: type[PairBatches] | type[ContinuationBatches], tmp_path: Path
) -> None:
    pairs = [([3, 4, 5, 2], [4, 6, 5, 2]), ([7, 2], [8, 2]), ([9, 9, 9, 2], [9, 3, 2])]
    rows = [([Rendered(read + written, [], 0) for read, written in pairs], [len(read) for read, _ in pairs])]
    shard = write_shard(tmp_path, rows, vocab_size=VOCABULARY, unknown_id=1, fingerprint="")
    shares = count_written(batches(shard, 0, PairLimits(16, 8), 0), VOCABULARY)
    counted = torch.ones(VOCABULARY, dtype=torch.float64)
    for _, written in pairs:
        for token in written:
            counted[token] += 1
    assert torch.allclose(shares, counted / counted.sum())


def test_what_is_found_stands_in_the_row_that_is_read(tmp_path: Path) -> None:
    pairs = [([3, 4, 5, 2], [4, 6, 5, 2]), ([7, 2], [8, 2]), ([9, 9, 9, 2], [9, 3, 2]), ([1, 2], [2])]
    rows = [([Rendered(read + written, [], 0) for read, written in pairs], [len(read) for read, _ in pairs])]
    shard = write_shard(tmp_path, rows, vocab_size=VOCABULARY, unknown_id=1, fingerprint="")
    for most in (16, 200):  # tokens a batch: rows alone, and all of them together
        found = share_found(PairBatches(shard, 0, PairLimits(most, 8), 0), VOCABULARY)
        assert found == pytest.approx(3 / 6)  # 4, 5 and 9, of six that do not end a row; 3 stands in another row
