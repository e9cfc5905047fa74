"""Where items' texts become token ids, and what users had becomes rows of item numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from penjing.hashing import hash_json
from penjing.text.renderer import RENDERER_VERSION, Rendered, Renderer, RendererSettings
from penjing.text.tokenizer import Tokenizer

Numbers = NDArray[np.int64]


class ItemRendererSettings(RendererSettings):
    """How items' texts are laid out as tokens, and how much of a history is read."""

    template: str = Field(
        "{text}",
        description="of an item's text, where no text encoder reads it: columns in braces, special tokens in brackets",
    )
    max_tokens: int = Field(32, ge=4, description="longest text of an item in tokens")
    max_items: int = Field(50, ge=1, description="items of a history that are read: the last ones")


@dataclass(frozen=True)
class HistoryRow:
    """Items in order, each to be guessed from those before it.

    Attributes:
        items: by number, one more than is read.
        given: how many at the beginning are not guessed.
        cut: how many before them are not read.
    """

    items: Numbers
    given: int
    cut: int = 0

    @property
    def rendered(self) -> Rendered:
        """The same as a row of a shard."""
        learned = [False] * self.given + [True] * (len(self.items) - self.given)
        return Rendered(self.items.tolist(), learned, self.cut)


class ItemRenderer:
    """Lays items and histories out.

    Args:
        tokenizer: cuts texts into tokens.
        settings: longest text, longest history.
    """

    def __init__(self, tokenizer: Tokenizer, settings: ItemRendererSettings) -> None:
        self.tokenizer, self.settings = tokenizer, settings
        of_texts = settings.model_dump(include=set(RendererSettings.model_fields))
        self._texts = Renderer(tokenizer, RendererSettings(**of_texts))

    @property
    def fingerprint(self) -> str:
        """The hash of all that decides which ids an item or a history becomes: tokenizer, settings, version."""
        return hash_json(
            {
                "tokenizer": self.tokenizer.fingerprint,
                "settings": self.settings.model_dump(mode="json"),
                "version": RENDERER_VERSION,
            }
        )

    def render_texts(self, texts: Sequence[str]) -> list[Rendered]:
        """Returns the tokens of items' texts; what is too long is cut, and counted."""
        return self._texts.render([{"text": text} for text in texts])

    def last_items(self, history: Numbers) -> Numbers:
        """Returns what is read of a history."""
        return history[-self.settings.max_items :]

    def training_rows(self, items: Numbers) -> list[HistoryRow]:
        """Returns what is learned of a user: each item but the first is guessed once, from those before it in its row.

        Rows are cut from the end, so that the newest items are read with as much before them as there is room for.
        """
        most, rows = self.settings.max_items, []
        for end in range(len(items), 1, -most):
            rows.append(HistoryRow(items[max(0, end - most - 1) : end], given=1))
        return rows

    def question_row(self, history: Numbers, target: int) -> HistoryRow:
        """Returns a history and what came next, which alone is guessed."""
        read = self.last_items(history)
        return HistoryRow(np.append(read, target), given=len(read), cut=len(history) - len(read))
