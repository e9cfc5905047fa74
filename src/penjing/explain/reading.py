"""A text as a model reads it: which token belongs to which word, and what is left when words are deleted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penjing.errors import DataError
from penjing.text.renderer import RowRenderer
from penjing.text.spans import find_words
from penjing.text.words import Span


@dataclass(frozen=True)
class Reading:
    """One text, its words and its tokens.

    Attributes:
        text: the text.
        words: spans of its words, in order.
        ids: its token ids as the model gets them, special tokens included.
        shares: which part of each token belongs to each word, by characters, [words, tokens]; the column of a token
            adds up to 1, that of a special token to 0.
        unknown_id: stands for a text of which nothing is left.
    """

    text: str
    words: tuple[Span, ...]
    ids: tuple[int, ...]
    shares: NDArray[np.float64]
    unknown_id: int

    @property
    def is_word(self) -> NDArray[np.bool_]:
        """Whether each token stands for a part of the text, [tokens]."""
        return np.asarray(self.shares.any(axis=0))

    @property
    def is_read(self) -> NDArray[np.bool_]:
        """Whether the model reads anything of each word, [words]."""
        return np.asarray(self.shares.any(axis=1))

    def keep(self, kept: NDArray[np.bool_]) -> list[int]:
        """Returns the tokens left when only some words [words] are kept; special tokens stay.

        A token across several words goes when more than half of it does. Where nothing at all would be left, it is one
        unknown token.
        """
        deleted_share = self.shares[~kept].sum(axis=0)  # [tokens]
        left = [token_id for token_id, share in zip(self.ids, deleted_share, strict=True) if share <= 0.5]
        return left or [self.unknown_id]


def read_text(renderer: RowRenderer, text: str) -> Reading:
    """Lays a text out as the model reads it.

    Raises:
        DataError: there is no word in the text, or none that the tokenizer keeps.
    """
    column = renderer.columns[0]
    tokens = renderer.locate({column: text})
    words = find_words(text)
    shares = np.zeros((len(words), len(tokens)))
    starts = np.array([start for start, _ in words], dtype=np.int64)
    for i, (_, origin) in enumerate(tokens):
        if origin is None:
            continue
        first = max(int(np.searchsorted(starts, origin.start, side="right")) - 1, 0)
        for number in range(first, len(words)):
            start, end = words[number]
            if start >= origin.end:
                break
            shares[number, i] = max(0, min(end, origin.end) - max(start, origin.start))
    covered = shares.sum(axis=0)
    shares /= np.where(covered > 0, covered, 1)
    if not shares.any():
        raise DataError(
            "the model reads no word of this text, so there is nothing to explain",
            where=repr(text[:60]),
            do="Give a text with at least one word.",
        )
    return Reading(text, tuple(words), tuple(token_id for token_id, _ in tokens), shares, renderer.tokenizer.unknown_id)


def parts_not_read(reading: Reading) -> tuple[Span, ...]:
    """Returns the stretches of the text whose words the model did not read, (start, end)."""
    parts: list[Span] = []
    for i, (start, end) in enumerate(reading.words):
        if reading.is_read[i]:
            continue
        follows = i > 0 and not reading.is_read[i - 1]
        parts[-1:] = [(parts[-1][0], end)] if follows else [*parts[-1:], (start, end)]
    return tuple(parts)
