"""What the report of a classifier shows: its headline, scores, labelled rows, errors and explanations."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from penjing.pipeline.report.charts import Whisker, accuracy_chart, loss_chart, reliability_chart, whisker_rows
from penjing.pipeline.report.facts import Evaluation, Faithfulness, Figure, Mistake, ReportFacts, Scores
from penjing.pipeline.report.heat import heat_map
from penjing.pipeline.report.rows import cut_sentence, drawn_sentence, removed_sentence, token_rows
from penjing.pipeline.report.teachers import loss_note, name_teacher, shown_teachers
from penjing.pipeline.report.wording import Wording, shorten_text

_LARGEST_MATRIX = 12  # labels; beyond, the most frequent confusions are listed
_MOST_CONFUSIONS = 25
_MOST_LABELS = 100
_MOST_MISTAKES = 50
_SHADES = 10
_WORD_LISTS = frozenset(("lexicon", "lexicon-zh"))


def classifier_values(facts: ReportFacts, wording: Wording) -> dict[str, Any]:
    """Returns what ``classifier.html.jinja`` shows beyond what every report does."""
    evaluation = facts.evaluation
    labels, splits = list(evaluation.per_class), _split_table(facts)
    teachers = [(name_teacher(name, wording), scores) for name, scores in shown_teachers(evaluation.teachers).items()]
    columns: list[tuple[str, Scores]] = [(wording.say("this_model"), evaluation)]
    columns += [*_alone(evaluation, wording), *teachers, *_order_baselines(evaluation, wording)]
    return {
        **_headline(facts, labels, wording),
        "evaluation": evaluation,
        "score_columns": [name for name, _ in columns],
        "score_rows": [
            (wording.name("score", score), [_score_cell(column, score, wording) for _, column in columns])
            for score in evaluation.scores
        ],
        "scores_caption": wording.say("scores_caption", rows=wording.count(evaluation.rows)),
        "score_notes": _score_notes(evaluation, wording),
        "splits": splits,
        "label_rows": _label_rows(splits),
        "total_rows": sum(sum(counts.values()) for counts in splits.values()),
        "drawn": drawn_sentence(facts.data, wording) if facts.data else "",
        "removed": removed_sentence(facts.data.removed, wording) if facts.data else "",
        "cut": cut_sentence(facts.tokens, wording) if facts.tokens else "",
        "token_rows": token_rows(facts.tokens, wording) if facts.tokens else [],
        "charts": _training_charts(facts, wording),
        "matrix": _shade_matrix(evaluation, labels) if 0 < len(labels) <= _LARGEST_MATRIX else [],
        "labels": labels,
        "shown_labels": labels[:_MOST_LABELS],
        "confusions": _list_confusions(evaluation, labels) if len(labels) > _LARGEST_MATRIX else [],
        "reliability": reliability_chart(evaluation.reliability, wording) if evaluation.reliability else None,
        "mistakes": [_shorten(mistake) for mistake in evaluation.mistakes[:_MOST_MISTAKES]],
        "heat_map": heat_map,
        "methods": _order_methods(facts),
    }


def _headline(facts: ReportFacts, labels: list[str], wording: Wording) -> dict[str, Any]:
    verdict, quality, comparison = wording.headline(facts.evaluation)
    rows, axis = whisker_rows(_whiskers(facts.evaluation, wording), lambda value: f"{100 * value:.0f}%", (0.0, 1.0))
    return {
        "purpose": wording.name("task", facts.task),
        "lede": wording.say(
            "lede",
            family=wording.name("family", facts.model.family),
            parameters=wording.parameters(facts.model.parameters),
            labels=wording.labels(labels),
        ),
        "verdict": verdict,
        "quality": quality,
        "comparison": comparison,
        "whisker_title": wording.say("accuracy_chart"),
        "whisker_note": wording.say("accuracy_chart_note"),
        "whiskers": rows,
        "whisker_axis": axis,
    }


def _whiskers(evaluation: Evaluation, wording: Wording) -> list[Whisker]:
    """Returns the accuracies of the model and the baselines, the best first."""

    def whisker(name: str, figure: Figure, *, is_own: bool) -> Whisker:
        value, interval = wording.percent(figure.value), wording.interval("accuracy", figure)
        return Whisker(name, figure.value, figure.low, figure.high, value, interval, is_own)

    own = whisker(wording.say("this_model"), evaluation.scores["accuracy"], is_own=True)
    others = [whisker(name, alone.scores["accuracy"], is_own=True) for name, alone in _alone(evaluation, wording)]
    others += [
        whisker(wording.name("baseline", name), baseline.scores["accuracy"], is_own=False)
        for name, baseline in evaluation.baselines.items()
    ]
    others += [
        whisker(name_teacher(name, wording), teacher.scores["accuracy"], is_own=False)
        for name, teacher in shown_teachers(evaluation.teachers).items()
    ]
    return sorted([own, *others], key=lambda row: -row.value)


def _score_notes(evaluation: Evaluation, wording: Wording) -> list[str]:
    is_ordinal = "mae" in evaluation.scores
    notes = [wording.say("ordinal_note")] if is_ordinal else []
    notes += (
        [wording.say("star_lexicon_note")] if is_ordinal and not _WORD_LISTS.isdisjoint(evaluation.baselines) else []
    )
    notes += _area_notes(evaluation, wording) if "auroc" in evaluation.scores else []
    left_out = set(evaluation.teachers) - set(shown_teachers(evaluation.teachers))
    if not left_out:
        return notes
    each = [teacher.scores["accuracy"] for name, teacher in evaluation.teachers.items() if name in left_out]
    figures = wording.say("comma").join(wording.percent(figure.value) for figure in each)
    return [*notes, wording.say("each_teacher", figures=figures)]


def _area_notes(evaluation: Evaluation, wording: Wording) -> list[str]:
    """Returns what the area under the ROC curve says, and which labels it cannot speak of."""
    labels = list(evaluation.per_class)
    if len(labels) == 2:
        return [wording.say("auroc_note_two", label=wording.say("quoted_label", label=labels[1]))]
    missing = [label for label in labels if not evaluation.per_class[label].support]
    named = wording.say("comma").join(wording.say("quoted_label", label=label) for label in missing)
    left_out = [wording.say("auroc_left_out", labels=shorten_text(named))] if missing else []
    return [wording.say("auroc_note_many"), *left_out]


def _score_cell(scores: Scores, name: str, wording: Wording) -> tuple[str, str]:
    """Returns a score and its interval; a dash where there is none."""
    figure = scores.scores.get(name)
    return ("–", "") if figure is None else (wording.score(name, figure.value), wording.interval(name, figure))


def _shorten(mistake: Mistake) -> Mistake:
    return mistake.model_copy(update={"text": shorten_text(mistake.text)})


def _order_baselines(evaluation: Evaluation, wording: Wording) -> list[tuple[str, Scores]]:
    ordered = sorted(evaluation.baselines.items(), key=lambda item: -item[1].scores["accuracy"].value)
    return [(wording.name("baseline", name), scores) for name, scores in ordered]


def _alone(evaluation: Evaluation, wording: Wording) -> list[tuple[str, Scores]]:
    """Returns the network without its n-grams, by name; nothing where it has none."""
    return [] if evaluation.alone is None else [(wording.say("network_alone"), evaluation.alone)]


def _order_methods(facts: ReportFacts) -> list[tuple[str, Faithfulness]]:
    """Returns the methods, the most comprehensive first."""
    measured = facts.explanations.faithfulness.methods if facts.explanations else {}
    return sorted(measured.items(), key=lambda item: -item[1].comprehensiveness.value)


def _split_table(facts: ReportFacts) -> dict[str, dict[str, int]]:
    """Returns split → label → rows with the same labels in every split."""
    if facts.data is None:
        return {}
    labels = dict.fromkeys(label for counts in facts.data.splits.values() for label in counts)
    return {split: {label: counts.get(label, 0) for label in labels} for split, counts in facts.data.splits.items()}


def _label_rows(splits: dict[str, dict[str, int]]) -> dict[str, int]:
    """Returns label → rows of all splits."""
    labels = dict.fromkeys(label for counts in splits.values() for label in counts)
    return {label: sum(counts[label] for counts in splits.values()) for label in labels}


def _training_charts(facts: ReportFacts, wording: Wording) -> list[tuple[str, str, Markup]]:
    """Returns title, what the axes are, and drawing of each chart that there are records for."""
    pretraining, loss, accuracy = (
        wording.say(key) for key in ("pretrain_chart", "finetune_loss_chart", "finetune_accuracy_chart")
    )
    charts = [
        (pretraining, "by_tokens", loss_chart(facts.curves.pretrain, pretraining, wording, by_tokens=True)),
        (loss, loss_note(facts.model), loss_chart(facts.curves.finetune, loss, wording, by_tokens=False)),
    ]
    if facts.model.names is None:  # else tokens of names were counted, not rows
        charts.append((accuracy, "accuracy_by_steps", accuracy_chart(facts.curves.finetune, accuracy, wording)))
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
