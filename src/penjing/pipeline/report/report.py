"""Writes the report: a single HTML file that loads nothing, runs no script, and reads on a phone, a desk and paper."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from penjing.files import write_text
from penjing.pipeline.report.charts import (
    accuracy_chart,
    draw_bar,
    loss_chart,
    reliability_chart,
    whisker_rows,
)
from penjing.pipeline.report.facts import Evaluation, Faithfulness, Mistake, PathStage, ReportFacts, Scores
from penjing.pipeline.report.heat import heat_map
from penjing.pipeline.report.strings import Language
from penjing.pipeline.report.wording import Wording

_FOLDER = Path(__file__).parent
_LARGEST_MATRIX = 12  # labels; beyond, the most frequent confusions are listed
_MOST_CONFUSIONS = 25
_MOST_LABELS = 100
_MOST_MISTAKES = 50
_LONGEST_TEXT = 360  # characters
_LONGEST_RECIPE = 100_000  # characters
_SHADES = 10


def write_report(facts: ReportFacts, path: Path, language: Language = "en") -> None:
    """Writes the report atomically.

    Args:
        facts: all it says.
        path: of the HTML file.
        language: ``en`` or ``zh``.
    """
    write_text(path, render_report(facts, language))


def render_report(facts: ReportFacts, language: Language = "en") -> str:
    """Returns the report as HTML.

    Args:
        facts: all it says.
        language: ``en`` or ``zh``.
    """
    wording, evaluation = Wording(language), facts.evaluation
    style = (_FOLDER / "report.css").read_text(encoding="utf-8")
    verdict, quality, comparison = wording.headline(evaluation)
    whiskers, axis = whisker_rows(evaluation, "accuracy", wording)
    labels = list(evaluation.per_class)
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            facts=facts,
            evaluation=evaluation,
            w=wording,
            style=Markup(style),
            style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
            verdict=verdict,
            quality=quality,
            comparison=comparison,
            whiskers=whiskers,
            whisker_axis=axis,
            columns=[(None, evaluation), *_order_baselines(evaluation)],
            path=_describe_path(facts.path, wording),
            path_sentence=_path_sentence(facts.path, wording),
            splits=_split_table(facts),
            total_rows=sum(sum(counts.values()) for counts in _split_table(facts).values()),
            removed=_removed_sentence(facts, wording),
            charts=_training_charts(facts, wording),
            matrix=_shade_matrix(evaluation, labels) if 0 < len(labels) <= _LARGEST_MATRIX else [],
            labels=labels,
            shown_labels=labels[:_MOST_LABELS],
            confusions=_list_confusions(evaluation, labels) if len(labels) > _LARGEST_MATRIX else [],
            reliability=reliability_chart(evaluation.reliability, wording) if evaluation.reliability else None,
            mistakes=[_shorten(mistake) for mistake in evaluation.mistakes[:_MOST_MISTAKES]],
            heat_map=heat_map,
            methods=_order_methods(facts),
            recipe=facts.recipe[:_LONGEST_RECIPE],
            draw_bar=draw_bar,
            shorten=shorten_text,
        )
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def shorten_text(text: str) -> str:
    """Returns the beginning of a long text."""
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT].rstrip() + "…"


def _shorten(mistake: Mistake) -> Mistake:
    return mistake.model_copy(update={"text": shorten_text(mistake.text)})


def _order_baselines(evaluation: Evaluation) -> list[tuple[str, Scores]]:
    return sorted(evaluation.baselines.items(), key=lambda item: -item[1].scores["accuracy"].value)


def _order_methods(facts: ReportFacts) -> list[tuple[str, Faithfulness]]:
    """Returns the methods, the most comprehensive first."""
    measured = facts.explanations.faithfulness.methods if facts.explanations else {}
    return sorted(measured.items(), key=lambda item: -item[1].comprehensiveness.value)


def _describe_path(path: list[PathStage], wording: Wording) -> list[dict[str, Any]]:
    total = sum(stage.seconds for stage in path) or 1.0
    return [
        {
            "name": wording.name("stage", stage.name),
            "time": wording.duration(stage.seconds),
            "memory": wording.memory(stage.peak_memory_mb),
            "note": stage.note,
            "skipped": stage.skipped,
            "share": stage.seconds / total,
        }
        for stage in path
    ]


def _path_sentence(path: list[PathStage], wording: Wording) -> str:
    """Returns how many stages there are, how long they took, and how many were there already."""
    sentence = wording.say("path_note", count=len(path), time=wording.duration(sum(stage.seconds for stage in path)))
    reused = sum(stage.skipped for stage in path)
    if not reused:
        return sentence
    key = "path_reused_one" if reused == 1 else "path_reused"
    return sentence + wording.say("gap") + wording.say(key, count=reused)


def _split_table(facts: ReportFacts) -> dict[str, dict[str, int]]:
    """Returns split → label → rows with the same labels in every split."""
    if facts.data is None:
        return {}
    labels = dict.fromkeys(label for counts in facts.data.splits.values() for label in counts)
    return {split: {label: counts.get(label, 0) for label in labels} for split, counts in facts.data.splits.items()}


def _removed_sentence(facts: ReportFacts, wording: Wording) -> str:
    if facts.data is None:
        return ""
    reasons = [
        wording.name("removed", reason, count=wording.count(count))
        for reason, count in facts.data.removed.items()
        if count
    ]
    if not reasons:
        return wording.say("removed_none") if facts.data.removed else ""
    return wording.say("removed", reasons=wording.say("comma").join(reasons))


def _training_charts(facts: ReportFacts, wording: Wording) -> list[tuple[str, str, Markup]]:
    """Returns title, what the axes are, and drawing of each chart that there are records for."""
    pretraining, loss, accuracy = (
        wording.say(key) for key in ("pretrain_chart", "finetune_loss_chart", "finetune_accuracy_chart")
    )
    charts = [
        (pretraining, "by_tokens", loss_chart(facts.curves.pretrain, pretraining, wording, by_tokens=True)),
        (loss, "by_steps", loss_chart(facts.curves.finetune, loss, wording, by_tokens=False)),
        (accuracy, "accuracy_by_steps", accuracy_chart(facts.curves.finetune, accuracy, wording)),
    ]
    return [(title, wording.say(note), drawing) for title, note, drawing in charts if drawing]


def _shade_matrix(evaluation: Evaluation, labels: list[str]) -> list[dict[str, Any]]:
    """Returns a row for each true label, with count, share of the row and shade (0 to 10) of each cell."""
    rows = []
    for number, (label, counts) in enumerate(zip(labels, evaluation.confusion, strict=True)):
        total = sum(counts)
        shares = [count / total if total else 0.0 for count in counts]
        cells = [
            {
                "count": count,
                "share": share,
                "klass": f"{'right' if place == number else 'wrong'} shade-{round(_SHADES * share)}",
            }
            for place, (count, share) in enumerate(zip(counts, shares, strict=True))
        ]
        rows.append({"label": label, "total": total, "cells": cells})
    return rows


def _list_confusions(evaluation: Evaluation, labels: list[str]) -> list[dict[str, Any]]:
    """Returns the most frequent pairs of a true label and a wrong one, with rows and their share of the true label."""
    cells = [
        (count, true, given)
        for true, counts in enumerate(evaluation.confusion)
        for given, count in enumerate(counts)
        if true != given and count
    ]
    cells.sort(key=lambda cell: (-cell[0], cell[1], cell[2]))
    return [
        {
            "truth": labels[true],
            "given": labels[given],
            "count": count,
            "share": count / sum(evaluation.confusion[true]),
        }
        for count, true, given in cells[:_MOST_CONFUSIONS]
    ]
