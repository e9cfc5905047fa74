"""What files of events of users with items hold, as far as a recipe must know it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from penjing.data.column_names import named as called_so
from penjing.data.labels.schema import Column
from penjing.data.plain import plain_value
from penjing.data.sources import source_files
from penjing.errors import UsageError
from penjing.pipeline.starting.columns import find_columns
from penjing.pipeline.starting.looking import (
    Found,
    choose_column,
    count_rows,
    describe_files,
    describe_targets,
    describe_texts,
    learned_files,
    read_values,
)
from penjing.pipeline.starting.naming import MissingColumnError

_OF_EVENTS = ("user", "item", "time")
_USUAL = {**dict(zip(_OF_EVENTS, _OF_EVENTS, strict=True)), "id": "item"}
_MOST_COLUMNS = 3  # of an item's text
_IN_BRACES = re.compile(r"\{([^{}]+)\}")


def look_at_events(addresses: Sequence[str], named: Mapping[str, str]) -> Found:
    """Returns what events of users with items look like.

    Args:
        addresses: of the table of events, then of that of items; of RecBole's files the second is found.
        named: setting of ``[data]`` → column: ``user``, ``item`` and ``time`` in the events, ``id`` in the table of
            items, and ``text``, which may also be several columns of that table in braces; others are found by their
            names.

    Raises:
        RecipeError: a file is missing.
        DataError: a file cannot be read.
        UsageError: there is no table of items, or a column is not found.
    """
    events, items = addresses[0], addresses[1] if len(addresses) > 1 else _beside(addresses[0])
    files, splits = learned_files(events)
    table = describe_files(files)
    of_events = {key: named[key] for key in _OF_EVENTS if key in named}
    names = find_columns(table.columns, _OF_EVENTS, of_events, events)
    described = describe_files(source_files(items))
    names["id"] = _identify(described.columns, named, items)
    shown = _written(described.columns, named["text"], items) if "text" in named else ()
    shown = shown or _describing(described.columns, names["id"])
    text = named.get("text", "")
    section: dict[str, Any] = {"items": items}
    section |= {key: name for key, name in names.items() if name != _USUAL[key]}
    section["text"] = text if _IN_BRACES.search(text) else " ".join(f"{{{name}}}" for name in shown)
    values = read_values(source_files(items), shown, described.layout)
    texts = [joined for row in values if (joined := " ".join(map(plain_value, row)).strip())]
    rows = count_rows(files, table.layout, names["item"])
    found = describe_texts(files, rows, table, ("text", None), texts, splits)
    return describe_targets(found, None, [], section)


def _identify(columns: Sequence[Column], named: Mapping[str, str], address: str) -> str:
    """Returns the column of the items in their table: one that is called as that of the events is named, if any."""
    if "id" not in named and named.get("item") in {column.name for column in columns}:
        return named["item"]
    given = {"item": named["id"]} if "id" in named else {}
    try:
        return find_columns(columns, ("item",), given, address)["item"]
    except MissingColumnError as error:
        raise MissingColumnError(error.what, where=error.where, do="Name it with --id, or call it item.") from error


def _written(columns: Sequence[Column], text: str, address: str) -> list[str]:
    """Returns the columns that an item's text is made of, each once: those in braces, or the one that is named."""
    names = dict.fromkeys(_IN_BRACES.findall(text) or [text])
    return [choose_column(columns, name, "text", address) for name in names]


def _beside(events: str) -> str:
    """Returns RecBole's table of the items of its events."""
    items = re.sub(r"\.inter\b", ".item", events)
    if items != events and Path(items).is_file():
        return items
    raise UsageError(
        "the table of the items is missing",
        where="penjing new recommend",
        do="Give it too: --data events.csv --data items.csv, with the items' ids and texts.",
    )


def _describing(columns: Sequence[Column], key: str) -> list[str]:
    """Returns the columns that say what an item is: its title, and other texts."""
    texts = [c.name for c in columns if c.kind == "text" and c.name != key and not c.is_address]
    titles = called_so(texts, "title")
    texts.sort(key=lambda name: name not in titles)
    return texts[:_MOST_COLUMNS] or [key]
