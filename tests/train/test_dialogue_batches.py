"""Batches of dialogues hold whole windows, and ask for the replies alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from penjing.text.learned import keep_learned, open_learned
from penjing.text.renderer import Rendered
from penjing.text.shards import open_shard, write_shard
from penjing.train.cross_entropy import IGNORED
from penjing.train.dialogue_batches import DialogueBatches
from penjing.train.pair_batches import PairLimits


def write(folder: Path, rows: list[Rendered]) -> None:
    parts = [(rows[:3], list[int]()), (rows[3:], list[int]())]
    write_shard(folder, keep_learned(folder, parts), vocab_size=100, unknown_id=-1, fingerprint="x")


def test_what_follows_a_token_is_asked_for_where_it_is_learned(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = []
    for length in (5, 9, 3, 8, 5):
        rows.append(Rendered(rng.integers(1, 100, length).tolist(), (rng.random(length) < 0.5).tolist(), 0))
    write(tmp_path, rows)
    shard, learned = open_shard(tmp_path), open_learned(tmp_path)
    assert learned.tolist() == [flag for row in rows for flag in row.learned]
    batches = DialogueBatches(shard, learned, 0, PairLimits(tokens=20, rows=3), seed=1)
    seen = []
    for numbers in batches.plan(0):
        batch = batches.load(numbers)
        assert batch.written is not None
        assert batch.ids.numel() <= 20 or len(numbers) == 1
        for place, number in enumerate(numbers.tolist()):
            row, length = rows[number], len(rows[number].ids) - 1
            assert batch.ids[place, :length].tolist() == row.ids[:-1]
            wanted = [token if flag else IGNORED for token, flag in zip(row.ids, row.learned, strict=True)][1:]
            assert batch.written[place, :length].tolist() == wanted
            assert (batch.written[place, length:] == IGNORED).all()
            seen.append(number)
    assert sorted(seen) == list(range(5))
    assert [part.tolist() for part in batches.plan(3)] == [part.tolist() for part in batches.plan(3)]


def test_batches_have_few_lengths_and_none_is_longer_than_the_longest_window(tmp_path: Path) -> None:
    rows = [Rendered([1] * length, [True] * length, 0) for length in [*range(2, 60), 71]]
    write(tmp_path, rows)
    batches = DialogueBatches(open_shard(tmp_path), open_learned(tmp_path), 0, PairLimits(tokens=400, rows=4), seed=1)
    found = [batches.load(numbers) for numbers in batches.plan(0)]
    shapes = {batch.ids.shape[1] for batch in found}
    assert max(shapes) == 70
    assert len(shapes) < 24
    assert max(batch.ids.numel() for batch in found) <= 400
    assert sum(len(batch.ids) for batch in found) == len(rows)
