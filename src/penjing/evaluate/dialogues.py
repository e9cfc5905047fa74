"""Scores of a model that replies, with 95% intervals, beside baselines fitted on the training dialogues.

Perplexity and bits per byte are of the replies, each given what was said before, the token that ends it included. The
retrieval accuracy is how often the reply that was given has more to do with what was said than replies from other
dialogues; see `penjing.evaluate.reply_reading`. There a cache of what was said helps the model, as much as is best on
the validation dialogues; how far the model comes alone stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penjing.errors import DataError
from penjing.evaluate.exchanges import Asked, Dialogues, Exchange, draw_questions, list_exchanges
from penjing.evaluate.reply_cache import SHARES
from penjing.evaluate.reply_reading import ReplyReader
from penjing.metrics.language import DocumentSurprisals, count_bytes, count_words, language_scores, score_values
from penjing.metrics.retrieval import retrieval_accuracy, retrieval_credit, retrieval_difference
from penjing.progress import Progress, stop_if_asked
from penjing.tasks.dialogue_model import DialogueModel
from penjing.tasks.task import DialogueTask, ReplyChoice

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DialogueMeasures:
    """How a model is measured.

    Attributes:
        candidates: replies that it chooses among.
        most: questions that are asked at most.
        resamples: bootstrap resamples behind each interval.
        worst: how many of the choices are listed that are furthest from right.
        seed: of candidates and resamples.
        cache: the share of the cache where the right reply is looked for; see `choose_cache`.
    """

    candidates: int = 20
    most: int = 1000
    resamples: int = 1000
    worst: int = 20
    seed: int = 0
    cache: float = 0.0


def choose_cache(model: DialogueModel, validation: Dialogues, measures: DialogueMeasures, progress: Progress) -> float:
    """Returns the share of the cache with which a model finds most right replies of the validation dialogues.

    Args:
        model: what is measured.
        validation: the dialogues.
        measures: how questions are drawn.
        progress: told how many replies are read.

    Returns:
        The least of the best among `penjing.evaluate.reply_cache.SHARES`; 0 where there are too few dialogues.

    Raises:
        Interrupted: the user asked to stop.
    """
    reader = ReplyReader(model)
    askable = [exchange for exchange in list_exchanges(validation) if reader.is_askable(exchange)]
    try:
        asked = draw_questions(askable, candidates=measures.candidates, most=measures.most, seed=measures.seed)
    except DataError:
        return 0.0
    read = reader.read(asked, askable, measures.seed, progress)
    right = {share: sum(map(retrieval_credit, read.rate(share))) for share in SHARES}
    return max(SHARES, key=lambda share: (right[share], -share))


def evaluate_dialogues(
    model: DialogueModel, dialogues: Dialogues, measures: DialogueMeasures, progress: Progress
) -> tuple[dict[str, Any], Asked, Floats]:
    """Measures a model.

    Args:
        model: what is measured.
        dialogues: with the replies that were given.
        measures: how.
        progress: told how many replies are measured.

    Returns:
        JSON values: ``rows`` (replies), ``dialogues``, ``questions`` (of replies that fit into half the window, as what
        they reply to), ``candidates``, ``left_out`` (replies that do not fit into the window), ``cache`` (its share),
        ``scores``, ``best_by``, ``worst``; then what was asked, and the credit of each question.

    Raises:
        DataError: there is no reply, or none fits into the window.
        Interrupted: the user asked to stop.
    """
    exchanges = list_exchanges(dialogues)
    reader = ReplyReader(model)
    read = reader.surprise(exchanges, progress)
    askable = [exchange for exchange, _, _ in read if reader.is_askable(exchange)]
    asked = draw_questions(askable, candidates=measures.candidates, most=measures.most, seed=measures.seed)
    candidates = reader.read(asked, askable, measures.seed, progress)
    rated = candidates.rate(measures.cache)
    credits = np.array([retrieval_credit(ratings) for ratings in rated])
    scores: dict[str, dict[str, float | None]] = {"retrieval_accuracy": _accuracy(credits, asked, measures)}
    if measures.cache:
        alone = np.array([retrieval_credit(ratings) for ratings in candidates.rate()])
        scores["retrieval_accuracy_alone"] = _accuracy(alone, asked, measures)
    return (
        {
            "rows": len(read),
            "dialogues": len({exchange.dialogue for exchange, _, _ in read}),
            "questions": len(asked.questions),
            "candidates": max(len(question.candidates) for question in asked.questions),
            "left_out": len(exchanges) - len(read),
            "cache": measures.cache,
            "scores": {**scores, **_language_scores(read, measures)},
            "best_by": model.task.best_by,
            "worst": _list_worst(asked.questions, rated, measures.worst),
        },
        asked,
        credits,
    )


def _accuracy(credits: Floats, asked: Asked, measures: DialogueMeasures) -> dict[str, float | None]:
    return {**retrieval_accuracy(credits, asked.dialogues, measures.resamples, measures.seed).to_dict()}


def _language_scores(
    read: Sequence[tuple[Exchange, float, int]], measures: DialogueMeasures
) -> dict[str, dict[str, float | None]]:
    """Returns perplexity and bits per byte; dialogues are what is drawn again, for their replies hang together."""
    numbers = np.unique([exchange.dialogue for exchange, _, _ in read], return_inverse=True)[1]

    def total(values: Sequence[float]) -> Floats:
        return np.bincount(numbers, weights=np.array(values, dtype=np.float64)).astype(np.float64)

    summed = DocumentSurprisals(
        nats=total([nats for _, nats, _ in read]),
        tokens=total([tokens for _, _, tokens in read]).astype(np.int64),
        words=total([count_words(exchange.reply) for exchange, _, _ in read]).astype(np.int64),
        bytes=total([count_bytes(exchange.reply) for exchange, _, _ in read]).astype(np.int64),
    )
    scores = language_scores(summed, measures.resamples, measures.seed)
    return {name: score_values(scores[name]) for name in ("token_perplexity", "bits_per_byte")}


def _list_worst(questions: Sequence[ReplyChoice], rated: Sequence[Floats], most: int) -> list[dict[str, Any]]:
    """Returns the questions whose chosen candidate is rated furthest above the right one."""
    gaps = np.array([ratings.max() - ratings[0] for ratings in rated])
    return [
        {
            "text": questions[place].said[-1],
            "truth": questions[place].candidates[0],
            "written": questions[place].candidates[int(rated[place].argmax())],
        }
        for place in np.argsort(-gaps, kind="stable")[:most].tolist()
        if gaps[place] > 0
    ]


def evaluate_reply_baselines(
    task: DialogueTask,
    train: Dialogues,
    validation: Dialogues,
    asked: Asked,
    credits: Floats,
    measures: DialogueMeasures,
    progress: Progress,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fits the task's baselines on the training dialogues and asks them the same questions as the model.

    Args:
        task: what is asked.
        train: what the baselines learn from.
        validation: what they choose their settings by.
        asked: the questions.
        credits: what the model reached on each, [questions].
        measures: how candidates and resamples are drawn.
        progress: told how many baselines are measured.

    Returns:
        name → scores, and name → score → the difference between model and baseline, on the same resamples.

    Raises:
        Interrupted: the user asked to stop.
    """
    replies = [exchange.reply for exchange in list_exchanges(train)]
    chosen_by = _questions_of(validation, measures)
    scores, differences = {}, {}
    with progress.bar("baselines", len(task.baselines), "baselines") as bar:
        for name, fit in task.baselines.items():
            stop_if_asked(progress)
            rated = fit(replies, chosen_by).rate(asked.questions)
            theirs = np.array([retrieval_credit(ratings) for ratings in rated])
            scores[name] = {"rows": len(theirs), "scores": {"retrieval_accuracy": _accuracy(theirs, asked, measures)}}
            gap = retrieval_difference(credits, theirs, asked.dialogues, measures.resamples, measures.seed)
            differences[name] = {"retrieval_accuracy": gap.to_dict()}
            bar.advance(1)
    return scores, differences


def _questions_of(dialogues: Dialogues, measures: DialogueMeasures) -> Sequence[ReplyChoice]:
    """Returns questions about validation dialogues; none where there are too few of those."""
    try:
        return draw_questions(
            list_exchanges(dialogues), candidates=measures.candidates, most=measures.most, seed=measures.seed
        ).questions
    except DataError:
        return []
