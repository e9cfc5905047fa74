"""Rows as they become tokens, to be looked at: what is read, what is learned, and what was cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from penjing.text.renderer import Rendered
from penjing.text.tokenizer import Tokenizer

State = Literal["read", "learned", "cut"]
_LONGEST_CHARACTER = 4  # bytes


@dataclass(frozen=True)
class ShownToken:
    """A token of a row; tokens that are a character together only, as one.

    Attributes:
        text: what it says; of a special token, its name.
        state: whether a model reads it, learns to write it, or never sees it.
        is_special: whether it is none of the text.
    """

    text: str
    state: State
    is_special: bool


@dataclass(frozen=True)
class ShownRow:
    """A row of tokens.

    Attributes:
        tokens: in their order, with those that were cut.
        counts: tokens by state.
        answer: the label, where a label is what is learned.
    """

    tokens: list[ShownToken]
    counts: dict[State, int]
    answer: str | None = None


def show_row(tokenizer: Tokenizer, kept: Rendered, whole: Rendered, answer: str | None = None) -> ShownRow:
    """Returns a row as it is learned from, with what was cut in its place.

    Args:
        tokenizer: that made the ids.
        kept: the row as it is learned from.
        whole: the same row, rendered with room for all of it.
        answer: the label, where a label is what is learned.
    """
    states = _states(kept, whole)
    counts: dict[State, int] = {state: states.count(state) for state in ("read", "learned", "cut")}
    return ShownRow(_tokens(tokenizer, whole.ids, states), counts, answer)


def join_rows(rows: Sequence[ShownRow]) -> ShownRow:
    """Returns rows that are read one after the other as one."""
    counts: dict[State, int] = {state: sum(row.counts[state] for row in rows) for state in ("read", "learned", "cut")}
    return ShownRow([token for row in rows for token in row.tokens], counts)


def _states(kept: Rendered, whole: Rendered) -> list[State]:
    """Returns what becomes of each token of the whole row."""
    states: list[State] = []
    for here in _kept_places(kept.ids, whole.ids):
        states.append("cut" if here is None else "learned" if kept.learned[here] else "read")
    return states


def _kept_places(kept: Sequence[int], whole: Sequence[int]) -> list[int | None]:
    """Returns of each token of the whole where it is in what was kept: one stretch was cut, or else several."""
    excess = len(whole) - len(kept)
    for at in range(len(kept) + 1):
        if list(whole[at + excess :]) == list(kept[at:]):
            return [*range(at), *[None] * excess, *range(at, len(kept))]
        if at < len(kept) and whole[at] != kept[at]:
            break
    places: list[int | None] = []
    position = 0
    for token_id in whole:
        fits = position < len(kept) and token_id == kept[position]
        places.append(position if fits else None)
        position += fits
    return places


def _tokens(tokenizer: Tokenizer, ids: Sequence[int], states: Sequence[State]) -> list[ShownToken]:
    shown: list[ShownToken] = []
    begun: list[int] = []
    special = tokenizer.added_ids  # with the marks of a chat template, and sentinels
    for number, (token_id, state) in enumerate(zip(ids, states, strict=True)):
        if token_id in special:
            shown.append(ShownToken(tokenizer.token(token_id), state, True))
            continue
        begun.append(token_id)
        goes_on = number + 1 < len(ids) and states[number + 1] == state and ids[number + 1] not in special
        text = tokenizer.decode(begun)
        if text.endswith("\ufffd") and goes_on and len(begun) < _LONGEST_CHARACTER:
            continue  # a part of a character
        shown.append(ShownToken(text, state, False))
        begun = []
    return shown
