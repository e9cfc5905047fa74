"""The only place where a row becomes token ids: for training, evaluation and serving alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from penjing.errors import RecipeError
from penjing.hashing import hash_json
from penjing.text.contractions import kept_characters, rejoin_contractions
from penjing.text.tokenizer import Tokenizer
from penjing.text.words import Span

RENDERER_VERSION = 1
_PIECE = re.compile(r"\{(\w+)\}|\[(\w+)\]")
T = TypeVar("T")
_MARKS = ("BEGIN", "CLS", "SEP")


class RendererSettings(BaseModel):
    """How a row is laid out as tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    template: str = Field("[CLS]{text}[SEP]", description="special tokens in brackets, columns in braces")
    max_tokens: int = Field(128, ge=4, description="longest row in tokens, special tokens included")
    cut: Literal["end", "middle", "start"] = Field("end", description="which part of a longer text is left out")
    rejoin: bool = Field(
        False, description='put together what the Penn Treebank and its heirs split: "do n\'t" is read as "don\'t"'
    )


@dataclass(frozen=True)
class Rendered:
    """One row as tokens.

    Attributes:
        ids: token ids, special tokens included.
        learned: for each token whether a language model learns to predict it; none for a labelled row, whose label is
            what is learned.
        cut_tokens: how many tokens of the row were left out.
    """

    ids: list[int]
    learned: list[bool]
    cut_tokens: int


@dataclass(frozen=True)
class Origin:
    """Where a token comes from.

    Attributes:
        column: of the row.
        start: its first character in that column.
        end: one past its last.
    """

    column: str
    start: int
    end: int


class RowRenderer(Protocol):
    """What lays rows out for a model that scores labels.

    Attributes:
        tokenizer: cuts text into tokens.
        settings: the longest row, among others.
        columns: of a row that are read.
        fingerprint: the hash of all that decides which ids a row becomes.
    """

    tokenizer: Tokenizer

    @property
    def settings(self) -> RendererSettings: ...

    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def fingerprint(self) -> str: ...

    def render(self, rows: Sequence[Mapping[str, str]]) -> list[Rendered]:
        """Returns each row as tokens; what is too long is cut, and counted."""

    def locate(self, row: Mapping[str, str]) -> list[tuple[int, Origin | None]]:
        """Returns the tokens of a row, as `render` does, each with where it comes from; None: from no column."""


