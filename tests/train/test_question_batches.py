"""Batches of questions tell the question from the text, and where the answer stands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from penjing.text.renderer import Rendered
from penjing.text.shards import write_shard
from penjing.train.pair_batches import PairLimits
from penjing.train.question_batches import SPANS, QuestionBatches


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [[2, 7, 3, 8, 9, 3], [2, 7, 7, 3, 8, 3], [2, 3, 5, 6, 7, 8, 9, 3]]
    rendered = [Rendered(ids, [False] * len(ids), 0) for ids in rows]
    write_shard(tmp_path, [(rendered, [3, 4, 2])], vocab_size=10, unknown_id=-1, fingerprint="x")
    np.save(tmp_path / SPANS, np.array([[3, 4], [4, 4], [0, 0]]), allow_pickle=False)
    return tmp_path


def test_types_are_those_of_bert_and_padding_has_none(folder: Path) -> None:
    batch = QuestionBatches(folder, 0, PairLimits(100, 8), 0).load(np.array([0, 1, 2]))
    assert batch.token_types is not None
    assert batch.spans is not None
    assert batch.mask is not None
    assert batch.token_types.tolist() == [
        [0, 0, 0, 1, 1, 1, 0, 0],
        [0, 0, 0, 0, 1, 1, 0, 0],
        [0, 0, 1, 1, 1, 1, 1, 1],
    ]
    assert batch.spans.tolist() == [[3, 4], [4, 4], [0, 0]]
    assert batch.mask.sum(dim=1).tolist() == [6, 6, 8]


def test_every_epoch_reads_every_window_in_its_own_order(folder: Path) -> None:
    batches = QuestionBatches(folder, 0, PairLimits(8, 1), 0)
    plans = [[int(rows[0]) for rows in batches.plan(epoch)] for epoch in range(8)]
    assert all(sorted(plan) == [0, 1, 2] for plan in plans)
    assert len({tuple(plan) for plan in plans}) > 1
    assert plans == [[int(rows[0]) for rows in batches.plan(epoch)] for epoch in range(8)]


def test_the_ids_in_use_are_those_that_occur_and_padding(folder: Path) -> None:
    used = QuestionBatches(folder, 0, PairLimits(100, 8), 0).used_ids()
    assert used is not None
    assert used.tolist() == [0, 2, 3, 5, 6, 7, 8, 9]


def test_windows_are_padded_to_few_lengths(tmp_path: Path) -> None:
    rows = [Rendered([2, 7, 3, *[8] * length, 3], [], 0) for length in range(1, 200)]
    write_shard(tmp_path, [(rows, [3] * len(rows))], vocab_size=10, unknown_id=-1, fingerprint="x")
    np.save(tmp_path / SPANS, np.zeros((len(rows), 2), dtype=np.int64), allow_pickle=False)
    batches = QuestionBatches(tmp_path, 0, PairLimits(10_000, 1), 0)
    loaded = [batches.load(rows) for rows in batches.plan(0)]
    assert len({batch.ids.shape[1] for batch in loaded}) < 40
    assert sum(int(batch.ids.numel() if batch.mask is None else batch.mask.sum()) for batch in loaded) == sum(
        len(row.ids) for row in rows
    )
