"""Training dialogues once more, as their other side had them, where both are people alike."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from penjing.data.dialogues import iter_dialogues
from penjing.data.keys import normalize_text
from penjing.data.measured import FEWEST_WORDS, count_words
from penjing.data.messages import Message, exchange_sides, take_apart


class OtherSides:
    """Gives training dialogues with their sides exchanged, but for those in which a reply is one that is measured.

    A dialogue may be in a file from both sides. Then the reply of a test dialogue is what the user says in a training
    one, and would be learned word for word.

    Args:
        folder: filled by `penjing.data.dialogues.build_dialogues`.

    Attributes:
        given: how many were given.
        left_out: those left out because a reply of eight words, or more, is one of validation or test.
    """

    def __init__(self, folder: Path) -> None:
        splits = (split for split in ("validation", "test") if (folder / f"{split}.parquet").is_file())
        batches = chain.from_iterable(iter_dialogues(folder, split) for split in splits)
        self._measured = set[str]().union(*_long_replies([*chain.from_iterable(batches)]))
        self.given = self.left_out = 0

    def beside(self, dialogues: Sequence[list[Message]]) -> list[list[Message]]:
        """Returns each dialogue, and after it the same from its other side, where somebody replies there."""
        others, found = [exchange_sides(messages) for messages in dialogues], []
        for messages, other, replies in zip(dialogues, others, _long_replies(others), strict=True):
            found.append(messages)
            if not self._measured.isdisjoint(replies):
                self.left_out += 1
            elif other:
                found.append(other)
                self.given += 1
        return found


def _long_replies(dialogues: Sequence[Sequence[Message]]) -> list[set[str]]:
    """Returns the letters and digits of each dialogue's replies that are in no other by chance, [dialogues]."""
    said = [[reply.content for _, reply in take_apart(messages).exchanges] for messages in dialogues]
    words = iter(count_words([*chain.from_iterable(said)]))
    return [{normalize_text(reply) for reply in replies if next(words) >= FEWEST_WORDS} for replies in said]
