"""Replies of dialogues, and the questions which of several replies was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penjing.data.keys import normalize_text
from penjing.data.messages import Message, take_apart
from penjing.errors import DataError
from penjing.tasks.task import ReplyChoice

Dialogues = Sequence[Sequence[Message]]


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
