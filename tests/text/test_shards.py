from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.errors import DataError
from penjing.text.batching import pad_rows, plan_by_length
from penjing.text.renderer import Rendered
from penjing.text.shards import open_shard, write_shard


@pytest.mark.parametrize(("vocab_size", "bytes_each"), [(60_000, 2), (70_000, 4)])
def test_shard_gives_back_rows_labels_and_counts(tmp_path: Path, vocab_size: int, bytes_each: int) -> None:
    rows = [Rendered([2, 9, 1, 3], [False] * 4, 0), Rendered([2, 59_999, 3], [False] * 3, 5), Rendered([2, 3], [], 0)]
    batches = [(rows[:2], [1, 0]), (rows[2:], [1])]
    write_shard(tmp_path, batches, vocab_size=vocab_size, unknown_id=1, fingerprint="f")
    shard = open_shard(tmp_path)
    assert [shard.row(i).tolist() for i in range(shard.rows)] == [row.ids for row in rows]
    assert shard.labels.tolist() == [1, 0, 1]
    assert (shard.cut_tokens, shard.cut_rows, shard.unknown_tokens) == (5, 1, 1)
    assert (tmp_path / "tokens.bin").stat().st_size == bytes_each * 9


def test_tokens_stay_on_disk(tmp_path: Path) -> None:
    write_shard(tmp_path, [([Rendered([1, 2], [], 0)], [])], vocab_size=10, unknown_id=1, fingerprint="f")
    shard = open_shard(tmp_path)
    assert isinstance(shard.tokens.base, np.memmap)
    assert isinstance(shard.offsets.base, np.memmap)


def test_empty_shard_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no row"):
        write_shard(tmp_path, [], vocab_size=10, unknown_id=1, fingerprint="f")


@given(st.lists(st.integers(1, 50), min_size=1, max_size=80), st.integers(1, 200), st.integers(1, 16))
def test_plan_takes_every_row_once_and_keeps_the_budget(lengths: list[int], max_tokens: int, max_rows: int) -> None:
    sizes = np.array(lengths, dtype=np.int64)
    plan = plan_by_length(sizes, max_tokens, max_rows)
    assert sorted(np.concatenate(plan).tolist()) == list(range(len(lengths)))
    for batch in plan:
        assert len(batch) <= max_rows
        assert len(batch) == 1 or len(batch) * sizes[batch].max() <= max_tokens


@given(st.lists(st.integers(0, 50), max_size=80), st.integers(0, 20))
def test_rows_of_a_batch_differ_in_length_by_no_more_than_asked(lengths: list[int], max_spread: int) -> None:
    sizes = np.array(lengths, dtype=np.int64)
    plan = plan_by_length(sizes, 10_000, 100, max_spread)
    assert sorted(row for batch in plan for row in batch.tolist()) == list(range(len(lengths)))
    assert all(sizes[batch].max() - sizes[batch].min() <= max_spread for batch in plan)
    nearest = [int(sizes[after].min() - sizes[before].min()) for before, after in pairwise(plan)]
    assert all(gap > max_spread for gap in nearest)  # and no batch is smaller than it must be


def test_padding_is_masked() -> None:
    ids, mask = pad_rows([[5, 6, 7], [8]], pad_id=0)
    assert ids.tolist() == [[5, 6, 7], [8, 0, 0]]
    assert mask.tolist() == [[True, True, True], [True, False, False]]
