"""Questions made of texts: their answers stand where they say, and are no part of the question."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

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
        text: [row for seed in range(60) for row in cloze_questions([text], 3, random.Random(seed))]
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
    rows = list(cloze_questions([text], per_text, random.Random(seed)))
    assert len(rows) <= per_text
    for row in rows:
        start = row["answer_start"]
        assert row["context"] == text
        assert row["answer"].strip() == row["answer"] != ""
        assert text[start : start + len(row["answer"])] == row["answer"]


def test_nothing_is_asked_about_a_single_sentence() -> None:
    assert (
        list(cloze_questions(["The bridge at Kowloon Road was opened in 1906 by the mayor."], 3, random.Random(0)))
        == []
    )


def test_real_articles_give_as_many_as_are_wanted(shared_data: Path) -> None:
    with gzip.open(shared_data / "cmrc2018" / "dev.json.gz", "rt", encoding="utf-8") as file:
        articles = [part["context"] for document in json.load(file)["data"][:50] for part in document["paragraphs"]]
    rows = list(cloze_questions(articles, 3, random.Random(0)))
    assert len(rows) > 2.5 * len(articles)
    assert sum(len(row["answer"]) for row in rows) / len(rows) < 15
    # What is asked for is not said: its own words, a few characters that come twice apart.
    assert sum(row["answer"] in row["question"] for row in rows) < 0.05 * len(rows)
