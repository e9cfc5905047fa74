"""What the report of a model of several tasks shows: how they were mixed, and each part as if it stood alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from penjing.pipeline.report.answer_facts import AnswerReportFacts
from penjing.pipeline.report.answers import answer_values
from penjing.pipeline.report.charts import loss_chart
from penjing.pipeline.report.classifier import classifier_values
from penjing.pipeline.report.multi_facts import MultiReportFacts, PartFacts
from penjing.pipeline.report.rows import token_rows
from penjing.pipeline.report.teachers import loss_note
from penjing.pipeline.report.wording import Wording
from penjing.pipeline.report.writing import pairs_cut_sentence, writing_values
from penjing.pipeline.report.writing_facts import WritingReportFacts

_SPLITS = ("train", "validation", "test")


def multi_values(
    facts: MultiReportFacts, wording: Wording, shared: dict[str, Any], render: Callable[[str, dict[str, Any]], str]
) -> dict[str, Any]:
    """Returns what ``multi.html.jinja`` shows beyond what every report does.

    Args:
        facts: all it says.
        wording: in which language.
        shared: what every report shows.
        render: fills a template with values.
    """
    learning, pretraining = wording.say("multi_loss_chart"), wording.say("pretrain_chart")
    fine_tuning = loss_chart(facts.curves.finetune, learning, wording, by_tokens=False)
    charts = [
        (pretraining, "by_tokens", loss_chart(facts.curves.pretrain, pretraining, wording, by_tokens=True)),
        (learning, loss_note(facts.model, "words"), fine_tuning),
    ]
    headings = ("part", "mix_share", "mix_rows_an_epoch", *(f"split.{split}" for split in _SPLITS), "mix_loss")
    return {
        "purpose": wording.name("task", facts.task),
        "lede": wording.say(
            "multi_lede",
            parameters=wording.parameters(facts.model.parameters),
            family=wording.name("family", facts.model.family),
            count=wording.count(len(facts.parts)),
        ),
        "quality": "",
        "comparison": "",
        "verdict": "",
        "whiskers": [],
        "score_rows": [],
        "mix_headings": [wording.say(heading) for heading in headings],
        "mix_rows": [_mix_row(name, part, wording) for name, part in facts.parts.items()],
        "between": wording.say("mix_between", count=wording.count(facts.between)) if facts.between else "",
        "token_rows": token_rows(facts.tokens, wording),
        "charts": [(title, wording.say(note), drawing) for title, note, drawing in charts if drawing],
        "parts": [
            Markup(_render_part(name, part, wording, {**shared, "at": f"{name}-"}, render))
            for name, part in facts.parts.items()
        ],
    }


def _mix_row(name: str, part: PartFacts, wording: Wording) -> list[str]:
    loss = part.validation_loss
    return [
        name,
        wording.percent(part.share),
        wording.count(part.rows_an_epoch),
        *(wording.count(part.rows.get(split, 0)) for split in _SPLITS),
        "–" if loss is None else wording.score("loss", loss),
    ]


def _render_part(
    name: str, part: PartFacts, wording: Wording, shared: dict[str, Any], render: Callable[[str, dict[str, Any]], str]
) -> str:
    alone = part.alone
    if isinstance(alone, WritingReportFacts):
        template, values = "writing.html.jinja", writing_values(alone, wording)
    elif isinstance(alone, AnswerReportFacts):
        template, values = "answers.html.jinja", answer_values(alone, wording)
    else:
        template, values = "classifier.html.jinja", classifier_values(alone, wording)
    assert alone.tokens is not None
    cut = pairs_cut_sentence(alone.tokens, part.max_target_tokens, wording)
    return render(
        template,
        {
            **shared,
            **values,
            "facts": alone,
            "layout": "part.html.jinja",
            "name": name,
            "sentence": wording.say("part_sentence", task=wording.name("task", alone.task), template=part.template),
            "cut": cut,
            "windows": cut,
            "token_rows": [],
        },
    )
