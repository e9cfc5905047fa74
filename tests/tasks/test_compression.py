from __future__ import annotations

import random

import pytest

from penjing.errors import DataError
from penjing.tasks.baselines.compression import compress_texts


def random_texts(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return ["".join(rng.choices("abcdefgh", k=400)) for _ in range(count)]


def test_eight_letters_at_random_need_about_three_bits() -> None:
    found = compress_texts([], random_texts(100, seed=0))
    assert 3.0 <= found.bits_per_byte < 3.5
    assert (found.bytes, found.priming_bytes) == (40_000, 0)


def test_what_was_read_before_costs_almost_nothing() -> None:
    texts = random_texts(50, seed=1)
    assert compress_texts(texts, texts).bits_per_byte < 0.1 < 3.0 <= compress_texts([], texts).bits_per_byte


def test_only_the_end_of_the_training_texts_is_read() -> None:
    texts = random_texts(50, seed=2)
    others = random_texts(50, seed=3)
    seen = compress_texts(others + texts, texts, priming_bytes=20_050)
    unseen = compress_texts(texts + others, texts, priming_bytes=20_050)
    assert seen.priming_bytes == unseen.priming_bytes == 20_050
    assert seen.bits_per_byte < 0.1 < 3.0 < unseen.bits_per_byte


def test_texts_beyond_the_limit_are_left_out_and_counted() -> None:
    assert compress_texts([], random_texts(10, seed=4), test_bytes=1000).bytes == 800


def test_one_character_and_chinese_are_counted_in_bytes() -> None:
    assert compress_texts([], ["a"]).bytes == 1
    assert compress_texts([], ["很", "🎬"]).bytes == 7
    with pytest.raises(DataError, match="no text to measure"):
        compress_texts(["a"], ["", ""])
