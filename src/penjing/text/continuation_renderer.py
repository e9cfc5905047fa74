"""Where a text that is to be gone on with becomes token ids: whole, in windows that lose no token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field, model_validator

from penjing.errors import SettingsError
from penjing.hashing import hash_json
from penjing.metrics.language import word_ends
from penjing.text.renderer import RENDERER_VERSION, Rendered, RendererSettings
from penjing.text.tokenizer import Tokenizer

_TEXT = "{text}"


class ContinuationRendererSettings(RendererSettings):
    """How a text that is to be gone on with is laid out as tokens."""

    template: str = Field(_TEXT, description="stays: a text stands between a start and an end token, as in pretraining")
    max_tokens: int = Field(
        256, ge=16, description="longest window in tokens; longer texts are learned in several, and lose nothing"
    )
    cut: Literal["end", "middle", "start"] = Field(
        "start", description="stays: of a beginning that is too long the last words are read"
    )
    rejoin: bool = Field(False, description="stays: a text is learned as it is written")
    prompt_words: int = Field(
        16,
        ge=1,
        description="words at the beginning of a text (characters of Chinese) that are given where a model is asked "
        "to go on, and that an encoder-decoder reads; at most half of the text",
    )

    @model_validator(mode="after")
    def _is_of_whole_texts(self) -> ContinuationRendererSettings:
        if self.template != _TEXT or self.cut != "start" or self.rejoin:
            raise SettingsError(
                "template, cut and rejoin are for rows that are cut, and a text is learned whole, as it is",
                "Leave them out.",
            )
        return self


class Text(NamedTuple):
    """A text of which a part is given.

    Attributes:
        given: what is read first; perhaps nothing.
        rest: what is learned, and measured.
    """

    given: str
    rest: str


@dataclass(frozen=True)
class RenderedText:
    """A text as tokens, to learn from.

    Attributes:
        windows: each with the number of tokens at its beginning that are read alone; every token of the rest is learned
            in exactly one.
        borders: those numbers.
        whole: the tokens of the first window, with those of a given beginning for which it has no room.
    """

    windows: list[Rendered]
    borders: list[int]
    whole: list[int]


def split_beginning(text: str, words: int) -> Text:
    """Returns a text's first words, at most half of them, and the rest of it, spaces and all.

    >>> split_beginning("To be, or not to be", 2)
    Text(given='To be,', rest=' or not to be')
    >>> split_beginning("很好看", 2)
    Text(given='很', rest='好看')
    """
    ends = word_ends(text)
    count = min(words, len(ends) // 2)
    border = ends[count - 1] if count else 0
    return Text(text[:border], text[border:])


class ContinuationRenderer:
    """Lays texts out as token ids.

    A decoder learns a text from its start token on; an encoder-decoder reads the beginning and learns to write the
    rest. Where a text has a continuation of its own, that alone is learned.

    Args:
        tokenizer: cuts text into tokens.
        settings: the longest window, and how long a beginning is.
        reads_first: whether they are for an encoder-decoder.
    """

    def __init__(self, tokenizer: Tokenizer, settings: ContinuationRendererSettings, *, reads_first: bool) -> None:
        self.tokenizer, self.settings, self.reads_first = tokenizer, settings, reads_first
        self._start = list(tokenizer.prompt_start)
        self._close = list(tokenizer.prompt_end or [tokenizer.end_id]) if reads_first else []
        if not reads_first and not self._start:
            self._start = [tokenizer.start_id]

    @property
    def fingerprint(self) -> str:
        """The hash of all that decides which ids a text becomes."""
        return hash_json(
            {
                "tokenizer": self.tokenizer.fingerprint,
                "settings": self.settings.model_dump(mode="json"),
                "reads_first": self.reads_first,
                "version": RENDERER_VERSION,
            }
        )

    def divide(self, texts: Sequence[str], targets: Sequence[str], first_row: int | None = None) -> list[Text]:
        """Returns what is given of each text, and what is learned.

        Args:
            texts: [rows].
            targets: what follows each, [rows]; an empty one: nothing is known beside the text.
            first_row: the number of the first row, where beginnings of many lengths are to be learned from: an
                encoder-decoder is given from one word to twice ``prompt_words``, drawn by the number of the row. None:
                it is given as many as the settings say.
        """
        return [
            self._divide(text, target, None if first_row is None else first_row + place)
            for place, (text, target) in enumerate(zip(texts, targets, strict=True))
        ]

    def _divide(self, text: str, target: str, row: int | None) -> Text:
        if target:
            return Text(text, target)
        if not self.reads_first:
            return Text("", text)
        words = self.settings.prompt_words
        if row is not None:
            words = int(np.random.default_rng(row).integers(1, 2 * words + 1))
        return split_beginning(text, words)

    def render(self, texts: Sequence[Text]) -> list[RenderedText]:
        """Returns each text in windows.

        Tokens are cut, and counted, of a given beginning alone that leaves no room in a window.
        """
        lay_out = self._windows_to_write if self.reads_first else self._windows_to_read
        return [lay_out(*ids) for ids in self._encode(texts)]

    def render_whole(self, texts: Sequence[Text]) -> list[tuple[list[int], int]]:
        """Returns each text as one row, start and end token included, and how many tokens at its beginning are given.

        The start token is given always.
        """
        return [([*self._first, *given, *rest], len(self._first) + len(given)) for given, rest in self._encode(texts)]

    def render_prompts(self, texts: Sequence[str], room: int | None) -> list[Rendered]:
        """Returns the beginnings that a model goes on from; of a longer one the last tokens.

        Args:
            texts: beginnings.
            room: most tokens, special tokens included; None: all.
        """
        marks = len(self._start) + len(self._close)
        rows = []
        for ids in self.tokenizer.encode(list(texts)):
            cut = 0 if room is None else max(0, len(ids) + marks - room)
            read = [*self._start, *ids[cut:], *self._close]
            rows.append(Rendered(read, [False] * len(read), cut))
        return rows

    @property
    def _first(self) -> list[int]:
        return self._start or [self.tokenizer.start_id]

    def _encode(self, texts: Sequence[Text]) -> list[tuple[list[int], list[int]]]:
        """Returns the tokens that are given, and those that are learned, the end token among them."""
        given = self.tokenizer.encode([text.given for text in texts])
        rest = self.tokenizer.encode([text.rest for text in texts])
        return [(before, [*after, self.tokenizer.end_id]) for before, after in zip(given, rest, strict=True)]

    def _windows_to_read(self, given: list[int], rest: list[int]) -> RenderedText:
        """A window that is not the first begins with the last token of the one before it."""
        longest = self.settings.max_tokens
        fits = len(self._start) + len(given) + len(rest) <= longest
        cut = 0 if fits else max(0, len(given) + len(self._start) - longest // 2)
        read, at = [*self._start, *given[cut:]], 0
        windows, borders = [], []
        while at < len(rest):
            learned = rest[at : at + longest - len(read)]
            windows.append(_window(read, learned, cut))
            borders.append(len(read))
            at += len(learned)
            read, cut = learned[-1:], 0
        return RenderedText(windows, borders, [*self._start, *given, *windows[0].ids[borders[0] :]])

    def _windows_to_write(self, given: list[int], rest: list[int]) -> RenderedText:
        """The encoder reads the tokens before those that the decoder writes, as many as fit."""
        longest = self.settings.max_tokens
        room = longest - len(self._start) - len(self._close)
        windows, borders = [], []
        for at in range(0, len(rest), longest):
            before = [*given, *rest[:at]]
            read = [*self._start, *before[-room:], *self._close]
            windows.append(_window(read, rest[at : at + longest], 0 if at else max(0, len(given) - room)))
            borders.append(len(read))
        whole = [*self._start, *given, *self._close, *windows[0].ids[borders[0] :]]
        return RenderedText(windows, borders, whole)


def _window(read: list[int], learned: list[int], cut: int) -> Rendered:
    return Rendered([*read, *learned], [False] * len(read) + [True] * len(learned), cut)
