"""What the report of a model that ranks items shows: its headline, scores, bands of popularity, questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penjing.pipeline.report.charts import Whisker, loss_chart, whisker_rows
from penjing.pipeline.report.compared import say_difference, score_cell, score_columns
from penjing.pipeline.report.facts import Figure
from penjing.pipeline.report.ranking_facts import Band, Compared, RankingReportFacts, RankingScores
from penjing.pipeline.report.rows import removed_sentence
from penjing.pipeline.report.teachers import loss_note, name_teacher
from penjing.pipeline.report.wording import Wording, shorten_text

_MOST_QUESTIONS = 50
_MOST_ITEMS = 5
_BAND_SCORE = "ndcg_10"
Named = list[tuple[str, RankingScores]]


def ranking_values(facts: RankingReportFacts, wording: Wording) -> dict[str, Any]:
    """Returns what ``ranking.html.jinja`` shows beyond what every report does."""
    evaluation = facts.evaluation
    ordered = _order(evaluation, evaluation.best_by)
    return {
        **_headline(facts, ordered, wording),
        "answers": [
            (
                " · ".join(map(shorten_text, answer.read)),
                [item.text for item in answer.items[:_MOST_ITEMS]],
            )
            for answer in facts.answers
        ],
        **_score_table(evaluation, ordered, wording, _teachers(facts, wording)),
        "scores_caption": wording.say("ranking_scores_caption", rows=wording.count(evaluation.rows)),
        "score_notes": [wording.say("ranking_scores_note")],
        "bands": [_band_chart(name, facts, ordered, wording) for name in evaluation.bands],
        "cold": _cold(evaluation.cold, evaluation.best_by, wording),
        **_data(facts, wording),
        "charts": _charts(facts, wording),
        "questions": [
            {
                "history": " · ".join(map(shorten_text, asked.history)),
                "truth": shorten_text(asked.truth),
                "place": wording.count(asked.place),
                "first": " · ".join(map(shorten_text, asked.first)),
            }
            for asked in evaluation.examples[:_MOST_QUESTIONS]
        ],
    }


def _headline(facts: RankingReportFacts, ordered: Named, wording: Wording) -> dict[str, Any]:
    evaluation, name = facts.evaluation, facts.evaluation.best_by
    verdict, comparison = _compare(evaluation, ordered, name, wording)
    others = [(wording.name("baseline", other), scores) for other, scores in ordered] + _teachers(facts, wording)
    figures = [(other, scores.scores[name]) for other, scores in others]
    whiskers = _whiskers(name, evaluation.scores[name], figures, wording)
    rows, axis = whisker_rows(whiskers, lambda value: f"{value:g}")
    quality = evaluation.scores[name]
    return {
        "purpose": wording.name("task", facts.task),
        "lede": wording.say(
            "ranking_lede",
            parameters=wording.parameters(facts.model.parameters),
            family=wording.name("family", facts.model.family),
        ),
        "quality": wording.say(
            "ranking_quality",
            rows=wording.count(evaluation.rows),
            items=wording.count(evaluation.items),
            hits=wording.percent(evaluation.scores["hit_rate_10"].value),
            score=wording.name("score", name),
            value=wording.score(name, quality.value),
            low=wording.score(name, quality.low),
            high=wording.score(name, quality.high),
        ),
        "verdict": verdict,
        "comparison": comparison,
        "whisker_title": wording.say("ranking_chart", score=wording.name("score", name)),
        "whisker_note": wording.say("accuracy_chart_note"),
        "whiskers": rows,
        "whisker_axis": axis,
    }


def _whiskers(score: str, own: Figure, others: Sequence[tuple[str, Figure]], wording: Wording) -> list[Whisker]:
    """Returns the model and the others, the best first."""
    named = [(wording.say("this_model"), own, True), *((name, figure, False) for name, figure in others)]
    whiskers = [
        Whisker(name, figure.value, figure.low, figure.high, *score_cell(score, figure, wording), is_own=is_own)
        for name, figure, is_own in named
    ]
    return sorted(whiskers, key=lambda whisker: -whisker.value)


def _teachers(facts: RankingReportFacts, wording: Wording) -> Named:
    """Returns the teacher that the model learned from, by its name; nothing where there was none."""
    return [(name_teacher(name, wording), scores) for name, scores in facts.evaluation.teachers.items()]


def _order(compared: Compared, by: str) -> Named:
    """Returns the baselines, the best first."""
    return sorted(compared.baselines.items(), key=lambda item: -item[1].scores[by].value)


def _compare(compared: Compared, ordered: Named, name: str, wording: Wording) -> tuple[str, str]:
    """Returns the verdict's kind (above, below, chance, or empty), and the model beside the best baseline."""
    return _say_difference(compared, ordered[0], name, "ranking_difference", wording) if ordered else ("", "")


