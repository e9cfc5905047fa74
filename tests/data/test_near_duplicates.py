"""Near duplicates: planted ones of known similarity are found in both scripts, and others are left alone."""

from __future__ import annotations

import random
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penjing.data import near_duplicates
from penjing.data.minhash import (
    SHINGLE,
    SIGNATURE,
    SIGNATURES,
    sign_batch,
    sign_rest,
    sign_texts,
    spaced_words,
    unsign_batch,
)
from penjing.data.near_duplicates import NearDuplicateFinder, band_rows
from penjing.errors import MissingExtraError
from penjing.progress import Silent

pytest.importorskip("daft")
HAN = [chr(code) for code in range(0x4E00, 0x4E00 + 2000)]
WORDS = [f"word{number}" for number in range(2000)]


def write(words: list[str], *, spaced: bool) -> str:
    """Returns words as English, or characters as Chinese with a mark here and there."""
    if spaced:
        return " ".join(words).capitalize() + "."
    return "".join(word + ("，" if place % 9 == 8 else "") for place, word in enumerate(words))


def similarities(pairs: list[tuple[str, str]]) -> list[float]:
    """Returns the Jaccard similarity of the runs of five words of the texts of each pair."""
    words = [text.split() for text in spaced_words([text for pair in pairs for text in pair]).to_pylist()]
    runs = [{tuple(found[at : at + SHINGLE]) for at in range(len(found) - SHINGLE + 1)} for found in words]
    return [len(a & b) / len(a | b) for a, b in zip(runs[::2], runs[1::2], strict=True)]


def plant(rng: random.Random, *, spaced: bool, pairs: int, changes: tuple[int, int]) -> list[tuple[str, str]]:
    """Returns texts of 120 to 300 words, each with a copy in which some words are others."""
    vocabulary = WORDS if spaced else HAN
    found = []
    for _ in range(pairs):
        words = rng.choices(vocabulary, k=rng.randint(120, 300))
        copy = list(words)
        for _ in range(rng.randint(*changes)):
            copy[rng.randrange(len(copy))] = rng.choice(vocabulary)
        found.append((write(words, spaced=spaced), write(copy, spaced=spaced)))
    return found


def first_ones(texts: list[str], folder: Path, *, similarity: float = 0.75, batch: int = 100) -> list[int]:
    folder.mkdir()
    finder = NearDuplicateFinder(folder, similarity)
    for start in range(0, len(texts), batch):
        finder.add(texts[start : start + batch])
    return finder.find(Silent()).tolist()


@pytest.mark.parametrize("spaced", [True, False], ids=["English", "Chinese"])
def test_planted_near_duplicates_are_found_and_others_are_not(tmp_path: Path, spaced: bool) -> None:
    rng = random.Random(0)
    pairs = [pair for changes in ((1, 3), (15, 60)) for pair in plant(rng, spaced=spaced, pairs=1000, changes=changes)]
    measured = similarities(pairs)
    texts = [text for pair in pairs for text in pair]
    order = rng.sample(range(len(texts)), len(texts))
    first = first_ones([texts[index] for index in order], tmp_path / "work")
    group = dict(zip(order, first, strict=True))
    joined = [group[2 * pair] == group[2 * pair + 1] for pair in range(len(pairs))]
    near = [found for found, value in zip(joined, measured, strict=True) if value >= 0.85]
    far = [found for found, value in zip(joined, measured, strict=True) if value < 0.6]
    assert len(near) > 800
    assert len(far) > 800
    assert np.mean(near) >= 0.97
    assert np.mean(far) <= 0.001
    assert len(set(first)) >= len(texts) - sum(joined)  # nothing else was joined


def test_the_order_of_texts_and_their_batches_decide_nothing_else(tmp_path: Path) -> None:
    pairs = plant(random.Random(1), spaced=True, pairs=100, changes=(0, 8))
    texts = [text for pair in pairs for text in pair]
    whole = first_ones(texts, tmp_path / "a", batch=len(texts))
    assert first_ones(texts, tmp_path / "b", batch=7) == whole
    mirrored = first_ones(texts[::-1], tmp_path / "c")
    last = len(texts) - 1
    assert {frozenset(np.flatnonzero(np.array(whole) == head).tolist()) for head in set(whole)} == {
        frozenset(last - row for row in np.flatnonzero(np.array(mirrored) == head).tolist()) for head in set(mirrored)
    }


