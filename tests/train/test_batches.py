from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from penjing.errors import DataError
from penjing.text.renderer import Rendered
from penjing.text.shards import TokenShard, write_shard
from penjing.train.batches import RowBatches, WindowBatches


def make_shard(folder: Path, lengths: list[int]) -> TokenShard:
    rows = [Rendered(list(range(5, 5 + length)), [], 0) for length in lengths]
    return write_shard(folder, [(rows, list(range(len(rows))))], vocab_size=100, unknown_id=1, fingerprint="f")


def test_every_row_comes_once_an_epoch_and_little_is_padding(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(5, 60, size=2000).tolist()
    batches = RowBatches(make_shard(tmp_path, lengths), 0, 2048, 64, seed=0)
    plan = batches.plan(0)
    assert sorted(np.concatenate(plan).tolist()) == list(range(2000))
    padded = sum(len(rows) * max(lengths[row] for row in rows) for rows in plan)
    assert sum(lengths) / padded > 0.97


def test_rows_of_few_lengths_are_padded_to_them_and_still_come_once_each(tmp_path: Path) -> None:
    lengths = np.random.default_rng(0).integers(5, 60, size=2000).tolist()
    shard = make_shard(tmp_path, lengths)
    exact, rounded = (RowBatches(shard, 0, 2048, 64, seed=0, few_lengths=few) for few in (False, True))
    shapes = [
        {batches.load(rows).ids.shape[1] for epoch in range(4) for rows in batches.plan(epoch)}
        for batches in (exact, rounded)
    ]
    assert len(shapes[1]) <= 20 < len(shapes[0])
    plan = rounded.plan(0)
    assert sorted(np.concatenate(plan).tolist()) == list(range(2000))
    batches = [rounded.load(rows) for rows in plan]
    assert all(batch.ids.numel() <= 2048 for batch in batches)
    real = [int(batch.ids.numel() if batch.mask is None else batch.mask.sum()) for batch in batches]
    assert real == [sum(lengths[row] for row in rows) for rows in plan]


def test_epochs_differ_and_the_same_epoch_is_the_same(tmp_path: Path) -> None:
    shard = make_shard(tmp_path, [10] * 100)
    plans = [np.concatenate(RowBatches(shard, 0, 200, 8, seed=1).plan(epoch)) for epoch in (0, 0, 1)]
    assert np.array_equal(plans[0], plans[1])
    assert not np.array_equal(plans[0], plans[2])


def test_windows_cover_the_corpus_and_all_have_one_shape(tmp_path: Path) -> None:
    batches = WindowBatches(make_shard(tmp_path, [50] * 21), window_tokens=16, batch_tokens=64, seed=0)
    plan = batches.plan(0)
    assert {rows.shape for rows in plan} == {(4,)}
    assert set(np.concatenate(plan).tolist()) == set(range(50 * 21 // 16))
    assert batches.load(plan[0]).ids.shape == (4, 16)


def test_validation_reads_every_window_once(tmp_path: Path) -> None:
    shard = make_shard(tmp_path, [50] * 21)
    batches = WindowBatches(shard, window_tokens=16, batch_tokens=64, seed=0, shuffled=False)
    plan = batches.plan(0)
    assert np.concatenate(plan).tolist() == list(range(50 * 21 // 16))
    assert [len(rows) for rows in plan] == [4] * 16 + [1]
    assert WindowBatches(shard, window_tokens=16, batch_tokens=64, seed=0).repeated == 3
    assert batches.repeated == 0


@given(st.lists(st.integers(1, 30), min_size=2, max_size=20))
def test_every_token_of_a_window_knows_its_document(lengths: list[int]) -> None:
    rows = [Rendered([5 + number] * length, [], 0) for number, length in enumerate(lengths)]
    with TemporaryDirectory() as folder:
        shard = write_shard(Path(folder), [(rows, [])], vocab_size=100, unknown_id=1, fingerprint="f")
        if len(shard.tokens) < 8:
            return
        batches = WindowBatches(shard, window_tokens=8, batch_tokens=24, seed=0, tells_documents=True)
        for chosen in batches.plan(0):
            batch = batches.load(chosen)
            assert batch.documents is not None
            assert torch.equal(batch.documents - 1, batch.ids - 5)  # a token of document n is 5 + n


def test_corpus_smaller_than_one_batch_is_one_batch(tmp_path: Path) -> None:
    batches = WindowBatches(make_shard(tmp_path, [50]), window_tokens=16, batch_tokens=640, seed=0)
    (rows,) = batches.plan(0)
    assert sorted(rows.tolist()) == [0, 1, 2]


def test_corpus_smaller_than_one_window_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"less than one window.*window_tokens"):
        WindowBatches(make_shard(tmp_path, [12]), window_tokens=16, batch_tokens=64, seed=0)
