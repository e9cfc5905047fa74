"""ROUGE is rouge-score's, coverage is that of its paper, and scripts without spaces are measured by character."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penjing.errors import DataError
from penjing.metrics.summary import (
    common_subsequence,
    copied_share,
    rouge_n,
    summary_difference,
    summary_scores,
)

WORDS = st.lists(st.sampled_from(["the", "cat", "sat", "on", "a", "mat", "dog"]), max_size=14)
ENGLISH = [
    ("The cat sat on the mat.", "A cat was sitting on the mat!", "The cat sat on the mat. Nobody cared."),
    ("Nothing of the kind", "The dog's bone, 2.5 kg", "The dog has a bone."),
    ("", "Something", "Something long"),
    ("one", "one", "one two"),
    ("naïve café", "naïve café owners", "A naïve café owner said no. " * 3 + "Plain words follow here " * 60),
]


def columns(rows: list[tuple[str, str, str]]) -> tuple[list[str], list[str], list[str]]:
    written, references, sources = zip(*rows, strict=True)
    return list(written), list(references), list(sources)


def by_rouge_score(written: list[str], references: list[str]) -> list[float]:
    scorer = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer(["rouge1", "rouge2", "rougeL"])
    rows = [scorer.score(reference, text) for text, reference in zip(written, references, strict=True)]
    return [sum(row[name].fmeasure for row in rows) / len(rows) for name in ("rouge1", "rouge2", "rougeL")]


def values(scores: dict[str, dict[str, float]], *names: str) -> list[float]:
    return [scores[name]["value"] for name in names]


@given(st.lists(st.tuples(st.text("abc AB1.,'-\n"), st.text("abc AB1.,'-\n"), st.just("a")), min_size=1, max_size=5))
@settings(max_examples=60)
def test_rouge_is_that_of_rouge_score(rows: list[tuple[str, str, str]]) -> None:
    written, references, sources = columns(rows)
    scores = summary_scores(written, references, sources, resamples=2, seed=0)["scores"]
    expected = by_rouge_score(written, references)
    assert values(scores, "rouge1", "rouge2", "rougeL") == pytest.approx(expected, abs=1e-9)


def test_rouge_of_real_summaries_is_that_of_rouge_score(shared_data: Path) -> None:
    with gzip.open(shared_data / "scitldr" / "test.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file][:150]
    written, references = [row["source"][-1] for row in rows], [row["target"][0] for row in rows]
    scores = summary_scores(written, references, [" ".join(row["source"]) for row in rows], resamples=2, seed=0)
    expected = by_rouge_score(written, references)
    assert values(scores["scores"], "rouge1", "rouge2", "rougeL") == pytest.approx(expected, abs=1e-9)
    assert scores["scores"]["coverage"]["value"] == 1.0


def test_of_several_references_the_best_counts_as_in_rouge_score(shared_data: Path) -> None:
    scorer = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer(["rouge1", "rouge2", "rougeL"])
    with gzip.open(shared_data / "scitldr" / "dev.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file][:60]
    written, sources = [row["source"][0] for row in rows], [" ".join(row["source"]) for row in rows]
    scores = summary_scores(written, [row["target"] for row in rows], sources, resamples=2, seed=0)
    found = [scorer.score_multi(row["target"], text) for row, text in zip(rows, written, strict=True)]
    expected = [sum(row[name].fmeasure for row in found) / len(found) for name in ("rouge1", "rouge2", "rougeL")]
    assert values(scores["scores"], "rouge1", "rouge2", "rougeL") == pytest.approx(expected, abs=1e-9)
    assert scores["signature"]["rouge"].startswith("nrefs:var|")
    with pytest.raises(DataError, match="there is no reference"):
        summary_scores(["a"], [[]], ["a"], resamples=2, seed=0)


@given(WORDS, WORDS)
@settings(max_examples=100)
def test_common_subsequence_is_that_of_the_table(first: list[str], second: list[str]) -> None:
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for row, one in enumerate(first):
        for column, other in enumerate(second):
            grown = table[row][column] + 1
            table[row + 1][column + 1] = grown if one == other else max(table[row][column + 1], table[row + 1][column])
    assert common_subsequence(first, second) == table[-1][-1]


def fragments(article: list[str], summary: list[str]) -> list[list[str]]:
    """The runs that a summary shares with an article, found greedily as Grusky et al. 2018 do (figure 3)."""
    found, place = [], 0
    while place < len(summary):
        longest: list[str] = []
        for start in range(len(article)):
            length = 0
            while (
                place + length < len(summary)
                and start + length < len(article)
                and summary[place + length] == article[start + length]
            ):
                length += 1
            if length > len(longest):
                longest = summary[place : place + length]
        if longest:
            found.append(longest)
        place += max(1, len(longest))
    return found


@given(WORDS, WORDS.filter(bool))
@settings(max_examples=100)
def test_copied_share_is_the_coverage_of_the_greedy_fragments(article: list[str], summary: list[str]) -> None:
    expected = sum(map(len, fragments(article, summary))) / len(summary)
    assert copied_share(summary, article) == pytest.approx(expected)


def test_chinese_is_measured_by_character() -> None:
    scores = summary_scores(["房间很好。"], ["房间不好"], ["酒店房间很干净"], resamples=5, seed=0)
    assert scores["unit"] == "characters"
    assert "tok:characters|stem:no" in scores["signature"]["rouge"]
    assert values(scores["scores"], "rouge1", "rouge2", "rougeL") == pytest.approx([0.75, 1 / 3, 0.75])
    assert values(scores["scores"], "length", "reference_length", "coverage") == pytest.approx([4.0, 4.0, 0.75])


def test_other_alphabets_have_words() -> None:
    scores = summary_scores(["Двое мужчин"], ["Двое мужчин на улице"], ["Двое"], resamples=5, seed=0)
    assert scores["unit"] == "words"
    assert values(scores["scores"], "rouge1", "coverage") == pytest.approx([2 / 3, 0.5])


def test_lengths_count_words_and_an_empty_text_counts() -> None:
    scores = summary_scores(["one, two three!", ""], ["one", "two three"], ["one", "x"], resamples=50, seed=0)["scores"]
    assert values(scores, "length", "reference_length", "coverage") == pytest.approx([1.5, 1.5, 1 / 6])
    assert (scores["length"]["low"], scores["length"]["high"]) == (0.0, 3.0)


def test_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    rows = columns(ENGLISH * 5)
    first, second, third = (summary_scores(*rows, resamples=50, seed=seed) for seed in (3, 3, 4))
    assert first == second
    assert first != third


def test_difference_is_that_of_the_scores_and_of_fewer_than_six_rows_never_beyond_chance() -> None:
    written, references, sources = columns(ENGLISH * 8)
    for changed, is_certain in ((40, True), (5, False)):
        other = ["" if row < changed else text for row, text in enumerate(written)]
        gap = summary_difference(written, other, references, sources, resamples=200, seed=0)
        ends = [summary_scores(texts, references, sources, resamples=5, seed=0)["scores"] for texts in (written, other)]
        for name in ("rouge1", "rouge2", "rougeL", "length", "coverage"):
            assert gap[name]["value"] == pytest.approx(ends[0][name]["value"] - ends[1][name]["value"])
            assert (gap[name]["low"] > 0.0) == is_certain


def test_run_longer_than_the_text_has_no_score() -> None:
    assert rouge_n(["one"], ["one"], 2) == 0.0


def test_empty_lists_and_lists_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match="no texts"):
        summary_scores([], [], [], resamples=5, seed=0)
    with pytest.raises(DataError, match="1 texts and 1 references and 2 sources"):
        summary_scores(["a"], ["a"], ["a", "b"], resamples=5, seed=0)