def test_only_what_has_no_signature_yet_is_signed() -> None:
    texts = write(WORDS, spaced=True).split(" ")
    batch = sign_batch(pa.record_batch({"text": texts}))
    assert batch.schema.field("signature") == SIGNATURES
    rng = random.Random(0)
    for share in (0, 0.5, 1):
        is_changed = [rng.random() < share for _ in texts]
        column = unsign_batch(batch, is_changed).column("signature")
        assert column.is_null().to_pylist() == is_changed
        others = [f"{text} once more" for text in texts]
        expected = np.where(np.array(is_changed)[:, None], sign_texts(others), sign_texts(texts))
        assert np.array_equal(sign_rest(others, column), expected)
        assert np.array_equal(sign_rest(others[7:99], column[7:99]), expected[7:99])
    assert sign_rest([], pa.nulls(0, SIGNATURES.type)).shape == (0, SIGNATURE)


def test_texts_are_signed_and_compared_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [text for pair in plant(random.Random(2), spaced=False, pairs=60, changes=(0, 4)) for text in pair]
    whole = first_ones(texts, tmp_path / "a")
    monkeypatch.setattr(near_duplicates, "_COMPARED_AT_ONCE", 3)
    assert first_ones(texts, tmp_path / "b", batch=5) == whole
    assert sum(head != row for row, head in enumerate(whole)) > 50


def test_case_punctuation_and_width_do_not_count(tmp_path: Path) -> None:
    texts = [
        "The film, I think, was good!",
        "the FILM i think was good",
        "这部电影 很好看。",
        "这部电影很好看",
        "ＡＢＣ　１２３",
        "abc 123",
    ]
    assert first_ones(texts, tmp_path / "work") == [0, 0, 2, 2, 4, 4]


def test_texts_without_any_word_are_not_alike(tmp_path: Path) -> None:
    assert first_ones(["!!!", "???", "🙂", "🙃", "!!! "], tmp_path / "work") == [0, 1, 2, 3, 0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't  stop—now", "don t stop now"),
        ("去iPhone店", "去 iphone 店"),
        ("カタカナひらがな", "カ タ カ ナ ひ ら が な"),
        ("สวัสดี", "ส วั ส ดี"),
        ("한국어 문장", "한국어 문장"),
        ("Ünïcode naïve", "ünïcode naïve"),
    ],
)
def test_words_are_those_of_the_script(text: str, words: str) -> None:
    assert spaced_words([text]).to_pylist() == [unicodedata.normalize("NFKD", words)]


def test_signatures_estimate_the_similarity() -> None:
    pairs = plant(random.Random(3), spaced=True, pairs=400, changes=(1, 30))
    ones, others = (sign_texts([pair[side] for pair in pairs]) for side in (0, 1))
    errors = (ones == others).mean(axis=1) - similarities(pairs)
    assert abs(errors.mean()) < 0.01
    assert errors.std() < 0.5 / SIGNATURE**0.5


def test_bands_let_those_meet_that_are_as_alike_as_asked_for() -> None:
    for wanted in np.linspace(0.3, 1, 15):
        rows = band_rows(float(wanted))
        assert 1 - (1 - wanted**rows) ** (SIGNATURE // rows) >= 0.8
        assert SIGNATURE % rows == 0


@settings(max_examples=200)
@given(st.integers(1, 30), st.data())
def test_groups_are_those_of_a_graph(rows: int, data: st.DataObject) -> None:
    groups = near_duplicates._Groups(rows)
    number = st.integers(0, rows - 1)
    sets = [{row} for row in range(rows)]
    for _ in range(data.draw(st.integers(0, 4))):
        edges = data.draw(st.lists(st.tuples(number, number), max_size=10))
        groups.join(np.array([a for a, _ in edges], np.int64), np.array([b for _, b in edges], np.int64))
        for a, b in edges:
            joined = sets[a] | sets[b]
            for row in joined:
                sets[row] = joined
    assert groups.first_of_each().tolist() == [min(found) for found in sets]


def test_no_text_at_all_is_no_fault(tmp_path: Path) -> None:
    assert first_ones([], tmp_path / "work") == []


def test_missing_daft_is_named_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "daft", raising=False)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(MissingExtraError, match=r"Finding near duplicates needs the package daft.*penjing\[corpus\]"):
        NearDuplicateFinder(tmp_path, 0.75)
