"""What the report of a language model shows: its headline, scores, continuations, tokens and training."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from penjing.pipeline.report.charts import Whisker, draw_losses, loss_chart, whisker_rows
from penjing.pipeline.report.facts import Figure
from penjing.pipeline.report.language_facts import (
    Continuation,
    Growth,
    LanguageEvaluation,
    LanguageReportFacts,
    Measured,
)
from penjing.pipeline.report.language_wording import (
    compare_bits,
    describe_baselines,
    describe_quality,
    note_limits,
    order_baselines,
)
from penjing.pipeline.report.wording import Wording, shorten_text

_MOST_PROMPTS = 20
_MOST_MOMENTS = 12
_LONGEST_CONTINUATION = 1200  # characters
_GROWTH_NOTES = {"span": "growth_note_span", "denoise": "growth_note_denoise"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tabulator and line feed


def language_model_values(facts: LanguageReportFacts, wording: Wording) -> dict[str, Any]:
    """Returns what ``language_model.html.jinja`` shows beyond what every report does."""
    evaluation = facts.evaluation
    return {
        **_headline(facts, wording),
        **_score_table(evaluation, wording),
        "continuations": [(shorten_text(item.prompt), _shorten(item)) for item in facts.continuations[:_MOST_PROMPTS]],
        "growth": _growth(facts.growth),
        "growth_note": wording.say(_GROWTH_NOTES.get(facts.objective, "growth_note")),
        "packed": _packed_sentence(facts, wording),
        "token_rows": _token_rows(facts, wording),
        "charts": _charts(facts, wording),
        "training_rows": _training_rows(facts, wording),
    }


def _charts(facts: LanguageReportFacts, wording: Wording) -> list[tuple[str, str, Markup]]:
    """Returns the losses against tokens, operations and time, each with its title and what it stands against."""
    points, title, training = facts.curves.pretrain, wording.say("pretrain_chart"), facts.training
    charts = [("by_tokens", loss_chart(points, title, wording, by_tokens=True))]
    if training is not None and training.tokens:
        each = training.flops / training.tokens
        charts.append(("by_flops", draw_losses(points, lambda p: p.tokens * each, title, wording, wording.small)))
    unit, name = _time_unit(max((point.seconds or 0.0 for point in points), default=0.0))
    seconds = draw_losses(
        points,
        lambda point: None if point.seconds is None else point.seconds / unit,
        title,
        wording,
        lambda value: wording.say(name, value=f"{value:g}"),
    )
    charts.append(("by_time", seconds))
    return [(title, wording.say(note), chart) for note, chart in charts if chart]


def _time_unit(seconds: float) -> tuple[float, str]:
    """Returns the unit of an axis of so many seconds, in seconds, and how its values are written."""
    if seconds < 180:
        return 1.0, "axis_seconds"
    return (60.0, "axis_minutes") if seconds < 3 * 3600 else (3600.0, "axis_hours")


def _headline(facts: LanguageReportFacts, wording: Wording) -> dict[str, Any]:
    evaluation = facts.evaluation
    verdict, comparison = compare_bits(evaluation, wording) if evaluation else ("", "")
    whiskers = bits_whiskers(evaluation, wording) if evaluation else []
    rows, axis = whisker_rows(whiskers, lambda value: f"{value:g}") if whiskers else ([], None)
    return {
        "purpose": wording.say("language_model"),
        "lede": wording.say(
            "language_lede",
            family=wording.name("family", facts.model.family),
            parameters=wording.parameters(facts.model.parameters),
            objective=wording.name("objective", facts.objective),
        ),
        "quality": describe_quality(evaluation, wording) if evaluation else "",
        "verdict": verdict,
        "comparison": comparison,
        "notes": note_limits(evaluation, wording) if evaluation else [],
        "whisker_title": wording.say("bits_chart"),
        "whisker_note": wording.say("bits_chart_note"),
        "whiskers": rows,
        "whisker_axis": axis,
    }


def bits_whiskers(
    evaluation: LanguageEvaluation, wording: Wording, others: Sequence[tuple[str, Measured]] = ()
) -> list[Whisker]:
    """Returns the bits per byte of the model and the baselines, the fewest first; none where they do not compare.

    Args:
        evaluation: of the model.
        wording: says it.
        others: further models, as they are called in the report.
    """
    own = evaluation.scores.get("bits_per_byte")
    figures = [
        (wording.say("this_model"), own, True),
        *((name, figure, False) for name, figure in others),
        *(
            (wording.name("baseline", name), baseline.scores.get("bits_per_byte"), False)
            for name, baseline in evaluation.baselines.items()
        ),
    ]
    if own is None or own.value is None:
        return []
    whiskers = []
    for name, figure, is_own in figures:
        if figure is not None and figure.value is not None:
            low, high = (figure.value if end is None else end for end in (figure.low, figure.high))
            value, interval = measured_cell("bits_per_byte", figure, wording)
            whiskers.append(Whisker(name, figure.value, low, high, value, interval, is_own))
    return sorted(whiskers, key=lambda row: row.value)


def _score_table(evaluation: LanguageEvaluation | None, wording: Wording) -> dict[str, Any]:
    """Returns the columns (the model and its baselines) and rows of the scores; no rows where nothing was measured."""
    if evaluation is None:
        return {"score_rows": []}
    columns = [(wording.say("this_model"), evaluation.scores)] + [
        (wording.name("baseline", name), baseline.scores) for name, baseline in order_baselines(evaluation)
    ]
    names = list(dict.fromkeys(name for _, scores in columns for name in scores))
    return {
        "score_columns": [name for name, _ in columns],
        "score_rows": [
            (wording.name("score", name), [measured_cell(name, scores.get(name), wording) for _, scores in columns])
            for name in names
        ],
        "scores_caption": wording.say(
            "language_scores_caption",
            **{key: wording.count(getattr(evaluation, key)) for key in ("documents", "words", "tokens", "bytes")},
        ),
        "score_notes": describe_baselines(evaluation, wording),
    }


def measured_cell(name: str, figure: Measured | None, wording: Wording) -> tuple[str, str]:
    """Returns a score and its interval; a dash where there is none."""
    if figure is None or figure.value is None:
        return "–", ""
    value = wording.score(name, figure.value)
    if figure.low is None or figure.high is None:
        return value, ""
    return value, wording.interval(name, Figure(value=figure.value, low=figure.low, high=figure.high))


def _shorten(item: Continuation) -> str:
    """Returns a continuation with an ellipsis where it was stopped, or is too long to be shown."""
    written = readable(item.text)
    text = shorten_text(written, _LONGEST_CONTINUATION)
    return f"{text}…" if item.is_cut and text == written else text


def readable(text: str) -> str:
    """Returns a text whose control characters, which a model of bytes may write and HTML may not hold, are replaced."""
    return _CONTROL.sub("\ufffd", text)


def _growth(growth: Growth) -> list[tuple[str, list[tuple[int, str]]]]:
    """Returns for each prompt what was written after so many tokens, at most a dozen times, first and last among them.

    Moments that do not have a text for each prompt are left out, for whose they are nobody knows.
    """
    moments = [moment for moment in growth.moments if len(moment.texts) == len(growth.prompts)]
    if len(moments) > _MOST_MOMENTS:
        last = len(moments) - 1
        moments = [moments[round(number * last / (_MOST_MOMENTS - 1))] for number in range(_MOST_MOMENTS)]
    if not moments:
        return []
    return [
        (shorten_text(prompt), [(moment.tokens, _say_written(moment.texts[number])) for moment in moments])
        for number, prompt in enumerate(growth.prompts[:_MOST_PROMPTS])
    ]


def _say_written(text: str) -> str:
    """Returns the beginning of what was written; a dash for nothing."""
    return shorten_text(readable(text.strip())) or "–"


def _packed_sentence(facts: LanguageReportFacts, wording: Wording) -> str:
    if facts.tokens is None:
        return ""
    key = "packed_left_out" if facts.tokens.left_out_tokens else "packed"
    window, left_out = facts.tokens.window_tokens, facts.tokens.left_out_tokens
    return wording.say(key, window=wording.count(window), left_out=wording.count(left_out))


def _token_rows(facts: LanguageReportFacts, wording: Wording) -> list[tuple[str, str]]:
    """Returns what is said of the tokenizer and its tokens."""
    tokens = facts.tokens
    if tokens is None:
        return []
    counted = {name: getattr(tokens, name) for name in ("held_out_left_out_tokens", "twice_tokens")}
    return [
        (wording.say("kind"), wording.name("kind", tokens.kind)),
        (wording.say("vocabulary"), wording.count(tokens.vocabulary)),
        (wording.say("window_tokens"), wording.count(tokens.window_tokens)),
        (wording.say("pretraining_tokens"), wording.count(tokens.pretraining_tokens)),
        (wording.say("left_out_tokens"), wording.count(tokens.left_out_tokens)),
        *((wording.say(name), wording.count(count)) for name, count in counted.items() if count is not None),
        (wording.say("unknown_share"), wording.fine_percent(tokens.unknown_share)),
    ]


def _training_rows(facts: LanguageReportFacts, wording: Wording) -> list[tuple[str, str]]:
    """Returns what training took."""
    training = facts.training
    if training is None:
        return []
    rows = [
        ("tokens_read", wording.count(training.tokens)),
        ("steps", wording.count(training.steps)),
        ("tokens_per_second", wording.count(round(training.tokens_per_second))),
        ("flops", wording.power_of_ten(training.flops)),
        ("matrix_rate", wording.rate(training.matrix_rate)),
        ("utilization", wording.percent(training.utilization)),
        ("precision", training.precision),
        ("compiled", wording.value(training.compiled)),
    ]
    if training.device_memory_mb is not None:
        rows += [("device", training.device or "–"), ("device_memory", wording.memory(training.device_memory_mb))]
    if training.validation_loss is not None:
        rows.append(("validation_loss", wording.score("loss", training.validation_loss)))
    if training.stopped_early:
        rows.append(("stopped_early", wording.value(training.stopped_early)))
    return [(wording.name("training", name), value) for name, value in rows]
