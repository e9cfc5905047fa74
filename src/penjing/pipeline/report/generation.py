"""What the report of a model that goes on with texts shows: headline, scores, texts, and samples beside real ones."""

from __future__ import annotations

from typing import Any

from penjing.pipeline.report.charts import loss_chart, whisker_rows
from penjing.pipeline.report.generation_facts import BITS, REAL, GenerationEvaluation, GenerationReportFacts
from penjing.pipeline.report.language_model import bits_whiskers, measured_cell, readable
from penjing.pipeline.report.language_wording import compare_bits, describe_baselines, describe_quality, note_limits
from penjing.pipeline.report.rows import removed_sentence, token_rows
from penjing.pipeline.report.teachers import loss_note, name_teacher
from penjing.pipeline.report.wording import Wording
from penjing.pipeline.report.writing import shorten_answer
from penjing.pipeline.report.writing_facts import Answer

_MOST_SAMPLES = 50


def generation_values(facts: GenerationReportFacts, wording: Wording) -> dict[str, Any]:
    """Returns what ``generation.html.jinja`` shows beyond what every report does."""
    evaluation = facts.evaluation
    return {
        **_headline(facts, wording),
        **_score_table(facts, wording),
        "answers": [_shown(answer) for answer in facts.answers],
        "samples": [_shown(answer) for answer in evaluation.samples[:_MOST_SAMPLES]],
        "samples_caption": wording.say(
            "samples_caption", temperature=f"{facts.temperature:g}", top_p=f"{facts.top_p:g}"
        ),
        "splits": [(wording.name("split", split), wording.count(rows)) for split, rows in facts.data.splits.items()],
        "read": [(name, wording.count(rows)) for name, rows in facts.data.read.items()],
        "removed": removed_sentence(facts.data.removed, wording),
        "cut": _window_sentence(facts, wording),
        "token_rows": token_rows(facts.tokens, wording),
        "charts": _training_charts(facts, wording),
    }


def _headline(facts: GenerationReportFacts, wording: Wording) -> dict[str, Any]:
    evaluation = facts.evaluation
    verdict, comparison = compare_bits(evaluation.language, wording)
    teachers = [(name_teacher(name, wording), other.scores[BITS]) for name, other in evaluation.teachers.items()]
    whiskers = bits_whiskers(evaluation.language, wording, teachers)
    rows, axis = whisker_rows(whiskers, lambda value: f"{value:g}") if whiskers else ([], None)
    return {
        "purpose": wording.name("task", facts.task),
        "lede": wording.say(
            "generation_lede",
            parameters=wording.parameters(facts.model.parameters),
            family=wording.name("family", facts.model.family),
        ),
        "quality": describe_quality(evaluation.language, wording),
        "verdict": verdict,
        "comparison": comparison,
        "notes": [
            *([wording.say("note_given")] if evaluation.given else []),
            *note_limits(evaluation.language, wording),
        ],
        "whisker_title": wording.say("bits_chart"),
        "whisker_note": wording.say("bits_chart_note"),
        "whiskers": rows,
        "whisker_axis": axis,
    }


def _score_table(facts: GenerationReportFacts, wording: Wording) -> dict[str, Any]:
    """Returns the columns (the model, its teacher, baselines, real texts) and rows of the scores."""
    evaluation = facts.evaluation
    columns = [(wording.say("this_model"), evaluation.scores)]
    columns += [(name_teacher(name, wording), other.scores) for name, other in evaluation.teachers.items()]
    columns += [(wording.name("baseline", name), other.scores) for name, other in evaluation.baselines.items()]
    return {
        "score_columns": [name for name, _ in columns],
        "score_rows": [
            (wording.name("score", score), [measured_cell(score, scores.get(score), wording) for _, scores in columns])
            for score in evaluation.scores
        ],
        "scores_caption": wording.say(
            "generation_scores_caption",
            **{key: wording.count(getattr(evaluation, key)) for key in ("rows", "words", "bytes", "sampled")},
        ),
        "score_notes": [
            wording.say("samples_note"),
            *_difference_notes(evaluation, wording),
            *describe_baselines(evaluation.language, wording),
            *_limits_of_samples(evaluation, wording),
        ],
    }


def _difference_notes(evaluation: GenerationEvaluation, wording: Wording) -> list[str]:
    """Returns whether the model repeats itself more than real texts do, where that is known."""
    gap = evaluation.difference.get(REAL, {}).get("repetition")
    if gap is None or gap.value is None or gap.low is None or gap.high is None:
        return []
    verdict = "more" if gap.low > 0 else "less" if gap.high < 0 else "chance"
    return [wording.name("repeats", verdict, low=wording.points(gap.low), high=wording.points(gap.high))]


def _limits_of_samples(evaluation: GenerationEvaluation, wording: Wording) -> list[str]:
    notes = []
    if evaluation.unfinished:
        notes.append(wording.say("samples_unfinished", count=wording.count(evaluation.unfinished)))
    if evaluation.cut_tokens:
        notes.append(wording.say("samples_cut", count=wording.count(evaluation.cut_tokens)))
    return notes


def _window_sentence(facts: GenerationReportFacts, wording: Wording) -> str:
    gaps = {
        "texts": wording.count(facts.texts),
        "several": wording.count(facts.several),
        "windows": wording.count(facts.tokens.rows),
        "max_tokens": wording.count(facts.tokens.max_tokens),
    }
    sentence = wording.say("texts_in_windows", **gaps)
    if not facts.tokens.cut_tokens:
        return sentence
    cut, rows = wording.count(facts.tokens.cut_tokens), wording.count(facts.tokens.cut_rows)
    return sentence + wording.say("gap") + wording.say("beginnings_cut", cut_tokens=cut, cut_rows=rows)


def _training_charts(facts: GenerationReportFacts, wording: Wording) -> list[tuple[str, str, Any]]:
    pretraining, learning = wording.say("pretrain_chart"), wording.say("finetune_loss_chart")
    note = loss_note(facts.model, "words")
    charts = [
        (pretraining, "by_tokens", loss_chart(facts.curves.pretrain, pretraining, wording, by_tokens=True)),
        (learning, note, loss_chart(facts.curves.finetune, learning, wording, by_tokens=False)),
    ]
    return [(title, wording.say(key), drawing) for title, key, drawing in charts if drawing]


def _shown(answer: Answer) -> Answer:
    """Returns a text without control characters, and not too long."""
    texts = {"written": readable(answer.written), "truth": None if answer.truth is None else readable(answer.truth)}
    return shorten_answer(answer.model_copy(update={"text": readable(answer.text), **texts}))
