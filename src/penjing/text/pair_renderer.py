"""Where a pair of texts becomes token ids: one that is read, and one that is to be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import Field

from penjing.hashing import hash_json
from penjing.text.renderer import RENDERER_VERSION, Rendered, Renderer, RendererSettings
from penjing.text.tokenizer import Tokenizer


class PairRendererSettings(RendererSettings):
    """How a text, and what is to be written to it, are laid out as tokens."""

    template: str = Field(
        "[BEGIN]{text}[SEP]",
        description="of what is read: special tokens in brackets, columns in braces; [BEGIN] is what the tokenizer "
        "itself sets before a text, perhaps nothing",
    )
    target: str = Field("{target}[SEP]", description="of what is written; it should end with the end token")
    max_target_tokens: int = Field(
        128, ge=4, description="longest text to be written, in tokens, special tokens included"
    )


@dataclass(frozen=True)
class RenderedPair:
    """A pair as tokens.

    Attributes:
        read: what is read.
        written: what is to be written, all of it learned.
    """

    read: Rendered
    written: Rendered

    @property
    def as_learned(self) -> Rendered:
        """What is written, all of it to be learned."""
        return Rendered(self.written.ids, [True] * len(self.written.ids), self.written.cut_tokens)

    @property
    def joined(self) -> Rendered:
        """Both one after the other, of which what is written is learned."""
        return Rendered(
            self.read.ids + self.written.ids,
            [False] * len(self.read.ids) + [True] * len(self.written.ids),
            self.read.cut_tokens + self.written.cut_tokens,
        )


class RowRenderer(Protocol):
    """Lays rows out as token ids."""

    def render(self, rows: Sequence[Mapping[str, str]]) -> list[Rendered]:
        """Returns each row as tokens."""


class PairRenderer:
    """Lays pairs out as token ids by two templates.

    Args:
        tokenizer: cuts text into tokens.
        settings: the templates, and where to cut.

    Raises:
        RecipeError: a template has no column, or a special token that is not known.
    """

    def __init__(self, tokenizer: Tokenizer, settings: PairRendererSettings) -> None:
        self.tokenizer, self.settings = tokenizer, settings
        of_read = settings.model_dump(include=set(RendererSettings.model_fields))
        self._read: RowRenderer = Renderer(tokenizer, RendererSettings(**of_read))
        of_written = RendererSettings(template=settings.target, max_tokens=settings.max_target_tokens)
        self._written = Renderer(tokenizer, of_written)

    @property
    def fingerprint(self) -> str:
        """The hash of all that decides which ids a pair becomes: tokenizer, templates, cutting, version."""
        return hash_json(
            {
                "tokenizer": self.tokenizer.fingerprint,
                "settings": self.settings.model_dump(mode="json"),
                "version": RENDERER_VERSION,
            }
        )

    def render(self, rows: Sequence[Mapping[str, str]]) -> list[RenderedPair]:
        """Returns each row, with the columns ``text`` and ``target``, as tokens; what is too long is cut, and counted.

        What is written is cut at its end, and ends with the end token all the same.
        """
        return list(map(RenderedPair, self._read.render(rows), self._written.render(rows)))

    def render_texts(self, texts: Sequence[str]) -> list[Rendered]:
        """Returns what is read of each text."""
        return self._read.render([{"text": text} for text in texts])
