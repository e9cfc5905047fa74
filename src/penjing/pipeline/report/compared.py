"""A model beside baselines by the score that comes first, for tasks that are measured by several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from penjing.pipeline.report.charts import Whisker, whisker_rows
from penjing.pipeline.report.facts import Figure
from penjing.pipeline.report.teachers import name_teacher, shown_teachers
from penjing.pipeline.report.wording import Wording, judge

Cell = tuple[str, str]


@dataclass(frozen=True)
class Sentences:
    """The keys of what a headline says.

    Attributes:
        quality: how good the model is.
        difference: begins those of the model beside the best baseline: ``_above``, ``_below`` and ``_chance``.
        chart: the title of the chart.
    """

    quality: str
    difference: str
    chart: str


WRITING = Sentences("writing_quality", "writing_difference", "writing_chart")


class RowScores(BaseModel):
    """Scores of answers; other keys are not looked at.

    Attributes:
        rows: how many answers were measured.
        scores: name → value with its interval.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    rows: int
    scores: dict[str, Figure]


class TeacherRowScores(RowScores):
    """The scores of a model that the measured one learned from, or of several together; its family, and its weights."""

    family: str
    parameters: int


class ComparedScores(RowScores):
    """The model's scores, and beside them those of the baselines on the same rows.

    Attributes:
        teachers: those that it learned from, by number from 1, and ``all`` of several together → scores.
        best_by: the score that comes first.
        baselines: name → scores.
        difference: name → score → that of the model less that of the baseline.
    """

    best_by: str
    baselines: Mapping[str, RowScores] = {}
    teachers: Mapping[str, TeacherRowScores] = {}
    difference: dict[str, dict[str, Figure]] = {}


def order_baselines(evaluation: ComparedScores) -> list[tuple[str, RowScores]]:
    """Returns the baselines, the best first."""
    return sorted(evaluation.baselines.items(), key=lambda item: -item[1].scores[evaluation.best_by].value)


def score_values(evaluation: ComparedScores, wording: Wording) -> dict[str, Any]:
    """Returns the columns and rows of the table of scores; a dash where a score is not defined."""
    others = [
        (name_teacher(name, wording), teacher.scores) for name, teacher in shown_teachers(evaluation.teachers).items()
    ]
    others += [(wording.name("baseline", name), baseline.scores) for name, baseline in order_baselines(evaluation)]
    return score_columns(evaluation.scores, others, wording)


def score_columns(
    own: Mapping[str, Figure], others: Sequence[tuple[str, Mapping[str, Figure]]], wording: Wording
) -> dict[str, Any]:
    """Returns the table of the scores of a model, and of others as they are called in the report."""
    columns = [(wording.say("this_model"), own), *others]
    return {
        "score_columns": [name for name, _ in columns],
        "score_rows": [
            (wording.name("score", score), [score_cell(score, scores.get(score), wording) for _, scores in columns])
            for score in own
        ],
    }


def headline_values(evaluation: ComparedScores, wording: Wording, says: Sentences = WRITING) -> dict[str, Any]:
    """Returns how good the model is, what that is beside the best baseline, and the chart of both.

    Args:
        evaluation: the scores.
        wording: says it.
        says: which sentences.
    """
    name, ordered = evaluation.best_by, order_baselines(evaluation)
    verdict, comparison = _compare(evaluation, ordered, says.difference, wording)
    whiskers = [_whisker(name, wording.say("this_model"), evaluation, wording, is_own=True)] + [
        _whisker(name, wording.name("baseline", other), scores, wording, is_own=False) for other, scores in ordered
    ]
    whiskers += [
        _whisker(name, name_teacher(other, wording), scores, wording, is_own=False)
        for other, scores in shown_teachers(evaluation.teachers).items()
    ]
    whiskers.sort(key=lambda row: -row.value)
    rows, axis = whisker_rows(whiskers, lambda value: wording.score(name, value).replace(".0", ""))
    quality = evaluation.scores[name]
    return {
        "quality": wording.say(
            says.quality,
            rows=wording.count(evaluation.rows),
            score=wording.name("score", name),
            value=wording.score(name, quality.value),
            low=wording.score(name, quality.low),
            high=wording.score(name, quality.high),
        ),
        "verdict": verdict,
        "comparison": comparison,
        "whisker_title": wording.say(says.chart, score=wording.name("score", name)),
        "whisker_note": wording.say("accuracy_chart_note"),
        "whiskers": rows,
        "whisker_axis": axis,
    }


def score_cell(name: str, figure: Figure | None, wording: Wording) -> Cell:
    """Returns a score and its interval; a dash where there is none."""
    return ("–", "") if figure is None else (wording.score(name, figure.value), wording.interval(name, figure))


def _whisker(score: str, name: str, scores: RowScores, wording: Wording, *, is_own: bool) -> Whisker:
    figure = scores.scores[score]
    value, interval = score_cell(score, figure, wording)
    return Whisker(name, figure.value, figure.low, figure.high, value, interval, is_own)


def _compare(
    evaluation: ComparedScores, ordered: list[tuple[str, RowScores]], sentence: str, wording: Wording
) -> tuple[str, str]:
    """Returns the verdict's kind (above, below, chance, or empty), and the model beside the best baseline."""
    if not ordered:
        return "", ""
    (best, scores), name = ordered[0], evaluation.best_by
    figures = scores.scores[name], evaluation.difference[best][name]
    return say_difference(best, name, figures, sentence, wording)


def say_difference(
    other: str, score: str, figures: tuple[Figure, Figure], sentence: str, wording: Wording
) -> tuple[str, str]:
    """Returns the verdict's kind (above, below or chance), and a sentence of three, on the model beside a baseline.

    Args:
        other: name of the baseline.
        score: by which both are compared.
        figures: the baseline's score, and the model's less that.
        sentence: begins the keys of the three.
        wording: says it.
    """
    theirs, difference = figures
    verdict = judge(difference)
    gaps = {
        "name": wording.name("baseline", other),
        "score": wording.name("score", score),
        "value": wording.score(score, theirs.value),
        "gap": wording.gap(score, difference.value),
        "low": wording.gap_end(score, difference.low),
        "high": wording.gap_end(score, difference.high),
    }
    return verdict, wording.say(f"{sentence}_{verdict}", **gaps)
