from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from penjing.text.lattice import Lattice, lay_out
from penjing.text.tokenizer import train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

_ENGLISH = ["the cat sat on the mat", "the dog and the cat", "walking talking walked talked"] * 10
_CHINESE = ["酒店的服务很好", "服务态度很好的酒店", "房间很干净，服务很好"] * 10


def segmentations(word: str, pieces: dict[str, float]) -> list[list[str]]:
    cuts = product([False, True], repeat=len(word) - 1)
    found = []
    for cut in cuts:
        parts, start = [], 0
        for place, is_cut in enumerate([*cut, True], start=1):
            if is_cut:
                parts.append(word[start:place])
                start = place
        if all(part in pieces for part in parts):
            found.append(parts)
    return found


def test_expected_counts_are_those_of_all_segmentations_written_out() -> None:
    weights = {"a": 0.3, "b": 0.2, "ab": 0.15, "ba": 0.1, "bab": 0.05, "aba": 0.2}
    words, counts = ["abab", "ba", "ababa", "b"], np.array([3.0, 2.0, 1.0, 5.0])
    numbers = {piece: number for number, piece in enumerate(weights)}
    laid = lay_out(words)
    arcs = [
        (start + first, start + last, numbers[word[first:last]])
        for start, word in zip(laid.starts, words, strict=True)
        for first in range(len(word))
        for last in range(first + 1, len(word) + 1)
        if word[first:last] in numbers
    ]
    lattice = Lattice(laid, *np.array(arcs, dtype=np.int32).T)
    expected, totals = np.zeros(len(weights)), []
    for word, count in zip(words, counts, strict=True):
        ways = segmentations(word, weights)
        chances = np.array([math.prod(weights[part] for part in way) for way in ways])
        totals.append(chances.sum())
        for way, chance in zip(ways, chances / chances.sum(), strict=True):
            for part in way:
                expected[numbers[part]] += count * chance
    given = np.array(list(weights.values()))
    assert lattice.sum_paths(given) == pytest.approx(totals)
    assert lattice.expect(given, counts) == pytest.approx(expected)
    kept = np.array([True, True, True, False, False, True])
    lattice.keep(kept, np.cumsum(kept) - 1)
    fewer = lattice.expect(given[kept], np.array([0.0, 1.0, 0.0, 0.0]))
    assert fewer == pytest.approx([1, 1, 0, 0])


def test_frequent_words_become_entries_and_encode_as_one_token() -> None:
    tokenizer = train_tokenizer([_ENGLISH, _CHINESE], TokenizerSettings(kind="unigram", vocab_size=320))
    assert [len(ids) for ids in tokenizer.encode([" the", " cat", "酒店的服务很好", "服务很好"])] == [1, 1, 1, 1]


def test_entries_are_whole_characters_or_single_bytes() -> None:
    tokenizer = train_tokenizer([_CHINESE], TokenizerSettings(kind="unigram", vocab_size=330))
    entries = [tokenizer.token(number) for number in range(5, tokenizer.vocab_size)]
    assert sorted(entries[:256]) == sorted(set(entries[:256]))
    assert all(len(entry) == 1 for entry in entries[:256])
    assert "\ufffd" not in "".join(tokenizer.decode([number]) for number in range(5 + 256, tokenizer.vocab_size))


def test_characters_never_seen_are_spelled_in_bytes_and_nothing_is_unknown() -> None:
    tokenizer = train_tokenizer([_ENGLISH], TokenizerSettings(kind="unigram", vocab_size=320))
    (ids,) = tokenizer.encode(["ж好😀"])
    assert tokenizer.decode(ids) == "ж好😀"
    assert len(ids) == 2 + 3 + 4
    assert tokenizer.unknown_id not in ids


def test_the_vocabulary_has_no_more_entries_than_asked_for() -> None:
    for size in (300, 310, 400):
        tokenizer = train_tokenizer([_ENGLISH], TokenizerSettings(kind="unigram", vocab_size=size, min_frequency=1))
        assert tokenizer.vocab_size <= size
