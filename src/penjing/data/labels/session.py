"""A person labelling: which text is asked next, what was answered, and the model that learns from it meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType

import numpy as np

from penjing.data.labels.answers import Answer, AnswerFile, now
from penjing.data.labels.asking import BATCH, Ints, TextSpace, choose_batch
from penjing.data.labels.questions import Order, Question
from penjing.errors import UsageError

_AHEAD = 2 * BATCH  # questions chosen at once: those beyond a batch are asked while the model learns


@dataclass(frozen=True)
class State:
    """How far the labelling is.

    Attributes:
        answered: texts with an answer.
        total: texts there are.
        skipped: texts that were skipped and have no answer.
        labels: answers of each label.
    """

    answered: int
    total: int
    skipped: int
    labels: dict[str, int]


class LabelSession:
    """Asks and writes down; several threads may use it.

    Args:
        questions: all texts.
        labels: that can be chosen.
        answers: where answers go; those in it count.
        order: in which questions are asked.
        space: the questions as a model sees them; None: they are asked in the order given.
        seed: decides what is drawn.
    """

    def __init__(
        self,
        questions: Sequence[Question],
        labels: Sequence[str],
        answers: AnswerFile,
        order: Order,
        space: TextSpace | None,
        seed: int = 0,
    ) -> None:
        self.questions, self.labels, self.order = questions, list(labels), order
        self._answers, self._space, self._seed = answers, space, seed
        self._place = {question.id: place for place, question in enumerate(questions)}
        self._suspects = frozenset(order.first)
        self._lock = threading.RLock()
        self._skipped: dict[int, None] = {}
        self._chosen: list[int] = list(order.chosen) if space is None else []
        self._worker = ThreadPoolExecutor(1)
        self._learning: Future[list[int]] | None = None
        self._learned_at = -BATCH

    def state(self) -> State:
        """Returns how far the labelling is."""
        with self._lock:
            counts = self._answers.log.counts()
            answered = sum(key in self._place for key in self._answers.log.labels)
            labels = {label: counts[label] for label in self.labels}
            return State(answered, len(self.questions), len(self._skipped), labels)

    def answer_of(self, key: str) -> str | None:
        """Returns the answer to a text, if it has one."""
        return self._answers.log.labels.get(key)

    def is_suspected(self, key: str) -> bool:
        """Whether the label that a text has in its file is likely wrong."""
        return self._place[key] in self._suspects

    def question(self, key: str) -> Question:
        """Returns a question by its id.

        Raises:
            UsageError: there is none.
        """
        if key not in self._place:
            raise UsageError(f'there is no text "{key}"', do="Reload the page.")
        return self.questions[self._place[key]]

    def answer(self, key: str, label: str) -> None:
        """Writes an answer down; it is on the disk when this returns.

        Raises:
            UsageError: there is no such text or label.
            DiskFullError: the disk has no room.
        """
        question = self.question(key)
        if label not in self.labels:
            raise UsageError(f'"{label}" is none of the labels', do="Reload the page.")
        with self._lock:
            self._answers.append(Answer(question.id, question.file, question.row, label, now()))
            self._skipped.pop(self._place[key], None)

    def skip(self, key: str) -> None:
        """Lets a text wait until all others have been asked about.

        Raises:
            UsageError: there is no such text.
        """
        self.question(key)
        with self._lock:
            if key not in self._answers.log.labels:
                place = self._place[key]
                self._skipped.pop(place, None)
                self._skipped[place] = None

    def undo(self) -> Question | None:
        """Takes the last answer back, and returns the text that it was about; None where there is none."""
        with self._lock:
            line = self._answers.log.undoing()
            if line is None:
                return None
            self._answers.append(line)
            return self.questions[self._place[line.id]] if line.id in self._place else None

    def next(self) -> Question | None:
        """Returns the next question; None when all are answered. The skipped ones come last."""
        with self._lock:
            for place in self._in_order():
                if not self._is_answered(place) and place not in self._skipped:
                    return self.questions[place]
            return next((self.questions[place] for place in self._skipped if not self._is_answered(place)), None)

    def _in_order(self) -> Iterator[int]:
        yield from self.order.first
        yield from self._choose()
        yield from self.order.last

    def _is_answered(self, place: int) -> bool:
        return self.questions[place].id in self._answers.log.labels

    def _waiting(self) -> list[int]:
        return [place for place in self.order.chosen if not self._is_answered(place) and place not in self._skipped]

    def _choose(self) -> list[int]:
        """Returns what is chosen to be asked; learns anew after a batch of answers, and waits where nothing is left."""
        if self._space is None:
            return self._chosen
        answered = len(self._answers.log.labels)
        if self._learning is None and answered - self._learned_at >= BATCH:
            self._learn(answered)
        if self._learning is not None and self._learning.done():
            self._take()
        open_ = [place for place in self._chosen if not self._is_answered(place) and place not in self._skipped]
        if not open_ and self._waiting():
            if self._learning is None:
                self._learn(answered)
            self._take()
        return self._chosen

    def _learn(self, answered: int) -> None:
        """Starts to choose anew, from all that is known now."""
        assert self._space is not None
        known = {place: question.label for place, question in enumerate(self.questions) if question.label}
        known |= {self._place[key]: label for key, label in self._answers.log.labels.items() if key in self._place}
        classes = {place: self.labels.index(label) for place, label in known.items() if label in self.labels}
        waiting = np.array(self._waiting(), dtype=np.int64)
        self._learned_at = answered
        self._learning = self._worker.submit(_choose, self._space, classes, waiting, self._seed)

    def _take(self) -> None:
        assert self._learning is not None
        self._chosen = self._learning.result()
        self._learning = None

    def __enter__(self) -> LabelSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._worker.shutdown(wait=True, cancel_futures=True)


def _choose(space: TextSpace, classes: dict[int, int], waiting: Ints, seed: int) -> list[int]:
    chosen: list[int] = choose_batch(space, classes, waiting, seed, _AHEAD).tolist()
    return chosen
