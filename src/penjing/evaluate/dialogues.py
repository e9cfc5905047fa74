"""Scores of a model that replies, with 95% intervals, beside baselines fitted on the training dialogues.

Perplexity and bits per byte are of the replies, each given what was said before, the token that ends it included. The
retrieval accuracy is how often the reply that was given has a higher log-probability per token than replies from other
dialogues.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penjing.data.keys import normalize_text
from penjing.data.messages import Message, take_apart
from penjing.errors import DataError
from penjing.inference.choosing import average_by_length, measure_choices
from penjing.metrics.language import DocumentSurprisals, count_bytes, count_words, language_scores, score_values
from penjing.metrics.retrieval import retrieval_accuracy, retrieval_credit, retrieval_difference
from penjing.progress import Progress, stop_if_asked
from penjing.tasks.dialogue_model import DialogueModel
from penjing.tasks.task import DialogueTask, ReplyChoice

Dialogues = Sequence[Sequence[Message]]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Exchange:
    """A reply with what was said before it.

    Attributes:
        dialogue: the number of the dialogue.
        before: the messages before the reply.
        reply: what the assistant said.
    """

    dialogue: int
    before: Sequence[Message]
    reply: str

    @property
    def said(self) -> list[str]:
        """What both said before, turn by turn, without the system prompt."""
        return [message.content for message in self.before if message.role != "system"]


@dataclass(frozen=True)
class Asked:
    """Exchanges that are asked about, each with its candidates, its own reply first."""

    exchanges: Sequence[Exchange]
    questions: Sequence[ReplyChoice]

    @property
    def dialogues(self) -> NDArray[np.int64]:
        """The number of the dialogue of each, [questions]."""
        return np.array([exchange.dialogue for exchange in self.exchanges], dtype=np.int64)


def list_exchanges(dialogues: Dialogues) -> list[Exchange]:
    """Returns the replies of dialogues, each with what was said before."""
    found = []
    for number, messages in enumerate(dialogues):
        dialogue = take_apart(messages)
        before = list(dialogue.system)
        for asked, reply in dialogue.exchanges:
            found.append(Exchange(number, [*before, asked], reply.content))
            before += [asked, reply]
    return found


def draw_questions(exchanges: Sequence[Exchange], *, candidates: int, most: int, seed: int) -> Asked:
    """Returns questions: exchanges drawn evenly, each with replies of other dialogues beside its own.

    Candidates differ in their letters and digits. Where there are too few replies, a question has fewer candidates.

    Args:
        exchanges: among whose replies is drawn.
        candidates: of a question, the right one among them.
        most: how many questions.
        seed: of the draw.

    Raises:
        DataError: there are no two different replies of two dialogues.
    """
    keys = [normalize_text(exchange.reply) for exchange in exchanges]
    owners: dict[str, set[int]] = {}
    texts: dict[str, str] = {}
    for key, exchange in zip(keys, exchanges, strict=True):
        owners.setdefault(key, set()).add(exchange.dialogue)
        texts.setdefault(key, exchange.reply)
    pool = list(texts)
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(exchanges))[:most]).tolist()
    kept, questions = [], []
    for place in chosen:
        exchange, others = exchanges[place], list[str]()
        for number in rng.permutation(len(pool)).tolist():
            if pool[number] != keys[place] and exchange.dialogue not in owners[pool[number]]:
                others.append(texts[pool[number]])
                if len(others) == candidates - 1:
                    break
        if others:
            kept.append(exchange)
            questions.append(ReplyChoice(exchange.said, [exchange.reply, *others]))
    if not questions:
        raise DataError(
            "there are no two dialogues with different replies to choose among",
            do="Give at least two dialogues that differ.",
        )
    return Asked(kept, questions)


@dataclass(frozen=True)
class DialogueMeasures:
    """How a model is measured.

    Attributes:
        candidates: replies that it chooses among.
        most: questions that are asked at most.
        resamples: bootstrap resamples behind each interval.
        worst: how many of the choices are listed that are furthest from right.
        seed: of candidates and resamples.
    """

    candidates: int = 20
    most: int = 1000
    resamples: int = 1000
    worst: int = 20
    seed: int = 0


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
        they reply to), ``candidates``, ``left_out`` (replies that do not fit into the window), ``scores``, ``best_by``,
        ``worst``; then what was asked, and the credit of each question.

    Raises:
        DataError: there is no reply, or none fits into the window.
        Interrupted: the user asked to stop.
    """
    exchanges = list_exchanges(dialogues)
    reader = _Reader(model)
    with progress.bar("replies", len(exchanges), "replies") as bar:
        read = []
        for exchange in exchanges:
            stop_if_asked(progress)
            if (nats := reader.surprisal(exchange)) is not None:
                read.append((exchange, *nats))
            bar.advance(1)
    if not read:
        raise DataError(
            "no reply fits into the model's window with what it replies to",
            do="Give shorter dialogues, or train with a larger [render] max_tokens.",
        )
    askable = [exchange for exchange, _, _ in read if reader.is_askable(exchange)]
    asked = draw_questions(askable, candidates=measures.candidates, most=measures.most, seed=measures.seed)
    rated = []
    with progress.bar("retrieval", len(asked.questions), "questions") as bar:
        for exchange, question in zip(asked.exchanges, asked.questions, strict=True):
            stop_if_asked(progress)
            rated.append(reader.rate(exchange, question))
            bar.advance(1)
    credits = np.array([retrieval_credit(ratings) for ratings in rated])
    accuracy = retrieval_accuracy(credits, asked.dialogues, measures.resamples, measures.seed)
    scores = {"retrieval_accuracy": accuracy.to_dict(), **_language_scores(read, measures)}
    return (
        {
            "rows": len(read),
            "dialogues": len({exchange.dialogue for exchange, _, _ in read}),
            "questions": len(asked.questions),
            "candidates": max(len(question.candidates) for question in asked.questions),
            "left_out": len(exchanges) - len(read),
            "scores": scores,
            "best_by": model.task.best_by,
            "worst": _list_worst(asked.questions, rated, measures.worst),
        },
        asked,
        credits,
    )


