"""What the report of a model that finds answers shows: its headline, scores, questions, and its worst answers."""

from __future__ import annotations

from typing import Any

from penjing.pipeline.report.answer_facts import AnswerEvaluation, AnswerReportFacts, AnswerScores, ShownAnswer
from penjing.pipeline.report.charts import Whisker, accuracy_chart, loss_chart, whisker_rows
from penjing.pipeline.report.facts import Figure
from penjing.pipeline.report.rows import removed_sentence, token_rows
from penjing.pipeline.report.teachers import loss_note, name_teacher
from penjing.pipeline.report.wording import Wording, judge
from penjing.pipeline.report.writing import pairs_cut_sentence

_MOST_ANSWERS = 50


def answer_values(facts: AnswerReportFacts, wording: Wording) -> dict[str, Any]:
    """Returns what ``answers.html.jinja`` shows beyond what every report does."""
    evaluation, data = facts.evaluation, facts.data
    ordered = _order_baselines(evaluation)
    columns = [
        (wording.say("this_model"), evaluation.scores),
        *((name_teacher(name, wording), teacher.scores) for name, teacher in evaluation.teachers.items()),
        *((wording.name("baseline", name), baseline.scores) for name, baseline in ordered),
    ]
    return {
        **_headline(facts, ordered, wording),
        "samples": [_describe(item, wording) for item in evaluation.samples],
        "score_columns": [name for name, _ in columns],
        "score_rows": [
            (wording.name("score", score), [_cell(score, scores[score], wording) for _, scores in columns])
            for score in evaluation.scores
        ],
        "scores_caption": wording.say("answers_scores_caption", rows=wording.count(evaluation.rows)),
        "score_notes": _score_notes(facts, wording),
        "splits": [
            (
                wording.name("split", split),
                wording.say("questions_of", rows=wording.count(rows), documents=wording.count(data.documents[split])),
            )
            for split, rows in data.splits.items()
        ],
        "read": [(name, wording.count(rows)) for name, rows in data.read.items()],
        "references": [
            (wording.name("reference", name), wording.count(count)) for name, count in data.references.items() if count
        ],
        "removed": removed_sentence(data.removed, wording),
        "windows": _window_sentence(facts, wording),
        "token_rows": token_rows(facts.tokens, wording),
        "charts": _training_charts(facts, wording),
        "worst": [_describe(item, wording) for item in evaluation.worst[:_MOST_ANSWERS]],
    }


def _headline(facts: AnswerReportFacts, ordered: list[tuple[str, AnswerScores]], wording: Wording) -> dict[str, Any]:
    evaluation, name = facts.evaluation, facts.evaluation.best_by
    verdict, comparison = _compare(evaluation, ordered, wording)
    others = [
        *((name_teacher(number, wording), scores) for number, scores in evaluation.teachers.items()),
        *((wording.name("baseline", other), scores) for other, scores in ordered),
    ]
    whiskers = [
        _whisker(name, wording.say("this_model"), evaluation, wording, is_own=True),
        *(_whisker(name, called, scores, wording, is_own=False) for called, scores in others),
    ]
    whiskers.sort(key=lambda row: -row.value)
    rows, axis = whisker_rows(whiskers, lambda value: f"{100 * value:g}%", (0.0, 1.0))
    quality, exact = evaluation.scores[name], evaluation.scores["exact_match"]
    return {
        "purpose": wording.name("task", facts.task),
        "lede": wording.say(
            "answers_lede" if facts.written is None else "written_answers_lede",
            parameters=wording.parameters(facts.model.parameters),
            family=wording.name("family", facts.model.family),
        ),
        "quality": wording.say(
            "answers_quality",
            rows=wording.count(evaluation.rows),
            value=wording.percent(quality.value),
            low=wording.percent(quality.low),
            high=wording.percent(quality.high),
            exact=wording.percent(exact.value),
        ),
        "verdict": verdict,
        "comparison": comparison,
        "whisker_title": wording.say("answers_chart", score=wording.name("score", name)),
        "whisker_note": wording.say("accuracy_chart_note"),
        "whiskers": rows,
        "whisker_axis": axis,
    }


def _whisker(score: str, name: str, scores: AnswerScores, wording: Wording, *, is_own: bool) -> Whisker:
    figure = scores.scores[score]
    value, interval = _cell(score, figure, wording)
    return Whisker(name, figure.value, figure.low, figure.high, value, interval, is_own)