def _say_difference(
    compared: Compared, other: tuple[str, RankingScores], name: str, sentence: str, wording: Wording
) -> tuple[str, str]:
    best, scores = other
    return say_difference(best, name, (scores.scores[name], compared.difference[best][name]), sentence, wording)


def _score_table(compared: Compared, ordered: Named, wording: Wording, teachers: Named) -> dict[str, Any]:
    others = [*teachers, *((wording.name("baseline", name), baseline) for name, baseline in ordered)]
    return score_columns(compared.scores, [(name, other.scores) for name, other in others], wording)


def _band_chart(name: str, facts: RankingReportFacts, ordered: Named, wording: Wording) -> dict[str, Any]:
    """Returns the chart of a band; all bands have the same axis."""
    evaluation = facts.evaluation
    band = evaluation.bands[name]
    ends = [0.0, *(_highest(scores) for scores in (evaluation.bands, *(other.bands for _, other in ordered)))]
    others = [
        (wording.name("baseline", other), scores.bands[name].ndcg_10)
        for other, scores in ordered
        if name in scores.bands
    ]
    whiskers = _whiskers(_BAND_SCORE, band.ndcg_10, others, wording)
    spread = Whisker("", 0.0, min(ends), max(ends), "", "", False)
    rows, axis = whisker_rows([*whiskers, spread], lambda value: f"{value:g}")
    return {
        "title": wording.name("band", name),
        "note": _band_note(band, wording),
        "whiskers": rows[:-1],
        "axis": axis,
    }


def _band_note(band: Band, wording: Wording) -> str:
    """Returns how many users a band is of, and the scores that its chart does not show."""
    note = wording.say("band_note", rows=wording.count(band.rows))
    if band.hit_rate_10 is None or band.mrr is None:
        return note
    hits, hits_in = score_cell("hit_rate_10", band.hit_rate_10, wording)
    mrr, mrr_in = score_cell("mrr", band.mrr, wording)
    return wording.say("band_note_scores", note=note, hits=hits, hits_in=hits_in, mrr=mrr, mrr_in=mrr_in)


def _highest(bands: dict[str, Band]) -> float:
    return max((band.ndcg_10.high for band in bands.values()), default=0.0)


def _cold(cold: Compared | None, by: str, wording: Wording) -> dict[str, Any] | None:
    if cold is None:
        return None
    ordered = _order(cold, by)
    comparison = _say_difference(cold, ("popular", cold.baselines["popular"]), by, "cold_difference", wording)[1]
    caption = wording.say("cold_caption", rows=wording.count(cold.rows), items=wording.count(cold.items))
    return {**_score_table(cold, ordered, wording, []), "caption": caption, "comparison": comparison}


def _data(facts: RankingReportFacts, wording: Wording) -> dict[str, Any]:
    data, texts = facts.data, facts.texts
    counts = [
        (wording.say("users"), wording.count(data.users)),
        (wording.say("short_users"), wording.count(data.short_users)),
        (wording.say("items"), wording.count(data.items)),
        (wording.say("ties"), wording.count(data.ties)),
    ]
    if data.cold_items:
        counts += [
            (wording.say("cold_items"), wording.count(data.cold_items)),
            (wording.say("cold_events"), wording.count(data.cold_events)),
        ]
    kind = wording.say("text_encoder") if texts.has_encoder else wording.name("kind", texts.kind)
    return {
        "splits": [(wording.name("event_split", split), wording.count(rows)) for split, rows in data.splits.items()],
        "read": [(name, wording.count(rows)) for name, rows in data.read.items()],
        "removed": removed_sentence(data.removed, wording)
        if any(data.removed.values())
        else wording.say("no_event_removed"),
        "items_removed": removed_sentence(data.items_removed, wording) if any(data.items_removed.values()) else "",
        "counts": counts,
        "cut": wording.say(
            "items_cut",
            cut_items=wording.count(texts.cut_items),
            cut_histories=wording.count(texts.cut_histories),
            max_items=wording.count(texts.max_items),
            cut_tokens=wording.count(texts.cut_tokens),
            cut_texts=wording.count(texts.cut_texts),
            max_tokens=wording.count(texts.max_tokens),
        ),
        "token_rows": [
            (wording.say("kind"), kind),
            (wording.say("vocabulary"), wording.count(texts.vocabulary)),
            (wording.say("max_tokens"), wording.count(texts.max_tokens)),
            (wording.say("max_items"), wording.count(texts.max_items)),
        ],
    }


def _charts(facts: RankingReportFacts, wording: Wording) -> list[tuple[str, str, Any]]:
    title = wording.say("finetune_loss_chart")
    drawing = loss_chart(facts.curves.finetune, title, wording, by_tokens=False)
    return [(title, wording.say(loss_note(facts.model, "items")), drawing)] if drawing else []
