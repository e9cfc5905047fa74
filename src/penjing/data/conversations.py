"""Dialogues in JSON keyed by conversation, as Topical-Chat has them: who speaks first is the user."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from penjing.data.sources.blocks import read_pieces, read_whole
from penjing.data.sources.encodings import decode_whole
from penjing.data.sources.json_lines import check_surrogates
from penjing.data.sources.source import BATCH_ROWS, Batch, Layout, kind_of, missing_column
from penjing.errors import DataError

_MOST_BYTES = 1 << 30
_PEEKED = 4096  # characters; the first key and what it begins with stand there
_KEYED = re.compile(r'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\{')
_LETTER_OR_NUMBER = re.compile(r"^[A-Za-z]$|\d+")
_TURNS, _SAID, _SPEAKER = "content", "message", "agent"


def read_conversations(file: Path, layout: Layout) -> dict[str, Mapping[str, Any]] | None:
    """Returns the conversations of a file by their keys (Gopalakrishnan et al. 2019); None if it has another layout.

    Of a large file with another layout only the beginning is read.

    Raises:
        DataError: the file is no JSON, too large, or not of its encoding.
    """
    if kind_of(file) != "json" or not _begins_keyed(file, layout):
        return None
    try:
        found = json.loads(decode_whole(read_whole(file, _MOST_BYTES), file, layout))
    except (ValueError, RecursionError):
        return None  # objects one after another, or broken: the reader of tables says what is wrong
    if not all(isinstance(value, Mapping) and isinstance(value.get(_TURNS), list) for value in found.values()):
        return None
    check_surrogates(found, file.name)
    conversations: dict[str, Mapping[str, Any]] = found
    return conversations


def batch_conversations(
    file: Path, conversations: Mapping[str, Mapping[str, Any]], text: str, others: Sequence[str]
) -> Iterator[Batch]:
    """Yields conversations as rows, numbered from 1.

    Args:
        file: that they are from.
        conversations: as `read_conversations` returns them.
        text: the column that holds their messages; whoever does not speak first is the assistant.
        others: further entries of each that are columns.

    Raises:
        RecipeError: the first conversation lacks one of those.
    """
    values = list(conversations.values())
    for name in others:
        if values and name not in values[0]:
            raise missing_column(file, name, values[0])
    size = file.stat().st_size
    for begin in range(0, len(values), BATCH_ROWS):
        some = values[begin : begin + BATCH_ROWS]
        rows = list(range(begin + 1, begin + len(some) + 1))
        columns = {name: [value.get(name) for value in some] for name in others}
        columns[text] = [as_messages(value[_TURNS]) for value in some]
        yield Batch(file, columns, rows, rows, 0 if begin else size)


def are_peers(conversations: Mapping[str, Mapping[str, Any]]) -> bool:
    """Returns whether both sides of conversations are people alike: a letter, or a name that differs by its number.

    Of ``agent_1`` and ``agent_2`` neither is the assistant; ``customer`` and ``support`` are not the same.
    """
    said = chain.from_iterable(value[_TURNS] for value in conversations.values())
    speakers = {turn[_SPEAKER].strip() for turn in said if _is_turn(turn)}
    return len(speakers) > 1 and len({_LETTER_OR_NUMBER.sub("", speaker) for speaker in speakers}) == 1


def as_messages(turns: Sequence[Any]) -> list[Any]:
    """Returns turns as messages with ``role`` and ``content``; what is no turn is left as it is, to be refused."""
    speakers = list(dict.fromkeys(turn[_SPEAKER] for turn in turns if _is_turn(turn)))
    roles = dict(zip(speakers, ("user", "assistant"), strict=False))
    return [
        {"role": roles.get(turn[_SPEAKER], turn[_SPEAKER]), "content": _stripped(turn[_SAID])}
        if _is_turn(turn)
        else turn
        for turn in turns
    ]


def _is_turn(value: Any) -> bool:
    return isinstance(value, Mapping) and _SAID in value and isinstance(value.get(_SPEAKER), str)


def _stripped(said: Any) -> Any:
    return said.strip() if isinstance(said, str) else said


def _begins_keyed(file: Path, layout: Layout) -> bool:
    beginning = ""
    try:
        for piece in read_pieces(file, layout.strict()):
            beginning += piece.text
            if len(beginning) >= _PEEKED:
                break
    except DataError:
        return False  # the reader of tables says what is wrong
    return _KEYED.match(beginning) is not None
