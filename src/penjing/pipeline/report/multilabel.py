"""What the report of a model with any number of labels a text shows: scores, each label, and its worst answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penjing.metrics.classification import BINS
from penjing.pipeline.report.charts import loss_chart
from penjing.pipeline.report.compared import headline_values, score_cell, score_values
from penjing.pipeline.report.multilabel_facts import MultilabelReportFacts, SetAnswer, SetCounts, WrongSet
from penjing.pipeline.report.rows import cut_sentence, removed_sentence, token_rows
from penjing.pipeline.report.teachers import loss_note
from penjing.pipeline.report.wording import Wording, shorten_text

_MOST_LABELS = 100
_MOST_MISTAKES = 50
_FIGURES = ("precision", "recall", "f1", "auroc", "ece")
_CONFUSION = ("true_positives", "false_positives", "false_negatives", "true_negatives")


def multilabel_values(facts: MultilabelReportFacts, wording: Wording) -> dict[str, Any]:
    """Returns what ``multilabel.html.jinja`` shows beyond what every report does."""
    evaluation, figures = facts.evaluation, facts.evaluation.per_label
    labels = sorted(figures, key=lambda label: -figures[label].support)
    is_counted = all(of.true_positives is not None for of in figures.values())
    shown = _FIGURES if any(of.ece is not None for of in figures.values()) else _FIGURES[:-1]
    return {
        "purpose": wording.name("task", facts.task),
        "lede": wording.say(
            "sets_lede",
            parameters=wording.parameters(facts.model.parameters),
            family=wording.name("family", facts.model.family),
            count=wording.count(len(labels)),
        ),
        **headline_values(evaluation, wording),
        **score_values(evaluation, wording),
        "answers": [_show_answer(answer, wording) for answer in facts.answers],
        "scores_caption": wording.say("sets_caption", rows=wording.count(evaluation.rows)),
        "score_notes": [
            wording.say("sets_note", threshold=f"{evaluation.threshold:.2f}"),
            *([wording.say("sets_ece_note", bins=BINS)] if "ece" in evaluation.scores else []),
        ],
        "split_names": [wording.name("split", split) for split in facts.data.splits],
        "split_rows": _split_rows(facts.data, wording),
        "read": [(name, wording.count(rows)) for name, rows in facts.data.read.items()],
        "removed": removed_sentence(facts.data.removed, wording),
        "cut": cut_sentence(facts.tokens, wording),
        "token_rows": token_rows(facts.tokens, wording),
        "charts": _training_charts(facts, wording),
        "labels_caption": wording.say("sets_confusion_caption" if is_counted else "sets_labels_caption"),
        "figure_names": ["ECE" if name == "ece" else wording.name("score", name) for name in shown],
        "count_names": [wording.name("confusion", name) for name in _CONFUSION if is_counted],
        "label_rows": [_label_row(facts, label, shown, wording) for label in labels[:_MOST_LABELS]],
        "more_labels": max(0, len(labels) - _MOST_LABELS),
        "mistakes": [_show_mistake(mistake, wording) for mistake in evaluation.mistakes[:_MOST_MISTAKES]],
    }


def _label_row(facts: MultilabelReportFacts, label: str, shown: Sequence[str], wording: Wording) -> dict[str, Any]:
    figures = facts.evaluation.per_label[label]
    cells = [score_cell(name, getattr(figures, name), wording) for name in shown]
    counts = [getattr(figures, name) for name in ("support", *_CONFUSION)]
    return {
        "label": label,
        "cells": cells,
        "counts": [wording.count(count) for count in counts if count is not None],
    }


def _split_rows(data: SetCounts, wording: Wording) -> list[tuple[str, list[str]]]:
    """Returns rows of each label in each split, then those without a label, and all rows."""
    labels = dict.fromkeys(label for counts in data.splits.values() for label in counts)
    rows = [
        (label, [wording.count(counts.get(label, 0)) for counts in data.splits.values()])
        for label in list(labels)[:_MOST_LABELS]
    ]
    if any(data.without.values()):
        rows.append((wording.say("no_labels"), [wording.count(count) for count in data.without.values()]))
    return [*rows, (wording.say("rows"), [wording.count(count) for count in data.rows.values()])]


def _show_answer(answer: SetAnswer, wording: Wording) -> dict[str, str]:
    chances = [wording.percent(answer.probabilities[label]) for label in answer.labels]
    return {
        "text": shorten_text(answer.text),
        "labels": _join(answer.labels, wording),
        "sure": wording.say("sure", probability=wording.say("comma").join(chances)) if chances else "",
    }


def _show_mistake(mistake: WrongSet, wording: Wording) -> dict[str, str]:
    text = shorten_text(mistake.text)
    return {"text": text, "truth": _join(mistake.truth, wording), "labels": _join(mistake.labels, wording)}


def _join(labels: tuple[str, ...], wording: Wording) -> str:
    return wording.say("comma").join(labels) or wording.say("no_labels")


def _training_charts(facts: MultilabelReportFacts, wording: Wording) -> list[tuple[str, str, Any]]:
    pretraining, learning = wording.say("pretrain_chart"), wording.say("finetune_loss_chart")
    charts = [
        (pretraining, "by_tokens", loss_chart(facts.curves.pretrain, pretraining, wording, by_tokens=True)),
        (learning, loss_note(facts.model), loss_chart(facts.curves.finetune, learning, wording, by_tokens=False)),
    ]
    return [(title, wording.say(note), drawing) for title, note, drawing in charts if drawing]
