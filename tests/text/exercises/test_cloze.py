"""Questions made of texts: their answers stand where they say, and are no part of the question."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from penjing.data.pieces import word_spans
from penjing.text.exercises.cloze import cloze_questions

ENGLISH = (
    "The bridge at Kowloon Road was opened in 1906 by the mayor of the town. "
    "It has 14 arches, and boats pass below it. "
    'Painters called it "the long spoon" because of its shape in the evening light.'
)
CHINESE = (
    "这座桥于1906年由市长在《晨报》记者面前开通。它一共有14个桥拱，船只可以从下面通过。画家们因为它的形状叫它长勺子。"
)


def test_numbers_names_and_quotations_are_asked_for_in_both_languages() -> None:
    asked = {
        text: [row for seed in range(60) for row in cloze_questions([text], 3, 999, random.Random(seed))]
        for text in (ENGLISH, CHINESE)
    }
    english, chinese = ({row["answer"] for row in asked[text]} for text in (ENGLISH, CHINESE))
    assert {"Kowloon Road", "1906", "14", "the long spoon"} <= english
    assert {"1906年", "《晨报》", "14个"} <= chinese
    by_answer = {row["answer"]: row["question"] for rows in asked.values() for row in rows}
    assert "when" in by_answer["1906"].split()
    assert "how many" in by_answer["14"]
    assert "哪年" in by_answer["1906年"]
    assert "多少" in by_answer["14个"]
    assert all(question.endswith(("?", "？")) for question in by_answer.values())


@given(
    st.lists(st.sampled_from([*ENGLISH.split(". "), *CHINESE.split("。"), "Hm?", "“”。", "1. 2. 3."]), max_size=8),
    st.integers(0, 5),
    st.integers(0, 99),
)
def test_every_answer_stands_where_it_says(parts: list[str], per_text: int, seed: int) -> None:
    text = ". ".join(parts)
    rows = list(cloze_questions([text], per_text, 999, random.Random(seed)))
    assert len(rows) <= per_text
    for row in rows:
        start = row["answer_start"]
        assert row["context"] == text
        assert row["answer"].strip() == row["answer"] != ""
        assert text[start : start + len(row["answer"])] == row["answer"]


def test_nothing_is_asked_about_a_single_sentence() -> None:
    alone = "The bridge at Kowloon Road was opened in 1906 by the mayor."
    assert list(cloze_questions([alone], 3, 999, random.Random(0))) == []


def test_real_articles_give_as_many_as_are_wanted(shared_data: Path) -> None:
    with gzip.open(shared_data / "cmrc2018" / "dev.json.gz", "rt", encoding="utf-8") as file:
        articles = [part["context"] for document in json.load(file)["data"][:50] for part in document["paragraphs"]]
    rows = list(cloze_questions(articles, 3, 1200, random.Random(0)))
    assert len(rows) > 2.5 * len(articles)
    assert sum(len(row["answer"]) for row in rows) / len(rows) < 15
    # What is asked for is not said: its own words, a few characters that come twice apart.
    assert sum(row["answer"] in row["question"] for row in rows) < 0.05 * len(rows)


def test_long_texts_are_asked_about_in_part() -> None:
    for text in (" ".join([ENGLISH] * 30), CHINESE * 30):
        rows = [row for seed in range(9) for row in cloze_questions([text], 2, 120, random.Random(seed))]
        assert rows
        assert len({row["context"] for row in rows}) > 1
        for row in rows:
            assert row["context"] in text
            assert len(word_spans(row["context"])) <= 120
            assert row["context"][row["answer_start"] :].startswith(row["answer"])


def test_numbers_are_not_cut_and_spans_of_years_are_no_years() -> None:
    text = "It cost 3,500 coins in all. The roof was 10.5 feet above the water."
    answers = {row["answer"] for seed in range(80) for row in cloze_questions([text], 2, 99, random.Random(seed))}
    assert not {"500", "5", "5 feet", "500 coins", "3", "10"} & answers
    text = "他在那里学了3年的木工，后来又开了店。他于1906年搬到这座城市，一直住到老去。"
    rows = [row for seed in range(80) for row in cloze_questions([text], 2, 99, random.Random(seed))]
    asked = {row["answer"]: row["question"] for row in rows}
    assert "哪年" in asked["1906年"]
    assert "多少" in asked["3年"]
