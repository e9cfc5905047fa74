"""The table of items: read, checked, each once, with a text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from penjing.data.event_settings import EventData
from penjing.data.plain import plain_value
from penjing.data.sources import Batch, Layout, read_file, source_files
from penjing.errors import DataError


@dataclass
class ItemTable:
    """Items as they stand in their table.

    Attributes:
        texts: item → text, in the order of the table.
        without_text: items that were left out because their text is empty.
        read: how many rows were read.
        duplicates: how many of them repeat a row before.
        files: names of the files.
    """

    texts: dict[str, str] = field(default_factory=dict)
    without_text: set[str] = field(default_factory=set)
    read: int = 0
    duplicates: int = 0
    files: list[str] = field(default_factory=list)


def read_items(settings: EventData) -> ItemTable:
    """Reads the table of items.

    A row that repeats another is left out; one that gives an item another text is refused.

    Raises:
        RecipeError: a file or a column is missing.
        DataError: a row has no item, an item has no text or two, or there are fewer than two items.
    """
    table = ItemTable()
    wanted = list(dict.fromkeys((settings.id, *settings.text_columns)))
    layout = Layout(None, settings.max_line_mb, settings.quotes, encoding=settings.encoding)
    for file in source_files(settings.items):
        table.files.append(file.name)
        for batch in read_file(file, wanted, layout):
            _add(table, batch, settings)
    if len(table.texts) < 2:
        raise DataError(
            f"it holds {len(table.texts)} items with a text, and at least 2 are needed",
            where=settings.items,
            do="Name another table with items under [data].",
        )
    return table


def _add(table: ItemTable, batch: Batch, settings: EventData) -> None:
    for place, (item, cells) in enumerate(_rows(batch, settings)):
        table.read += 1
        if not item:
            raise DataError(
                f'column "{settings.id}" is empty', where=batch.place(place), do="Add the item, or remove the row."
            )
        text = settings.fill_text(cells) if any(cells.values()) else ""
        known = table.texts.get(item, "" if item in table.without_text else None)
        if known == text:
            table.duplicates += 1
        elif known is not None:
            raise DataError(
                f'the item "{item[:40]}" has another text in a row before',
                where=batch.place(place),
                do="Keep one of the two rows.",
            )
        elif text:
            table.texts[item] = text
        elif settings.empty_text == "drop":
            table.without_text.add(item)
        else:
            columns = ", ".join(f'"{column}"' for column in settings.text_columns)
            raise DataError(
                f'the item "{item[:40]}" has no text: {columns} empty',
                where=batch.place(place),
                do='Add the text, or remove the row; in a recipe, empty_text = "drop" under [data] leaves out the item '
                "and its events.",
                setting=("empty_text", "drop"),
            )


def _rows(batch: Batch, settings: EventData) -> Iterator[tuple[str, dict[str, str]]]:
    for place in range(len(batch.rows)):
        cells = {column: plain_value(batch.columns[column][place]) for column in settings.text_columns}
        yield plain_value(batch.columns[settings.id][place]), cells
