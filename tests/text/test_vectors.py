from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from penjing.errors import Interrupted
from penjing.progress import Silent
from penjing.text.renderer import Rendered
from penjing.text.shards import write_shard
from penjing.text.vectors import VectorSettings, load_vectors, save_vectors, train_vectors


def test_vectors_are_the_same_twice_and_put_tokens_of_like_company_close(tmp_path: Path) -> None:
    pytest.importorskip("gensim")
    rng = np.random.default_rng(0)
    groups = [[10, 11, 12, 13], [20, 21, 22, 23]]
    rows = [Rendered(rng.choice(groups[i % 2], size=12).tolist(), [], 0) for i in range(400)]
    shard = write_shard(tmp_path, [(rows, [])], vocab_size=30, unknown_id=1, fingerprint="f")
    settings = VectorSettings(epochs=10)
    first, second = (train_vectors(shard, 30, 16, settings, seed=3, progress=Silent()) for _ in range(2))
    assert np.array_equal(first, second)
    assert not first[5].any()
    unit = first[10:24] / np.maximum(1e-9, np.linalg.norm(first[10:24], axis=1, keepdims=True))
    assert unit[0] @ unit[1] > unit[0] @ unit[10] + 0.3
    save_vectors(tmp_path, first)
    assert np.array_equal(load_vectors(tmp_path), first)


@pytest.mark.parametrize("rows_before", [0, 150, 250, 1000])
def test_training_stops_when_asked_in_counting_and_in_any_epoch(tmp_path: Path, rows_before: int) -> None:
    pytest.importorskip("gensim")

    class Stopping(Silent):
        asked = 0

        def should_stop(self) -> bool:
            self.asked += 1
            return self.asked > rows_before

    rows = [Rendered([10 + i % 7, 11, 12], [], 0) for i in range(200)]
    shard = write_shard(tmp_path, [(rows, [])], vocab_size=30, unknown_id=1, fingerprint="f")
    progress = Stopping()
    with pytest.raises(Interrupted):
        train_vectors(shard, 30, 16, VectorSettings(epochs=50), seed=3, progress=progress)
    assert progress.asked < rows_before + 200
