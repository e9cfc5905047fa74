"""Batches of pairs hold every pair once an epoch, whole, and say what is learned of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from penjing.text.renderer import Rendered
from penjing.text.shards import TokenShard, write_shard
from penjing.train.cross_entropy import IGNORED
from penjing.train.pair_batches import ContinuationBatches, PairBatches, PairLimits

PAD = 0
Pair = tuple[list[int], list[int]]


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    rng = np.random.default_rng(0)
    return [
        (rng.integers(5, 90, rng.integers(1, 20)).tolist(), rng.integers(5, 90, rng.integers(1, 20)).tolist())
        for _ in range(100)
    ]


@pytest.fixture(scope="module")
def shard(pairs: list[Pair], tmp_path_factory: pytest.TempPathFactory) -> TokenShard:
    folder: Path = tmp_path_factory.mktemp("shard")
    rows = [Rendered(read + written, [], 0) for read, written in pairs]
    lengths = [len(read) for read, _ in pairs]
    return write_shard(folder, [(rows, lengths)], vocab_size=100, unknown_id=-1, fingerprint="")


def test_an_encoder_decoder_reads_the_one_and_writes_the_other(shard: TokenShard, pairs: list[Pair]) -> None:
    batches = PairBatches(shard, PAD, PairLimits(300, 16), 0)
    seen = []
    for rows in batches.plan(0):
        batch = batches.load(rows)
        assert batch.written is not None
        mask = batch.ids != PAD if batch.mask is None else batch.mask
        for place, row in enumerate(rows):
            read, written = pairs[row]
            assert batch.ids[place][mask[place]].tolist() == read
            assert batch.written[place][batch.written[place] != IGNORED].tolist() == written
        seen += rows.tolist()
    assert sorted(seen) == list(range(100))


def test_a_decoder_learns_each_token_that_is_written_from_all_before_it(shard: TokenShard, pairs: list[Pair]) -> None:
    batches = ContinuationBatches(shard, PAD, PairLimits(300, 16), 0)
    for rows in batches.plan(1):
        batch = batches.load(rows)
        assert batch.written is not None
        assert batch.written.shape == batch.ids.shape
        for place, row in enumerate(rows):
            read, written = pairs[row]
            learned = (batch.written[place] != IGNORED).nonzero()[:, 0].tolist()
            assert learned == list(range(len(read) - 1, len(read) + len(written) - 1))
            assert batch.written[place][learned].tolist() == written
            assert batch.ids[place][: learned[-1] + 1].tolist() == (read + written)[:-1]


def test_batches_keep_their_limits_and_follow_seed_and_epoch(shard: TokenShard) -> None:
    batches = PairBatches(shard, PAD, PairLimits(120, 6), 3)
    plans = [[rows.tolist() for rows in batches.plan(epoch)] for epoch in (0, 0, 1)]
    assert plans[0] == plans[1] != plans[2]
    lengths = shard.lengths
    assert all(len(rows) <= 6 and len(rows) * max(lengths[rows]) <= 120 for rows in plans[0])
    still = PairBatches(shard, PAD, PairLimits(120, 6), 3, shuffled=False)
    assert [rows.tolist() for rows in still.plan(0)] == [rows.tolist() for rows in still.plan(5)]


@pytest.mark.parametrize("kind", [PairBatches, ContinuationBatches])
def test_batches_have_few_shapes_and_keep_their_limit_with_padding(
    kind: type[PairBatches | ContinuationBatches], tmp_path: Path
) -> None:
    rng = np.random.default_rng(1)
    lengths = rng.integers(1, 120, (600, 2))
    rows = [Rendered([1] * int(read + written), [], 0) for read, written in lengths]
    shard = write_shard(tmp_path, [(rows, lengths[:, 0].tolist())], vocab_size=9, unknown_id=-1, fingerprint="")
    batches = kind(shard, PAD, PairLimits(2000, 64), 0)
    shapes = set()
    for numbers in batches.plan(0):
        batch = batches.load(numbers)
        assert batch.written is not None
        assert len(numbers) * int(batches.lengths[numbers].max()) <= 2000
        shapes |= {batch.ids.shape[1], batch.written.shape[1]}
    assert len(shapes) < 40
    assert max(shapes) <= lengths.sum(axis=1).max()
