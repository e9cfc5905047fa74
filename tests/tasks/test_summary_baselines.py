"""The beginning is the beginning, and the most central sentences are those of TextRank."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest

from penjing.errors import DataError
from penjing.metrics.summary import summary_scores
from penjing.tasks.baselines import SUMMARY_BASELINES
from penjing.tasks.baselines.summary import LeadBaseline, TextRankBaseline, fit_lead, rank_sentences, split_units

ARTICLE = "It rained. The red dog saw a cat in the garden. The cat saw the dog. The garden was red. Nobody came."
DIALOGUE = "#Person1#: Hello. How are you?\n#Person2#: Fine!\n\n#Person1#: The bus is late again today."
CHINESE = "酒店位置很好。房间很大，也很干净。早餐一般。房间的床很大。"


@pytest.mark.parametrize("name", sorted(SUMMARY_BASELINES))
@pytest.mark.parametrize("text", [ARTICLE, DIALOGUE, CHINESE, "", " \n", "…!", "one"])
def test_every_baseline_writes_something_of_every_text_and_the_same_on_every_run(name: str, text: str) -> None:
    first, second = (
        SUMMARY_BASELINES[name]([text], ["a short one of six words"]).write([text, text]) for _ in range(2)
    )
    assert first == second
    assert first[0] == first[1]
    assert bool(first[0]) == bool(text.strip())


@pytest.mark.parametrize(
    ("length", "text", "written"),
    [
        (1, ARTICLE, "It rained."),
        (12, ARTICLE, "It rained. The red dog saw a cat in the garden."),
        (6, DIALOGUE, "#Person1#: Hello. How are you?"),
        (7, DIALOGUE, "#Person1#: Hello. How are you? #Person2#: Fine!"),
        (14, CHINESE, "酒店位置很好。房间很大，也很干净。"),
    ],
)
def test_lead_is_the_beginning_up_to_the_length(length: int, text: str, written: str) -> None:
    assert LeadBaseline(length).write([text]) == [written]


def test_length_is_the_median_of_the_training_summaries() -> None:
    assert fit_lead(["a"] * 3, ["one two", "one two three four!", "one"]).length == 2.0
    assert fit_lead(["a"] * 2, ["房间很好。", "房间"]).length == 3.0


def test_ranks_are_those_of_textrank_counted_by_hand() -> None:
    sentences = ["The red dog saw a cat.", "A cat saw the dog.", "The garden was red.", "Nobody came."]
    words = [sentence.lower().rstrip(".").split() for sentence in sentences]
    weights = np.zeros((4, 4))
    for i, one in enumerate(words):
        for j, other in enumerate(words):
            if i != j:
                weights[i, j] = len(set(one) & set(other)) / (math.log(len(one)) + math.log(len(other)))
    ranks = np.ones(4)
    for _ in range(500):
        ranks = np.array(
            [
                0.15 + 0.85 * sum(weights[j, i] / weights[j].sum() * ranks[j] for j in range(4) if weights[j, i])
                for i in range(4)
            ]
        )
    np.testing.assert_allclose(rank_sentences(sentences), ranks, atol=1e-5)
    assert ranks[3] == pytest.approx(0.15)


def test_central_sentences_come_in_the_order_of_the_text() -> None:
    assert TextRankBaseline(14).write([ARTICLE]) == ["The red dog saw a cat in the garden. The cat saw the dog."]
    assert TextRankBaseline(14).write([CHINESE]) == ["房间很大，也很干净。房间的床很大。"]


def test_sentences_of_one_word_and_without_words_have_a_rank() -> None:
    assert np.isfinite(rank_sentences(["No", "No", "!", "No dog"])).all()
    assert rank_sentences([]).shape == (0,)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("Ann: Hi. You?\n 小王：好。好。\n(laughs)", ["Ann: Hi. You?", "小王：好。好。", "(laughs)"]),
        ("Note: one line. Another.", ["Note: one line.", "Another."]),
        ("Title\nA text. It ends.", ["Title", "A text.", "It ends."]),
    ],
)
def test_turns_of_a_dialogue_stay_whole(text: str, units: list[str]) -> None:
    assert split_units(text) == units


def test_pairs_that_do_not_fit_are_refused() -> None:
    for fit in SUMMARY_BASELINES.values():
        with pytest.raises(DataError, match="there are no texts"):
            fit([], [])
        with pytest.raises(DataError, match="1 sources and 2 targets"):
            fit(["a"], ["a", "b"])


def test_baselines_of_real_abstracts_score_what_they_should(shared_data: Path) -> None:
    with gzip.open(shared_data / "scitldr" / "test.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file][:120]
    sources, references = [" ".join(row["source"]) for row in rows], [row["target"][0] for row in rows]
    for fit in SUMMARY_BASELINES.values():
        scores = summary_scores(fit(sources, references).write(sources), references, sources, resamples=50, seed=0)
        assert scores["scores"]["rouge1"]["low"] > 0.15
        assert scores["scores"]["coverage"]["value"] == 1.0
