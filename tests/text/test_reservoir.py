from __future__ import annotations

from itertools import chain

import numpy as np
import pytest

from penjing.text.reservoir import draw_texts
from penjing.text.tokenizer import train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

TEXTS = [f"{number:04} " + "字" * (number % 7) for number in range(2000)]


def batches(texts: list[str], size: int) -> list[list[str]]:
    return [texts[start : start + size] for start in range(0, len(texts), size)]


def drawn(size: int, most: float, seed: int = 0) -> list[str]:
    return list(chain.from_iterable(draw_texts(batches(TEXTS, size), most, seed)))


def test_the_sample_does_not_depend_on_the_batches() -> None:
    samples = [drawn(size, 5000) for size in (1, 7, 1024, 5000)]
    assert all(sample == samples[0] for sample in samples)
    assert samples[0] != drawn(7, 5000, seed=1)


def test_the_sample_ends_where_the_bytes_are_reached() -> None:
    sizes = [len(text.encode()) for text in drawn(100, 5000)]
    assert 5000 <= sum(sizes) < 5000 + max(len(text.encode()) for text in TEXTS)


def test_fewer_bytes_than_wanted_are_kept_whole_and_in_order() -> None:
    assert drawn(64, 1e6) == TEXTS


def test_one_text_longer_than_the_sample_is_kept() -> None:
    assert list(draw_texts([["a" * 100]], 10, 0)) == [["a" * 100]]


def test_every_text_is_as_likely_to_be_drawn() -> None:
    texts = [f"{number:02}" for number in range(40)]
    counts = np.zeros(40)
    for seed in range(2000):
        for text in chain.from_iterable(draw_texts([texts], 20, seed)):
            counts[int(text)] += 1
    assert counts.sum() == 2000 * 10
    # 500 on average, with a standard deviation of 19; the seeds are fixed.
    assert counts.min() > 500 - 4 * 19
    assert counts.max() < 500 + 4 * 19


@pytest.mark.parametrize("kind", ["wordpiece", "bpe", "unigram", "word"])
def test_a_tokenizer_of_a_sample_is_the_same_in_any_batches(kind: str) -> None:
    settings = TokenizerSettings.model_validate({"kind": kind, "vocab_size": 320, "sample_mb": 0.005})
    one, other = (train_tokenizer(batches(TEXTS, size), settings, seed=3) for size in (10, 999))
    assert one.fingerprint == other.fingerprint
