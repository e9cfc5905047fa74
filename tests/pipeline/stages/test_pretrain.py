from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from penjing.models.bert import BertConfig, BertForMaskedLM
from penjing.models.lstm import LstmConfig, LstmForCausalLM
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.stages import pretrain
from penjing.pipeline.stages.pretrain import PRETRAIN, guess_by_frequency
from penjing.text.renderer import Rendered
from penjing.text.shards import TokenShard, write_shard

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
    monkeypatch.setattr(pretrain, "_COUNTED_AT_ONCE", at_once)
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


@pytest.mark.parametrize(
    ("family", "objective", "begins"), [("bert", "masked", True), ("lstm", "causal", True), ("llama", "causal", False)]
)
def test_it_counts_as_a_setting_where_it_changes_something(
    family: str, objective: str, begins: bool, small_bert_run: Any
) -> None:
    document = {"corpus": {"path": "x.txt"}, "pretrain": {"objective": objective}, "model": {"family": family}}
    fresh = check_recipe(document, "r")
    assert (PRETRAIN.settings(fresh)[3:] == ["by frequency"]) is begins
    if family == "bert":
        given = check_recipe({**document, "model": {"start": str(small_bert_run.model)}}, "r")
        assert len(PRETRAIN.settings(given)) == 3
