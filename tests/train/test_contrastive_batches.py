from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penjing.errors import DataError
from penjing.text.renderer import Rendered
from penjing.text.shards import TokenShard, write_shard
from penjing.train.contrastive_batches import ContrastiveBatches


def make_shard(folder: Path, labels: list[int], longest: int = 9) -> TokenShard:
    folder.mkdir(exist_ok=True)
    rows = [Rendered(list(range(2, 3 + row % longest)), [], 0) for row in range(len(labels))]
    return write_shard(folder, [(rows, labels)], vocab_size=50, unknown_id=1, fingerprint="x")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.integers(2, 7), min_size=2, max_size=6),
    most=st.integers(4, 20),
    tokens=st.integers(40, 400),
    seed=st.integers(0, 50),
)
def test_every_batch_holds_as_many_rows_of_each_class_two_at_least_within_its_limits(
    sizes: list[int], most: int, tokens: int, seed: int, tmp_path: Path
) -> None:
    labels = [number for number, size in enumerate(sizes) for _ in range(size)]
    shard = make_shard(tmp_path / "shard", labels)
    batches = ContrastiveBatches(shard, 0, tokens, most, 5, seed)
    plan = batches.plan(0)
    assert len(plan) == 5
    for rows in plan:
        assert len(set(rows.tolist())) == len(rows) <= most
        assert batches.load(rows).ids.numel() <= tokens
        counts = Counter(shard.labels[rows].tolist())
        assert len(counts) >= 2
        share = min(most, tokens // int(shard.lengths.max())) // len(counts)
        assert share >= 2
        assert counts == {number: min(share, sizes[number]) for number in counts}
    again = ContrastiveBatches(shard, 0, tokens, most, 5, seed).plan(0)
    assert all(np.array_equal(one, other) for one, other in zip(plan, again, strict=True))


def test_all_classes_have_their_turn_where_a_batch_holds_a_part_of_them(tmp_path: Path) -> None:
    shard = make_shard(tmp_path / "shard", [row // 3 for row in range(90)])
    plan = ContrastiveBatches(shard, 0, 10_000, 8, 60, 0).plan(0)
    assert {len(set(shard.labels[rows].tolist())) for rows in plan} == {4}
    assert {label for rows in plan for label in shard.labels[rows].tolist()} == set(range(30))


@pytest.mark.parametrize(
    ("labels", "tokens", "message"),
    [
        ([0, 0, 1], 1000, "a class has one row only"),
        ([0, 0, 0], 1000, "there is one class only"),
        (
            [0, 0, 1, 1],
            15,
            "a batch of 8 rows and 15 tokens cannot hold two rows of two classes: the longest row has 4",
        ),
    ],
)
def test_rows_with_nothing_to_compare_are_refused(labels: list[int], tokens: int, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        ContrastiveBatches(make_shard(tmp_path / "shard", labels), 0, tokens, 8, 3, 0)