def _order_baselines(evaluation: AnswerEvaluation) -> list[tuple[str, AnswerScores]]:
    """Returns the baselines, the best first."""
    return sorted(evaluation.baselines.items(), key=lambda item: -item[1].scores[evaluation.best_by].value)


def _compare(
    evaluation: AnswerEvaluation, ordered: list[tuple[str, AnswerScores]], wording: Wording
) -> tuple[str, str]:
    """Returns the verdict's kind (above, below, chance, or empty), and the model beside the best baseline."""
    if not ordered:
        return "", ""
    (best, scores), name = ordered[0], evaluation.best_by
    difference = evaluation.difference[best][name]
    verdict = judge(difference)
    gaps = {
        "name": wording.name("baseline", best),
        "value": wording.percent(scores.scores[name].value),
        "points": wording.points(difference.value, signed=False),
        "low": wording.points(difference.low),
        "high": wording.points(difference.high),
    }
    return verdict, wording.say(f"difference_{verdict}", **gaps)


def _cell(name: str, figure: Figure, wording: Wording) -> tuple[str, str]:
    return wording.score(name, figure.value), wording.interval(name, figure)


def _score_notes(facts: AnswerReportFacts, wording: Wording) -> list[str]:
    """Returns whose rules the scores follow, and when a question is left unanswered."""
    evaluation = facts.evaluation
    notes = [wording.name("answer_rules", rules) for rules in evaluation.signature.values()]
    notes += wording.few("documents", facts.data.documents["test"])
    if facts.written is not None:
        notes.append(wording.say("written_beams", beams=wording.count(facts.written.beams)))
        if evaluation.unanswerable:
            counts = {name: wording.count(getattr(evaluation, name)) for name in ("refused", "unanswerable")}
            notes.append(wording.say("written_refused", **counts))
    if facts.threshold is not None:
        notes.append(
            wording.say(
                "answers_refused",
                refused=wording.count(evaluation.refused),
                unanswerable=wording.count(evaluation.unanswerable),
                threshold=f"{facts.threshold:.2f}".replace("-", "−"),
            )
        )
    return notes


def _window_sentence(facts: AnswerReportFacts, wording: Wording) -> str:
    tokens, written = facts.tokens, facts.written
    if written is not None:
        sentences = [
            wording.say("written_template", template=written.template),
            pairs_cut_sentence(tokens, written.max_target_tokens, wording),
            wording.say("written_not_learned", count=wording.count(written.not_learned)) if written.not_learned else "",
        ]
        return wording.say("gap").join(filter(None, sentences))
    said = wording.say(
        "answers_windows",
        rows=wording.count(tokens.rows),
        windows=wording.count(facts.windows),
        max_tokens=wording.count(tokens.max_tokens),
    )
    if not tokens.cut_tokens:
        return said
    cut = wording.say("answers_cut", cut_tokens=wording.count(tokens.cut_tokens), rows=wording.count(tokens.cut_rows))
    return said + wording.say("gap") + cut


def _training_charts(facts: AnswerReportFacts, wording: Wording) -> list[tuple[str, str, Any]]:
    pretraining, learning = wording.say("pretrain_chart"), wording.say("finetune_loss_chart")
    exact = wording.say("answers_exact_chart")
    charts = [
        (pretraining, "by_tokens", loss_chart(facts.curves.pretrain, pretraining, wording, by_tokens=True)),
        (
            learning,
            loss_note(facts.model, "answers" if facts.written is None else "words"),
            loss_chart(facts.curves.finetune, learning, wording, by_tokens=False),
        ),
    ]
    if facts.written is None:  # else it would be that of tokens
        charts.append((exact, "answers_by_steps", accuracy_chart(facts.curves.finetune, exact, wording)))
    return [(title, wording.say(note), drawing) for title, note, drawing in charts if drawing]


def _describe(item: ShownAnswer, wording: Wording) -> dict[str, Any]:
    none = wording.say("no_answer")
    return {
        "question": item.question,
        "answer": item.answer or none,
        "truth": wording.say("or").join(item.truth) or none,
        "probability": wording.percent(item.probability),
        "parts": [
            (part.text, " ".join(kind for kind, is_so in (("truth", part.is_truth), ("said", part.is_answer)) if is_so))
            for part in item.parts
        ],
    }
