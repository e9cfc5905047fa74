from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from penjing.models.bert import BertConfig, BertForMaskedLM
from penjing.models.lstm import LstmConfig, LstmForCausalLM
from penjing.text.renderer import Rendered
from penjing.text.shards import TokenShard, write_shard
from penjing.train import frequencies
from penjing.train.frequencies import guess_by_frequency

VOCABULARY = 11


@pytest.fixture
def shard(tmp_path: Path) -> TokenShard:
    """Seven times token 3, twice token 5, once token 10."""
    rows = [([Rendered([3, 3, 3, 5, 10], [], 0)], []), ([Rendered([3, 3, 3, 3, 5], [], 0)], [])]
    return write_shard(tmp_path, rows, vocab_size=VOCABULARY, unknown_id=1, fingerprint="")


@pytest.mark.parametrize("at_once", [1 << 22, 4])
@pytest.mark.parametrize("family", ["bert", "lstm"])
def test_a_fresh_model_guesses_tokens_as_often_as_they_come(
    shard: TokenShard, family: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frequencies, "_COUNTED_AT_ONCE", at_once)
    network: BertForMaskedLM | LstmForCausalLM = (
        BertForMaskedLM(BertConfig(vocab_size=VOCABULARY, hidden_size=8, num_attention_heads=2, num_hidden_layers=1))
        if family == "bert"
        else LstmForCausalLM(LstmConfig(vocab_size=VOCABULARY, embedding_size=6, hidden_size=8))
    )
    guess_by_frequency(network, shard)
    shares = np.ones(VOCABULARY)
    shares[[3, 5, 10]] += [7, 2, 1]
    assert torch.allclose(network.output_bias.softmax(0), torch.from_numpy(shares / shares.sum()).float())
    assert network.output_bias.exp().sum().item() == pytest.approx(1, rel=1e-5)
