"""Rows of several parts are mixed in the shares that T5's paper gives, and every row comes as often as the others."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from penjing.models.interface import OutputLayer
from penjing.text.renderer import Rendered
from penjing.text.shards import TokenShard, write_shard
from penjing.train.measuring import measure
from penjing.train.mixing import MixedBatches, Part, PartBatches, mixing_shares, rows_an_epoch
from penjing.train.objectives.writing import ContinuationObjective
from penjing.train.pair_batches import ContinuationBatches, PairLimits

PARTS = (Part("a", 0, 90), Part("b", 90, 10))
LIMITS = PairLimits(200, 16)


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> TokenShard:
    rng = np.random.default_rng(0)
    rows = [rng.integers(3, 40, int(rng.integers(4, 12))).tolist() for _ in range(100)]
    rendered = [Rendered(ids, [False] * len(ids), 0) for ids in rows]
    folder: Path = tmp_path_factory.mktemp("shard")
    return write_shard(folder, [(rendered, [2] * 100)], vocab_size=40, unknown_id=-1, fingerprint="f")


def batches(shard: TokenShard, counts: list[int]) -> MixedBatches:
    return MixedBatches(ContinuationBatches(shard, 0, LIMITS, 7), shard.lengths, PARTS, counts, LIMITS, 7)


def test_shares_are_those_of_the_paper() -> None:
    assert mixing_shares(PARTS).tolist() == pytest.approx([0.9, 0.1])
    assert mixing_shares(PARTS, limit=30).tolist() == pytest.approx([30 / 40, 10 / 40])
    assert mixing_shares(PARTS, temperature=2).tolist() == pytest.approx([0.75, 0.25])  # roots: 9.487 and 3.162
    weighted = mixing_shares((Part("a", 0, 90), Part("b", 90, 10, 3.0)))
    assert weighted.tolist() == pytest.approx([90 / 120, 30 / 120])


def test_an_epoch_has_as_many_rows_as_there_are() -> None:
    assert rows_an_epoch(PARTS, mixing_shares(PARTS)) == [90, 10]
    assert sum(rows_an_epoch(PARTS, np.array([1 / 3, 2 / 3]))) == 100
    assert rows_an_epoch(PARTS, np.array([0.9999, 0.0001]))[1] == 1


def test_no_row_comes_a_second_time_before_all_have_come_once(shard: TokenShard) -> None:
    mixed = batches(shard, [60, 40])
    seen: Counter[int] = Counter()
    for epoch in range(3):
        rows = np.concatenate(mixed.plan(epoch))
        assert Counter("a" if row < 90 else "b" for row in rows.tolist()) == {"a": 60, "b": 40}
        seen.update(rows.tolist())
    assert {seen[row] for row in range(90)} == {2}
    assert {seen[row] for row in range(90, 100)} == {12}


def test_a_plan_follows_from_the_seed_and_the_epoch_and_parts_meet_in_batches(shard: TokenShard) -> None:
    plan, again = batches(shard, [50, 50]).plan(3), batches(shard, [50, 50]).plan(3)
    assert [rows.tolist() for rows in plan] == [rows.tolist() for rows in again]
    assert [rows.tolist() for rows in plan] != [rows.tolist() for rows in batches(shard, [50, 50]).plan(4)]
    assert any({row < 90 for row in rows.tolist()} == {True, False} for rows in plan)
    assert all(len(rows) <= LIMITS.rows and shard.lengths[rows].max() * len(rows) <= LIMITS.tokens for rows in plan)


class Guess(torch.nn.Module):
    """A language model that guesses all tokens alike but one."""

    def __init__(self) -> None:
        super().__init__()
        self.words = torch.nn.Linear(4, 40)

    def output_layer(self, hidden: torch.Tensor) -> OutputLayer:
        return OutputLayer(hidden, self.words.weight, self.words.bias)

    def encode(self, ids: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        return torch.nn.functional.one_hot(ids % 4, 4).float()


def test_the_validation_loss_is_the_mean_of_the_parts(shard: TokenShard) -> None:
    torch.manual_seed(0)
    network, loads = Guess(), ContinuationBatches(shard, 0, LIMITS, 0, shuffled=False)

    def loss(parts: tuple[Part, ...]) -> dict[str, float]:
        validation = PartBatches(loads, shard.lengths, parts, LIMITS)
        return measure(network, ContinuationObjective(), validation, torch.device("cpu"), torch.float32, 0)

    both = loss(PARTS)
    alone = [loss((part,))["validation_loss"] for part in PARTS]
    assert both["validation_loss"] == pytest.approx(sum(alone) / 2)
    assert both["validation_loss.a"] == pytest.approx(alone[0])
    assert both["validation_loss.b"] == pytest.approx(alone[1])
