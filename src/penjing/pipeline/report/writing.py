"""What the report of a model that writes shows: its headline, scores, pairs, and its worst answers."""

from __future__ import annotations

from typing import Any

from penjing.pipeline.report.charts import Whisker, loss_chart, whisker_rows
from penjing.pipeline.report.facts import Figure
from penjing.pipeline.report.rows import removed_sentence, token_rows
from penjing.pipeline.report.wording import Wording, judge, shorten_text
from penjing.pipeline.report.writing_facts import Answer, WritingEvaluation, WritingReportFacts, WritingScores

_MOST_ANSWERS = 50


def writing_values(facts: WritingReportFacts, wording: Wording) -> dict[str, Any]:
    """Returns what ``writing.html.jinja`` shows beyond what every report does."""
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
            (wording.name("score", score), [_cell(score, scores[score], wording) for _, scores in columns])
            for score in evaluation.scores
        ],
        "scores_caption": wording.say(
            "writing_scores_caption", rows=wording.count(evaluation.rows), beams=wording.count(facts.beams)
        ),
        "score_notes": _score_notes(evaluation, wording),
        "splits": [(wording.name("split", split), wording.count(rows)) for split, rows in facts.data.splits.items()],
        "read": [(name, wording.count(rows)) for name, rows in facts.data.read.items()],
        "removed": removed_sentence(facts.data.removed, wording),
        "cut": _cut_sentence(facts, wording),
        "token_rows": [
            *token_rows(facts.tokens, wording),
            (wording.say("max_target_tokens"), wording.count(facts.max_target_tokens)),
        ],
        "charts": _training_charts(facts, wording),
        "worst": [shorten_answer(answer) for answer in evaluation.worst[:_MOST_ANSWERS]],
    }


def _headline(facts: WritingReportFacts, ordered: list[tuple[str, WritingScores]], wording: Wording) -> dict[str, Any]:
    evaluation, name = facts.evaluation, facts.evaluation.best_by
    verdict, comparison = _compare(evaluation, ordered, wording)
    whiskers = [_whisker(name, wording.say("this_model"), evaluation, wording, is_own=True)] + [
        _whisker(name, wording.name("baseline", other), scores, wording, is_own=False) for other, scores in ordered
    ]
    whiskers.sort(key=lambda row: -row.value)
    rows, axis = whisker_rows(whiskers, lambda value: wording.score(name, value).removesuffix(".0"))
    quality = evaluation.scores[name]
    return {
        "purpose": wording.name("task", facts.task),
        "lede": wording.say(
            "writing_lede",
            parameters=wording.parameters(facts.model.parameters),
            family=wording.name("family", facts.model.family),
            does=wording.name("does", facts.task),
        ),
        "quality": wording.say(
            "writing_quality",
            rows=wording.count(evaluation.rows),
            score=wording.name("score", name),
            value=wording.score(name, quality.value),
            low=wording.score(name, quality.low),
            high=wording.score(name, quality.high),
        ),
        "verdict": verdict,
        "comparison": comparison,
        "whisker_title": wording.say("writing_chart", score=wording.name("score", name)),
        "whisker_note": wording.say("accuracy_chart_note"),
        "whiskers": rows,
        "whisker_axis": axis,
    }


def _whisker(score: str, name: str, scores: WritingScores, wording: Wording, *, is_own: bool) -> Whisker:
    figure = scores.scores[score]
    value, interval = _cell(score, figure, wording)
    return Whisker(name, figure.value, figure.low, figure.high, value, interval, is_own)


def _order_baselines(evaluation: WritingEvaluation) -> list[tuple[str, WritingScores]]:
    """Returns the baselines, the best first."""
    return sorted(evaluation.baselines.items(), key=lambda item: -item[1].scores[evaluation.best_by].value)


def _compare(
    evaluation: WritingEvaluation, ordered: list[tuple[str, WritingScores]], wording: Wording
) -> tuple[str, str]:
    """Returns the verdict's kind (above, below, chance, or empty), and the model beside the best baseline."""
    if not ordered:
        return "", ""
    (best, scores), name = ordered[0], evaluation.best_by
    difference = evaluation.difference[best][name]
    verdict = judge(difference)
    gaps = {
        "name": wording.name("baseline", best),
        "score": wording.name("score", name),
        "value": wording.score(name, scores.scores[name].value),
        "gap": wording.score(name, abs(difference.value)),
        "low": wording.score(name, difference.low),
        "high": wording.score(name, difference.high),
    }
    return verdict, wording.say(f"writing_difference_{verdict}", **gaps)


def _cell(name: str, figure: Figure, wording: Wording) -> tuple[str, str]:
    return wording.score(name, figure.value), wording.interval(name, figure)


def _score_notes(evaluation: WritingEvaluation, wording: Wording) -> list[str]:
    """Returns how the scores were computed, and how many answers the model did not end."""
    notes = [
        wording.say("writing_signature", score=wording.name("score", score), signature=signature)
        for score, signature in evaluation.signature.items()
    ]
    if evaluation.unfinished:
        notes.append(wording.say("writing_unfinished", count=wording.count(evaluation.unfinished)))
    return notes


def _cut_sentence(facts: WritingReportFacts, wording: Wording) -> str:
    tokens = facts.tokens
    return wording.say(
        "pairs_cut_some" if tokens.cut_tokens else "pairs_cut_none",
        cut_tokens=wording.count(tokens.cut_tokens),
        cut_rows=wording.count(tokens.cut_rows),
        rows=wording.count(tokens.rows),
        max_tokens=wording.count(tokens.max_tokens),
        max_target_tokens=wording.count(facts.max_target_tokens),
    )


def _training_charts(facts: WritingReportFacts, wording: Wording) -> list[tuple[str, str, Any]]:
    pretraining, learning = wording.say("pretrain_chart"), wording.say("finetune_loss_chart")
    charts = [
        (pretraining, "by_tokens", loss_chart(facts.curves.pretrain, pretraining, wording, by_tokens=True)),
        (learning, "by_steps", loss_chart(facts.curves.finetune, learning, wording, by_tokens=False)),
    ]
    return [(title, wording.say(note), drawing) for title, note, drawing in charts if drawing]


def shorten_answer(answer: Answer) -> Answer:
    """Returns an answer with the beginnings of its long texts."""
    texts = {
        key: shorten_text(text)
        for key, text in (("text", answer.text), ("written", answer.written), ("truth", answer.truth))
        if text is not None
    }
    return answer.model_copy(update=texts)
