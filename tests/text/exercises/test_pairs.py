"""Pairs made of texts are parts of these texts, in English and Chinese."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from penjing.data.pieces import word_spans
from penjing.text.exercises.pairs import found_pairs, turned_pairs
from penjing.text.sentences import split_sentences

ENGLISH = "The hall was cold. Nobody sang that night! Was the cook ill? We left before dinner."
CHINESE = "大厅很冷。那天晚上没人唱歌！厨师病了吗？我们晚饭前就走了。"


@given(
    st.lists(st.sampled_from([*split_sentences(ENGLISH), *split_sentences(CHINESE)]), min_size=1, max_size=9),
    st.integers(4, 60),
    st.integers(0, 9),
)
def test_what_is_written_off_is_the_same_sentences_turned(sentences: list[str], most: int, seed: int) -> None:
    text = " ".join(sentences)
    for pair in turned_pairs([text], most, random.Random(seed)):
        read, written = split_sentences(pair["source"]), split_sentences(pair["target"])
        assert len(read) >= 2
        assert len(word_spans(pair["source"])) <= most
        turns = [read[place:] + read[:place] for place in range(len(read))]
        assert written in turns
        assert " ".join(read) in " ".join(sentences)


def test_sentences_of_chinese_are_put_together_without_spaces() -> None:
    pairs = [pair for seed in range(9) for pair in turned_pairs([CHINESE], 99, random.Random(seed))]
    assert {pair["source"] for pair in pairs} == {CHINESE}
    assert len({pair["target"] for pair in pairs}) == 4  # begins with any of the four
    assert not any(" " in pair["target"] for pair in pairs)


def test_text_of_one_sentence_gives_nothing() -> None:
    assert list(turned_pairs(["Only one sentence", "", "只有一句。"], 40, random.Random(0))) == []


def test_sentence_that_is_found_has_most_in_common_with_the_rest() -> None:
    telling = "The old bridge over the river was closed for repairs."
    rest = [
        "Engineers found cracks in the old bridge.",
        "Boats on the river still pass below.",
        "Repairs were paid for by the town.",
        "Someone whistled.",
    ]
    text = " ".join([rest[0], telling, *rest[1:]])
    (pair,) = found_pairs([text], 1, 200, random.Random(0))
    assert pair == {"source": text, "target": telling}
    assert next(found_pairs([text], 3, 200, random.Random(0)))["target"] == telling


def test_characters_are_the_words_of_chinese() -> None:
    text = "旧桥因为维修而关闭了。工程师在旧桥上发现了裂缝。船还能从桥下经过。有人吹口哨。"
    (pair,) = found_pairs([text], 1, 200, random.Random(0))
    assert pair["source"] == text
    counts = {sentence: Counter(sentence[:-1]) for sentence in split_sentences(text)}
    whole = sum(counts.values(), Counter())

    def likeness(own: Counter[str]) -> float:
        rest = whole - own
        return 2 * (own & rest).total() / (own.total() + rest.total())

    assert pair["target"] == max(counts, key=lambda sentence: likeness(counts[sentence]))
