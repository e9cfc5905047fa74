"""What the report of a model that writes shows: its headline, scores, pairs, and its worst answers."""

from __future__ import annotations

from typing import Any

from penjing.pipeline.report.charts import loss_chart
from penjing.pipeline.report.compared import headline_values, score_values
from penjing.pipeline.report.facts import TokenCounts
from penjing.pipeline.report.rows import removed_sentence, token_rows
from penjing.pipeline.report.teachers import loss_note
from penjing.pipeline.report.wording import Wording, shorten_text
from penjing.pipeline.report.writing_facts import Answer, WritingEvaluation, WritingReportFacts

_MOST_ANSWERS = 50


def writing_values(facts: WritingReportFacts, wording: Wording) -> dict[str, Any]:
    """Returns what ``writing.html.jinja`` shows beyond what every report does."""
    evaluation = facts.evaluation
    return {
        "purpose": wording.name("task", facts.task),
        "lede": wording.say(
            "writing_lede",
            parameters=wording.parameters(facts.model.parameters),
            family=wording.name("family", facts.model.family),
            does=wording.name("does", facts.task),
        ),
        **headline_values(evaluation, wording),
        **score_values(evaluation, wording),
        "answers": [shorten_answer(answer) for answer in facts.answers],
        "scores_caption": wording.say(
            "writing_scores_caption", rows=wording.count(evaluation.rows), beams=wording.count(facts.beams)
        ),
        "score_notes": _score_notes(evaluation, wording),
        "splits": [(wording.name("split", split), wording.count(rows)) for split, rows in facts.data.splits.items()],
        "read": [(name, wording.count(rows)) for name, rows in facts.data.read.items()],
        "removed": removed_sentence(facts.data.removed, wording),
        "cut": pairs_cut_sentence(facts.tokens, facts.max_target_tokens, wording),
        "token_rows": [
            *token_rows(facts.tokens, wording),
            (wording.say("max_target_tokens"), wording.count(facts.max_target_tokens)),
        ],
        "charts": _training_charts(facts, wording),
        "worst": [shorten_answer(answer) for answer in evaluation.worst[:_MOST_ANSWERS]],
    }


def _score_notes(evaluation: WritingEvaluation, wording: Wording) -> list[str]:
    """Returns how the scores were computed, and how many answers the model did not end."""
    notes = [
        wording.say("writing_signature", score=wording.name("score", score), signature=signature)
        for score, signature in evaluation.signature.items()
    ]
    if evaluation.unfinished:
        notes.append(wording.say("writing_unfinished", count=wording.count(evaluation.unfinished)))
    return notes


def pairs_cut_sentence(tokens: TokenCounts, max_target_tokens: int, wording: Wording) -> str:
    """Returns how much was cut of texts, and of what is to be written to them."""
    return wording.say(
        "pairs_cut_some" if tokens.cut_tokens else "pairs_cut_none",
        cut_tokens=wording.count(tokens.cut_tokens),
        cut_rows=wording.count(tokens.cut_rows),
        rows=wording.count(tokens.rows),
        max_tokens=wording.count(tokens.max_tokens),
        max_target_tokens=wording.count(max_target_tokens),
    )


def _training_charts(facts: WritingReportFacts, wording: Wording) -> list[tuple[str, str, Any]]:
    pretraining, learning = wording.say("pretrain_chart"), wording.say("finetune_loss_chart")
    charts = [
        (pretraining, "by_tokens", loss_chart(facts.curves.pretrain, pretraining, wording, by_tokens=True)),
        (learning, loss_note(facts.model), loss_chart(facts.curves.finetune, learning, wording, by_tokens=False)),
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