class _Reader:
    """Says how probable replies are; tokens of a reply are looked up once."""

    def __init__(self, model: DialogueModel) -> None:
        self._model, self._replies = model, dict[str, list[int]]()

    def surprisal(self, exchange: Exchange) -> tuple[float, int] | None:
        """Returns the nats of a reply, its end included, and its tokens; None where it does not fit."""
        reply = self._ids(exchange.reply)
        try:
            prompt = self._model.renderer.render_prompt(exchange.before, len(reply))
        except DataError:
            return None
        return -float(self._measure(prompt.ids, [reply])[0]), len(reply)

    def is_askable(self, exchange: Exchange) -> bool:
        """Whether a reply, and what it replies to, fit into half a window each: then any candidate does."""
        half = self._model.renderer.max_tokens // 2
        try:
            self._model.renderer.render_prompt(exchange.before, half)
        except DataError:
            return False
        return len(self._ids(exchange.reply)) <= half

    def rate(self, exchange: Exchange, question: ReplyChoice) -> Floats:
        """Returns the log-probability per token of each candidate after what was said."""
        replies = [self._ids(text) for text in question.candidates]
        tokens = np.array([len(reply) for reply in replies])
        prompt = self._model.renderer.render_prompt(exchange.before, int(tokens.max()))
        return average_by_length(self._measure(prompt.ids, replies), tokens)

    def _measure(self, prompt: list[int], replies: list[list[int]]) -> Floats:
        network, pad_id = self._model.network, self._model.renderer.tokenizer.pad_id
        measured: Floats = measure_choices(network, [prompt], replies, pad_id)[0]
        return measured

    def _ids(self, reply: str) -> list[int]:
        if reply not in self._replies:
            self._replies[reply] = self._model.renderer.render_reply(reply)
        return self._replies[reply]


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
            accuracy = retrieval_accuracy(theirs, asked.dialogues, measures.resamples, measures.seed)
            scores[name] = {"rows": len(theirs), "scores": {"retrieval_accuracy": accuracy.to_dict()}}
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
