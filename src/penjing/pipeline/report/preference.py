"""What the report of a model that learned from preferences shows: its headline, scores, pairs, and its worst."""

from __future__ import annotations

from typing import Any

from penjing.pipeline.report.charts import loss_chart
from penjing.pipeline.report.compared import Sentences, headline_values, score_values
from penjing.pipeline.report.preference_facts import PreferenceReportFacts
from penjing.pipeline.report.rows import removed_sentence, token_rows
from penjing.pipeline.report.wording import Wording
from penjing.pipeline.report.writing import shorten_answer

_MOST_PAIRS = 50
_SAYS = Sentences("preference_quality", "preference_difference", "preference_chart")


def preference_values(facts: PreferenceReportFacts, wording: Wording) -> dict[str, Any]:
    """Returns what ``preference.html.jinja`` shows beyond what every report does."""
    evaluation, learned = facts.evaluation, facts.learned
    loss = wording.say("preference_loss", loss=learned.loss.upper(), beta=f"{learned.beta:g}")
    added = [
        (wording.say(name), f"{value:g}")
        for name, value in (
            ("preference_smoothing", learned.label_smoothing),
            ("preference_likelihood", learned.likelihood),
        )
        if value
    ]
    chart = wording.say("finetune_loss_chart")
    drawing = loss_chart(facts.curves.finetune, chart, wording, by_tokens=False)
    return {
        "purpose": wording.name("task", facts.task),
        "lede": wording.say(
            "preference_lede",
            parameters=wording.parameters(facts.model.parameters),
            family=wording.name("family", facts.model.family),
        ),
        **headline_values(evaluation, wording, _SAYS),
        **score_values(evaluation, wording),
        "answers": [shorten_answer(answer) for answer in facts.answers],
        "scores_caption": wording.say("preference_caption", rows=wording.count(evaluation.rows)),
        "score_notes": [
            wording.say("preference_note"),
            wording.say("preference_change_note"),
            *([] if evaluation.prompts is None else wording.few("prompts", evaluation.prompts)),
        ],
        "splits": [(wording.name("split", split), wording.count(rows)) for split, rows in facts.data.splits.items()],
        "read": [(name, wording.count(rows)) for name, rows in facts.data.read.items()],
        "removed": removed_sentence(facts.data.removed, wording),
        "cut": _cut_sentence(facts, wording),
        "token_rows": [*token_rows(facts.tokens, wording), (wording.say("preference_learned"), loss), *added],
        "charts": [(chart, wording.say("by_steps"), drawing)] if drawing else [],
        "worst": [shorten_answer(answer) for answer in evaluation.worst[:_MOST_PAIRS]],
    }


def _cut_sentence(facts: PreferenceReportFacts, wording: Wording) -> str:
    tokens = facts.tokens
    said = [
        wording.say(
            "preference_cut_some" if tokens.cut_rows else "preference_cut_none",
            rows=wording.count(tokens.cut_rows),
            cut_tokens=wording.count(tokens.cut_tokens),
        )
    ]
    if facts.left_out:
        said.append(wording.say("preference_left_out", count=wording.count(facts.left_out)))
    return wording.say("gap").join(said)
