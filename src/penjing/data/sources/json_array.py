"""JSON (.json): an array of objects, or objects one after another, read object by object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from penjing.data.sources.blocks import Piece, read_pieces
from penjing.data.sources.json_lines import check_keys, check_surrogates, kind_of_value
from penjing.data.sources.source import BATCH_ROWS, Batch, Layout, name_row
from penjing.errors import DataError

_BETWEEN = re.compile(r"[\s,]*")
_SPACE = re.compile(r"\s*")


def read_json(path: Path, wanted: Sequence[str], layout: Layout) -> Iterator[Batch]:
    """Reads the objects of a JSON array, each a row; memory is bounded by the longest.

    Args:
        path: the file.
        wanted: the keys to read; one that a later row lacks is a value that is missing.
        layout: how to read it.

    Raises:
        RecipeError: the first row lacks a key.
        DataError: the file is no JSON of that form, or breaks the rules of UTF-8.
    """
    reader = _Objects(path, layout)
    kept: list[dict[str, Any]] = []
    is_first = True
    rows: list[int] = []
    try:
        for number, value in reader:
            if is_first:
                check_keys(path, wanted, value)
                is_first = False
            kept.append(value)
            rows.append(number)
            if len(kept) >= BATCH_ROWS:
                yield _batch(path, wanted, kept, rows, reader.take_consumed())
                kept, rows = [], []
    except DataError as fault:  # nothing behind broken JSON can be told apart; what came before it is whole
        layout.report(fault)
    yield _batch(path, wanted, kept, rows, reader.take_consumed())


def json_columns(path: Path, layout: Layout) -> list[str]:
    """Returns the keys of the first object of a file.

    Raises: as `read_json`.
    """
    return list(next(iter(_Objects(path, layout)), (1, {}))[1])


def _batch(path: Path, wanted: Sequence[str], kept: list[dict[str, Any]], rows: list[int], consumed: int) -> Batch:
    return Batch(path, {column: [value.get(column) for value in kept] for column in wanted}, rows, rows, consumed)


class _Objects:
    """The objects of a file, with how much of it was read."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self._path, self._layout = path, layout
        self._consumed = 0
        self._text = ""

    def take_consumed(self) -> int:
        """Returns the bytes read since it was asked last."""
        consumed, self._consumed = self._consumed, 0
        return consumed

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yields the rows' numbers with the objects; what is JSON and no row is reported."""
        pieces = read_pieces(self._path, self._layout.strict())
        decoder = json.JSONDecoder()
        self._more(pieces)
        place = _SPACE.match(self._text).end()  # type: ignore[union-attr]
        is_array = self._text[place : place + 1] == "["
        place += is_array
        row = 1
        while True:
            place = _BETWEEN.match(self._text, place).end()  # type: ignore[union-attr]
            if place == len(self._text):
                if self._more(pieces):
                    continue
                if is_array:
                    raise self._broken("the array never ends", row)
                return
            if is_array and self._text[place] == "]":
                place, is_array = self._after_array(place + 1, pieces)
                continue
            if not is_array and self._text[place] == "[":
                place, is_array = place + 1, True
                continue
            try:
                value, end = decoder.raw_decode(self._text, place)
            except (ValueError, RecursionError) as error:
                self._text, place = self._text[place:], 0
                if isinstance(error, json.JSONDecodeError) and self._more(pieces):
                    continue
                raise self._broken(f"this is no JSON ({error})", row) from error
            if self._is_row(value, row, self._text[place:end]):
                yield row, value
            row, place = row + 1, end
            if place > len(self._text) // 2:
                self._text, place = self._text[place:], 0

    def _more(self, pieces: Iterator[Piece]) -> bool:
        """Reads on, twice what waits; returns whether there was more."""
        if len(self._text) > self._layout.max_line_bytes:
            return False
        wanted, parts = len(self._text), [self._text]
        found = False
        for piece in pieces:
            parts.append(piece.text)
            self._consumed += piece.consumed
            found = True
            wanted -= len(piece.text)
            if wanted <= 0:
                break
        self._text = "".join(parts)
        return found

    def _after_array(self, place: int, pieces: Iterator[Piece]) -> tuple[int, bool]:
        """Returns where what follows an array begins; most often that is the end of the file."""
        while True:
            place = _SPACE.match(self._text, place).end()  # type: ignore[union-attr]
            if place < len(self._text) or not self._more(pieces):
                return place, False

    def _is_row(self, value: Any, row: int, written: str) -> bool:
        try:
            if not isinstance(value, dict):
                raise self._broken(f"it is a JSON {kind_of_value(value)}, not an object", row)
            if "\\ud" in written or "\\uD" in written:
                check_surrogates(value, name_row(self._path, row, row))
        except DataError as fault:
            self._layout.report(fault)
            return False
        return True

    def _broken(self, what: str, row: int) -> DataError:
        return DataError(
            what,
            where=name_row(self._path, row, row),
            do='A .json file is an array of rows: [{"text": "…"}, {"text": "…"}]. One object a line is a .jsonl file.',
        )
