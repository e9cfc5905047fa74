"""What the report of a model that replies shows: its headline, scores, dialogues, and its worst choices."""

from __future__ import annotations

from typing import Any

from penjing.pipeline.report.charts import loss_chart
from penjing.pipeline.report.compared import headline_values, order_baselines, score_values
from penjing.pipeline.report.dialogue_facts import DialogueEvaluation, DialogueReportFacts
from penjing.pipeline.report.rows import removed_sentence, token_rows
from penjing.pipeline.report.teachers import loss_note
from penjing.pipeline.report.wording import Wording
from penjing.pipeline.report.writing import shorten_answer

_MOST_ANSWERS = 50
_ALONE = "retrieval_accuracy_alone"  # a score of what is helped by a cache


def dialogue_values(facts: DialogueReportFacts, wording: Wording) -> dict[str, Any]:
    """Returns what ``dialogue.html.jinja`` shows beyond what every report does."""
    evaluation = facts.evaluation
    return {
        **_headline(facts, wording),
        **score_values(evaluation, wording),
        "answers": [shorten_answer(answer) for answer in facts.answers],
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


def _headline(facts: DialogueReportFacts, wording: Wording) -> dict[str, Any]:
    evaluation, name = facts.evaluation, facts.evaluation.best_by
    compared, quality = headline_values(evaluation, wording), evaluation.scores[name]
    return {
        **compared,
        "purpose": wording.name("task", facts.task),
        "lede": wording.say(
            "dialogue_lede",
            parameters=wording.parameters(facts.model.parameters),
            family=wording.name("family", facts.model.family),
        ),
        "quality": wording.say(
            "dialogue_quality_cached" if evaluation.cache else "dialogue_quality",
            candidates=wording.count(evaluation.candidates),
            chance=wording.percent(1 / evaluation.candidates),
            value=wording.score(name, quality.value),
            low=wording.score(name, quality.low),
            high=wording.score(name, quality.high),
        ),
        "comparison": _compare(evaluation, compared["verdict"], wording),
        "whisker_title": wording.say("dialogue_chart", candidates=wording.count(evaluation.candidates)),
    }


def _compare(evaluation: DialogueEvaluation, verdict: str, wording: Wording) -> str:
    """Returns the model beside the best baseline; nothing where there is none."""
    if not verdict:
        return ""
    (best, scores), name = order_baselines(evaluation)[0], evaluation.best_by
    difference = evaluation.difference[best][name]
    return wording.say(
        f"dialogue_difference_{verdict}",
        name=wording.name("baseline", best),
        value=wording.score(name, scores.scores[name].value),
        points=wording.points(difference.value, signed=False),
        low=wording.points(difference.low),
        high=wording.points(difference.high),
    )


def _score_notes(evaluation: DialogueEvaluation, wording: Wording) -> list[str]:
    notes = [wording.say("replies_note"), *wording.few("dialogues", evaluation.dialogues)]
    if evaluation.cache:
        notes.append(wording.say("replies_cached", share=wording.percent(evaluation.cache)))
    if any(_ALONE in teacher.scores for teacher in evaluation.teachers.values()):
        notes.append(wording.say("replies_cached_teacher"))
    if evaluation.left_out:
        notes.append(wording.say("replies_left_out", count=wording.count(evaluation.left_out)))
    return notes


def _window_sentence(facts: DialogueReportFacts, wording: Wording) -> str:
    tokens = facts.tokens
    gaps = {"rows": wording.count(tokens.rows), "max_tokens": wording.count(tokens.max_tokens)}
    said = [wording.say("windows_cut" if tokens.cut_rows else "windows_whole", **gaps)]
    if facts.left_out:
        said.append(wording.say("windows_left_out", count=wording.count(facts.left_out)))
    if (others := facts.other_sides) is not None:
        said.append(wording.say("other_sides", count=wording.count(others.dialogues)))
        if others.left_out:
            said.append(wording.say("other_sides_left_out", count=wording.count(others.left_out)))
    return wording.say("gap").join(said)


def _training_charts(facts: DialogueReportFacts, wording: Wording) -> list[tuple[str, str, Any]]:
    pretraining, learning = wording.say("pretrain_chart"), wording.say("finetune_loss_chart")
    note = loss_note(facts.model, "words")
    charts = [
        (pretraining, "by_tokens", loss_chart(facts.curves.pretrain, pretraining, wording, by_tokens=True)),
        (learning, note, loss_chart(facts.curves.finetune, learning, wording, by_tokens=False)),
    ]
    return [(title, wording.say(key), drawing) for title, key, drawing in charts if drawing]