class Renderer:
    """Lays rows out as token ids by a template.

    Args:
        tokenizer: cuts a column's text into tokens.
        settings: template, longest row and where to cut.

    Raises:
        RecipeError: the template has no column, or a special token that is not known.
    """

    def __init__(self, tokenizer: Tokenizer, settings: RendererSettings) -> None:
        self.tokenizer, self.settings = tokenizer, settings
        self._pieces = _parse_template(settings.template)
        self.columns = template_columns(settings.template)

    @property
    def fingerprint(self) -> str:
        """The hash of all that decides which ids a row becomes: tokenizer, template, cutting, version."""
        return hash_json(
            {
                "tokenizer": self.tokenizer.fingerprint,
                "settings": self.settings.model_dump(mode="json"),
                "version": RENDERER_VERSION,
            }
        )

    def render(self, rows: Sequence[Mapping[str, str]]) -> list[Rendered]:
        """Returns each row as tokens; a row over ``max_tokens`` is cut in its longest column, and the cut counted."""
        encoded = {column: self._encode([row[column] for row in rows]) for column in self.columns}
        rendered = []
        for i in range(len(rows)):
            ids, cut_tokens = self._lay_out({column: encoded[column][i] for column in self.columns}, self._mark_ids)
            rendered.append(Rendered(ids, [False] * len(ids), cut_tokens))
        return rendered

    def locate(self, row: Mapping[str, str]) -> list[tuple[int, Origin | None]]:
        """Returns the tokens of a row, as `render` does, each with where it comes from; None for a special token."""
        located: dict[str, list[tuple[int, Origin | None]]] = {
            column: [(token_id, Origin(column, *span)) for token_id, span in self._locate(row[column])]
            for column in self.columns
        }
        tokens, _ = self._lay_out(located, lambda mark: [(token_id, None) for token_id in self._mark_ids(mark)])
        return tokens

    def _encode(self, texts: list[str]) -> list[list[int]]:
        return self.tokenizer.encode([rejoin_contractions(text) for text in texts] if self.settings.rejoin else texts)

    def _locate(self, text: str) -> list[tuple[int, Span]]:
        if not self.settings.rejoin:
            return self.tokenizer.locate(text)
        kept = [*kept_characters(text), len(text)]
        return [
            (token_id, (kept[start], kept[end - 1] + 1 if end > start else kept[start]))
            for token_id, (start, end) in self.tokenizer.locate(rejoin_contractions(text))
        ]

    def _mark_ids(self, mark: str) -> list[int]:
        if mark == "BEGIN":
            return self.tokenizer.prompt_start
        return [self.tokenizer.start_id if mark == "CLS" else self.tokenizer.end_id]

    def _lay_out(self, columns: dict[str, list[T]], mark: Callable[[str], list[T]]) -> tuple[list[T], int]:
        """Returns a row's tokens in the order of the template, and how many were cut."""
        marks = {name: mark(name) for column, name in self._pieces if not column}
        excess = sum(len(marks[name]) for column, name in self._pieces if not column)
        excess += sum(len(columns[column]) for column in self.columns) - self.settings.max_tokens
        cut_tokens = max(0, excess)
        shorten_columns(columns, cut_tokens, self.settings.cut)
        tokens: list[T] = []
        for column, name in self._pieces:
            tokens += columns[column] if column else marks[name]
        return tokens, cut_tokens

    def render_documents(self, texts: list[str]) -> list[Rendered]:
        """Returns whole documents for pretraining, between a start and an end token, never cut.

        Everything but the start token is learned.
        """
        start, end = self.tokenizer.start_id, self.tokenizer.end_id
        documents = ([start, *ids, end] for ids in self._encode(texts))
        return [Rendered(ids, [False] + [True] * (len(ids) - 1), 0) for ids in documents]


def template_columns(template: str) -> tuple[str, ...]:
    """Returns the columns that a template names, in order.

    Raises:
        RecipeError: there is none, or the template holds something that is neither a column nor a special token.
    """
    columns = tuple(column for column, _ in _parse_template(template) if column)
    if not columns:
        raise RecipeError(
            f'the template "{template}" names no column', do='Put a column in braces, as in "[CLS]{text}[SEP]".'
        )
    return columns


def shorten_columns(columns: dict[str, list[T]], excess: int, side: str) -> None:
    """Takes as many tokens from some columns, always from the longest, at the end, the start or in the middle."""
    while excess > 0:
        longest = max(columns, key=lambda column: len(columns[column]))
        others = [len(tokens) for column, tokens in columns.items() if column != longest]
        step = min(excess, max(1, len(columns[longest]) - max(others, default=0)))
        columns[longest] = leave_out(columns[longest], step, side)
        excess -= step


def leave_out(tokens: list[T], excess: int, side: str) -> list[T]:
    """Returns tokens without so many at one side: ``end``, ``start``, or ``middle``."""
    keep = len(tokens) - excess
    if side == "end":
        return tokens[:keep]
    if side == "start":
        return tokens[excess:]
    head = (keep + 1) // 2
    return tokens[:head] + tokens[len(tokens) - (keep - head) :]


def _parse_template(template: str) -> list[tuple[str, str]]:
    """Returns the template as (column, mark) pairs, one of the two empty."""
    pieces, position = [], 0
    for match in _PIECE.finditer(template):
        if template[position : match.start()].strip():
            raise RecipeError(
                f'the template "{template}" holds plain words: "{template[position : match.start()].strip()}"',
                do="Use special tokens in brackets and columns in braces only.",
            )
        column, mark = match.group(1) or "", match.group(2) or ""
        if mark and mark not in _MARKS:
            raise RecipeError(
                f'the template "{template}" has an unknown special token [{mark}]',
                do="Known are [BEGIN], [CLS] and [SEP].",
            )
        pieces.append((column, mark))
        position = match.end()
    if template[position:].strip():
        raise RecipeError(f'the template "{template}" ends in plain words', do='Write it as "[CLS]{text}[SEP]".')
    return pieces
