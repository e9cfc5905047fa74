"""What the report of a model that replies shows: its headline, scores, dialogues, and its worst choices."""

from __future__ import annotations

from typing import Any

from penjing.pipeline.report.charts import Whisker, loss_chart, whisker_rows
from penjing.pipeline.report.dialogue_facts import DialogueEvaluation, DialogueReportFacts, ReplyScores
from penjing.pipeline.report.facts import Figure
from penjing.pipeline.report.rows import removed_sentence, token_rows
from penjing.pipeline.report.wording import Wording, judge
from penjing.pipeline.report.writing import shorten_answer

_MOST_ANSWERS = 50


def dialogue_values(facts: DialogueReportFacts, wording: Wording) -> dict[str, Any]:
    """Returns what ``dialogue.html.jinja`` shows beyond what every report does."""
    evaluation = facts.evaluation
    ordered = _order_baselines(evaluation)
    columns = [(wording.say("this_model"), evaluation.scores)] + [
        (wording.name("baseline", name), baseline.scores) for name, baseline in ordered
    ]
    return {
        **_headline(facts, ordered, wording),
        "answers": [shorten_answer(answer) for answer in facts.answers],
        "score_columns": [name for name, _ in columns],
        "score_rows": [
            (wording.name("score", score), [_cell(score, scores.get(score), wording) for _, scores in columns])
            for score in evaluation.scores
        ],
        "scores_caption": wording.say(
            "replies_caption",
            questions=wording.count(evaluation.questions),
            candidates=wording.count(evaluation.candidates),
            rows=wording.count(evaluation.rows),
            dialogues=wording.count(evaluation.dialogues),
        ),
        "score_notes": _score_notes(evaluation, wording),
        "splits": [(wording.name("split", split), wording.count(rows)) for split, rows in facts.data.splits.items()],
        "exchanges": [
            (wording.name("split", split), wording.count(rows)) for split, rows in facts.data.exchanges.items()
        ],
        "read": [(name, wording.count(rows)) for name, rows in facts.data.read.items()],
        "removed": removed_sentence(facts.data.removed, wording),
        "cut": _window_sentence(facts, wording),
        "token_rows": token_rows(facts.tokens, wording),
        "charts": _training_charts(facts, wording),
        "worst": [shorten_answer(answer) for answer in evaluation.worst[:_MOST_ANSWERS]],
    }


def _headline(facts: DialogueReportFacts, ordered: list[tuple[str, ReplyScores]], wording: Wording) -> dict[str, Any]:
    evaluation, name = facts.evaluation, facts.evaluation.best_by
    verdict, comparison = _compare(evaluation, ordered, wording)
    whiskers = [_whisker(name, wording.say("this_model"), evaluation, wording, is_own=True)] + [
        _whisker(name, wording.name("baseline", other), scores, wording, is_own=False) for other, scores in ordered
    ]
    whiskers.sort(key=lambda row: -row.value)
    rows, axis = whisker_rows(whiskers, lambda value: wording.score(name, value).replace(".0%", "%"))
    quality = evaluation.scores[name]
    return {
        "purpose": wording.name("task", facts.task),
        "lede": wording.say(
            "dialogue_lede",
            parameters=wording.parameters(facts.model.parameters),
            family=wording.name("family", facts.model.family),
        ),
        "quality": wording.say(
            "dialogue_quality",
            candidates=wording.count(evaluation.candidates),
            chance=wording.percent(1 / evaluation.candidates),
            value=wording.score(name, quality.value),
            low=wording.score(name, quality.low),
            high=wording.score(name, quality.high),
        ),
        "verdict": verdict,
        "comparison": comparison,
        "whisker_title": wording.say("dialogue_chart", candidates=wording.count(evaluation.candidates)),
        "whisker_note": wording.say("accuracy_chart_note"),
        "whiskers": rows,
        "whisker_axis": axis,
    }


def _whisker(score: str, name: str, scores: ReplyScores, wording: Wording, *, is_own: bool) -> Whisker:
    figure = scores.scores[score]
    value, interval = _cell(score, figure, wording)
    return Whisker(name, figure.value, figure.low, figure.high, value, interval, is_own)


def _order_baselines(evaluation: DialogueEvaluation) -> list[tuple[str, ReplyScores]]:
    """Returns the baselines, the best first."""
    return sorted(evaluation.baselines.items(), key=lambda item: -item[1].scores[evaluation.best_by].value)


def _compare(
    evaluation: DialogueEvaluation, ordered: list[tuple[str, ReplyScores]], wording: Wording
) -> tuple[str, str]:
    """Returns the verdict's kind (above, below, chance, or empty), and the model beside the best baseline."""
    if not ordered:
        return "", ""
    (best, scores), name = ordered[0], evaluation.best_by
    difference = evaluation.difference[best][name]
    verdict = judge(difference)
    return verdict, wording.say(
        f"dialogue_difference_{verdict}",
        name=wording.name("baseline", best),
        value=wording.score(name, scores.scores[name].value),
        points=wording.points(difference.value, signed=False),
        low=wording.points(difference.low),
        high=wording.points(difference.high),
    )


def _cell(name: str, figure: Figure | None, wording: Wording) -> tuple[str, str]:
    """Returns a value and its interval; a baseline that knows no probabilities has no perplexity."""
    if figure is None:
        return "–", ""
    return wording.score(name, figure.value), wording.interval(name, figure)


def _score_notes(evaluation: DialogueEvaluation, wording: Wording) -> list[str]:
    notes = [wording.say("replies_note")]
    if evaluation.left_out:
        notes.append(wording.say("replies_left_out", count=wording.count(evaluation.left_out)))
    return notes


def _window_sentence(facts: DialogueReportFacts, wording: Wording) -> str:
    tokens = facts.tokens
    gaps = {"rows": wording.count(tokens.rows), "max_tokens": wording.count(tokens.max_tokens)}
    sentence = wording.say("windows_cut" if tokens.cut_rows else "windows_whole", **gaps)
    if not facts.left_out:
        return sentence
    return sentence + wording.say("gap") + wording.say("windows_left_out", count=wording.count(facts.left_out))


def _training_charts(facts: DialogueReportFacts, wording: Wording) -> list[tuple[str, str, Any]]:
    pretraining, learning = wording.say("pretrain_chart"), wording.say("finetune_loss_chart")
    charts = [
        (pretraining, "by_tokens", loss_chart(facts.curves.pretrain, pretraining, wording, by_tokens=True)),
        (learning, "by_steps", loss_chart(facts.curves.finetune, learning, wording, by_tokens=False)),
    ]
    return [(title, wording.say(note), drawing) for title, note, drawing in charts if drawing]
