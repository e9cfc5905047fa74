"""What a file holds, as far as a recipe must know it: columns, labels, language, how many texts, and how long."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from penjing.data.labels.schema import Column, called, describe_columns, is_guessable, is_label_like
from penjing.data.languages import LanguageFinder
from penjing.data.plain import plain_value
from penjing.data.scripts import UNSPACED_CHARACTER, count_words
from penjing.data.sources import Layout, corpus_files, file_size, group_by_split, read_file, source_files
from penjing.data.sources.aligned import read_aligned
from penjing.data.sources.columns import list_columns
from penjing.data.sources.source import Batch, kind_of
from penjing.data.split_files import addressed_files
from penjing.errors import DataError, MissingExtraError, UsageError
from penjing.pipeline.starting.header import FirstLine, judge_first_line
from penjing.pipeline.starting.naming import MissingColumnError, option_of, refuse_names

MOST_ROWS = 20_000  # of each file that are looked at
_SMALL_BYTES = 32 * 10**6  # a file of no more is counted
_MOST_FILES = 100  # that are looked at
_TEXTS = 2000  # whose length and language are looked at
_TABLE_KINDS = ("csv", "tsv", "jsonl", "json", "parquet", "arrow")
_HEADERLESS_KINDS = ("csv", "tsv")
_UNSPACED_SHARE = 0.3
_SHORTEST_PAIR = 25  # characters of a text, on average, where there are others that are lists
_PAIR_KINDS = ("text", "nested")  # lists of sentences
_LONG_TEXTS = 0.95  # share of the texts that are to fit into a row


@dataclass(frozen=True)
class Table:
    """Tables as they are read.

    Attributes:
        layout: how that is done, with names for their columns if they have no header line.
        columns: what is in them.
        is_unclear: whether their first line, which is taken for names, may be a row.
    """

    layout: Layout
    columns: list[Column]
    is_unclear: bool = False


@dataclass(frozen=True)
class Found:
    """What files of texts hold.

    Attributes:
        files: how many there are.
        rows: about how many they have to learn from.
        columns: names for those of a file without a header line; None where it has one, or no columns.
        text: the column of texts.
        label: that of labels; None where none was looked for.
        target: that of what is written to each text; None where none was looked for.
        labels: the values there, the most frequent first, with their counts in what was looked at.
        language: of most texts, as ISO 639-1 has it.
        words: of a text, on average; of Chinese ones, reckoned from the characters.
        long_words: so many words that 95% of the texts have no more.
        target_language: of most targets.
        long_target_words: so many words that 95% of the targets have no more.
        section: other entries of ``[data]`` that the files need.
        splits: the splits that have files of their own.
        parts: of a model of several tasks, name → what its files hold.
        is_header_unclear: whether the first line, which is taken for the names of the columns, may be a row.
        are_peers: whether dialogues are between two people alike, as far as the names of who speaks tell.
    """

    files: int
    rows: int
    columns: tuple[str, ...] | None
    text: str
    label: str | None
    labels: dict[str, int]
    language: str
    words: float
    long_words: int
    splits: tuple[str, ...]
    target: str | None = None
    target_language: str = ""
    long_target_words: int = 0
    section: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, FoundPart] = field(default_factory=dict)
    is_header_unclear: bool = False
    are_peers: bool = False


@dataclass(frozen=True)
class FoundPart:
    """What the files of one of several tasks hold.

    Attributes:
        task: its name.
        address: of the files.
        found: what they hold.
    """

    task: str
    address: str
    found: Found


def look_at_rows(address: str, text: str | None, label: str | None) -> Found:
    """Returns what labelled rows look like.

    Args:
        address: as ``[data] path`` takes it.
        text: column of the text; None: the one that looks like it.
        label: column of the label, likewise.

    Raises:
        RecipeError: a file is missing.
        DataError: a file cannot be read.
        UsageError: no column looks like a text, or a label.
    """
    learned, splits = learned_files(address)
    table = describe_files(learned)
    columns = table.columns
    chosen = choose_column(columns, text, "text", address), choose_column(columns, label, "label", address)
    values = read_values(learned, list(chosen), table.layout)
    labels = Counter(plain_value(row[1]) for row in values if plain_value(row[1]))
    texts = _texts(values, 0)
    rows = count_rows(learned, table.layout, chosen[0])
    return describe_texts(source_files(address), rows, table, chosen, texts, splits, dict(labels.most_common()))


def learned_files(address: str) -> tuple[list[Path], tuple[str, ...]]:
    """Returns the files to learn from, and the splits that have files of their own.

    Raises:
        RecipeError: a file is missing.
    """
    files = source_files(address)
    groups = group_by_split(files) if len(files) > 1 else {}
    return groups.get("train", files), tuple(sorted(groups))


def look_at_pairs(addresses: Sequence[str], text: str | None, target: str | None, *, longer_first: bool) -> Found:
    """Returns what texts with another text each look like.

    Args:
        addresses: one, of tables with both columns, or two of files of lines, as ``[data] path`` takes them.
        text: column of the text; None: one of the two of the longest texts.
        target: column of what is written to it, likewise.
        longer_first: whether the longer of the two is the text, as in a summary; else the first column is.

    Raises:
        RecipeError: a file is missing.
        DataError: a file cannot be read.
        UsageError: no two columns look like texts.
    """
    sides = addressed_files(addresses)
    if len(sides) > 1:
        refuse_names({"text": text, "target": target}, " and ".join(addresses), "files of lines have no columns")
        first, second = sides[0][0], sides[1][0]
        chosen, layout = ("text", "target"), Layout(encoding="auto")
        values = [list(row) for row in islice(_rows_of(read_aligned(first, second, chosen, layout), chosen), MOST_ROWS)]
        rows = _reckon_rows(read_aligned(first, second, chosen, layout), file_size(first))
        found = describe_texts(sides[0], rows, None, ("text", None), _texts(values, 0), ())
        return describe_targets(found, "target", _texts(values, 1), {})
    files = sides[0]
    groups = group_by_split(files) if len(files) > 1 else {}
    learned = groups.get("train", files)
    table = describe_files(learned)
    chosen = choose_pair(table.columns, text, target, longer_first=longer_first, address=addresses[0])
    values = read_values(learned, list(chosen), table.layout)
    rows, splits = count_rows(learned, table.layout, chosen[0]), tuple(sorted(groups))
    found = describe_texts(files, rows, table, (chosen[0], None), _texts(values, 0), splits)
    return describe_targets(found, chosen[1], _texts(values, 1), {})


def describe_texts(
    files: list[Path],
    rows: int,
    table: Table | None,
    chosen: tuple[str, str | None],
    texts: list[str],
    splits: tuple[str, ...],
    labels: dict[str, int] | None = None,
) -> Found:
    """Returns what some texts look like.

    Args:
        files: that hold them.
        rows: about how many there are.
        table: how they are read; None: not as tables.
        chosen: the columns of the text and of the label.
        texts: some of them.
        splits: that have files of their own.
        labels: the values of the label, with their counts.

    Raises:
        UsageError: there are no texts.
    """
    if not texts:
        raise UsageError("there is no text in it", where=str(files[0]), do="Give a file with some rows.")
    looked = _thinned(texts)
    words = float(np.mean([count_words(text) for text in looked]))
    language, long = _language(looked), _long_words(looked)
    names, is_unclear = (table.layout.columns, table.is_unclear) if table is not None else (None, False)
    found = Found(len(files), rows, names, *chosen, labels or {}, language, words, long, splits)
    return replace(found, is_header_unclear=is_unclear)


def describe_targets(found: Found, target: str | None, texts: list[str], section: Mapping[str, Any]) -> Found:
    """Returns what was found, with what is written to the texts, if anything is, and other entries of ``[data]``."""
    if not texts:
        return replace(found, section=section)
    looked = _thinned(texts)
    long = _long_words(looked)
    return replace(found, target=target, target_language=_language(looked), long_target_words=long, section=section)


def describe_files(files: Sequence[Path]) -> Table:
    """Returns how tables are read, with names for their columns if they have no header line, and what is in those."""
    layout = Layout(encoding="auto")
    columns = describe_columns(files[:1], layout, MOST_ROWS)
    if columns and not any(column.rows for column in columns):
        raise DataError("there is no row", where=files[0].name, do="Put rows into it, or name another file.")
    first = _judge(files[0], columns) if kind_of(files[0]) in _HEADERLESS_KINDS else "names"
    if first == "row":
        roles = {column.name: column.looks_like for column in columns if column.looks_like}
        cells = enumerate(list_columns(files[0], layout), start=1)
        layout = Layout(tuple(roles.get(cell, f"column{number}") for number, cell in cells), encoding="auto")
    if first == "row" or len(files) > 1:
        columns = describe_columns(files, layout, MOST_ROWS)
    return Table(layout, columns, first == "unclear")


def _judge(file: Path, columns: Sequence[Column]) -> FirstLine:
    layout = Layout(encoding="auto")
    label = next((column.name for column in columns if column.looks_like == "label"), None)
    values = {plain_value(row[0]) for row in read_values([file], [label], layout)} if label else set()
    return judge_first_line(list_columns(file, layout), columns, values)


def look_at_texts(address: str, text: str | None) -> Found:
    """Returns what texts without labels look like.

    Args:
        address: as ``[corpus] path`` takes it.
        text: column of the text in tables; None: the one that looks like it.

    Raises:
        RecipeError: a file is missing.
        DataError: a file cannot be read.
        UsageError: no column looks like a text.
    """
    files = corpus_files([address]).files
    tables = [file for file in files if kind_of(file) in _TABLE_KINDS]
    table = describe_files(tables[:1]) if tables else Table(Layout(encoding="auto"), [])
    column = choose_column(table.columns, text, "text", address) if tables else text or "text"
    values = read_values(files, [column], table.layout)
    texts = _texts(values, 0)
    if not texts:
        raise UsageError("there is no text in it", where=address, do="Name files of texts, or the column with --text.")
    return describe_texts(files, count_rows(files, table.layout, column), table, (column, None), texts, ())


def _texts(values: Iterable[Sequence[object]], column: int) -> list[str]:
    """Returns the texts of a column; of a list of sentences, all of them."""
    cells = (row[column] for row in values)
    joined = (" ".join(map(str, cell)) if isinstance(cell, list) else cell for cell in cells)
    return [text for text in joined if isinstance(text, str) and text]


def _thinned(texts: list[str]) -> list[str]:
    return texts[:: max(1, len(texts) // _TEXTS)]


def _long_words(texts: Sequence[str]) -> int:
    return math.ceil(float(np.quantile([count_words(text) for text in texts], _LONG_TEXTS)))


def choose_pair(
    columns: Sequence[Column], text: str | None, target: str | None, *, longer_first: bool, address: str
) -> tuple[str, str]:
    """Returns the columns of a text and of what is written to it: those called so, or else the longest.

    Raises:
        UsageError: there are no two columns of texts.
    """
    known = [column.name for column in columns]
    for name, option in ((text, "text"), (target, "target")):
        if name is not None and name not in known:
            choose_column(columns, name, option, address)
    roles = ("document", "summary") if longer_first else ("source", "translation")
    text = text or _called_so(columns, roles[0], target)
    target = target or _called_so(columns, roles[1], text)
    plain = sum(column.kind == "text" and column.characters > _SHORTEST_PAIR for column in columns)
    kinds = ("text",) if plain > 1 else _PAIR_KINDS
    fitting = [c for c in columns if c.kind in kinds and c.name not in (text, target) and is_guessable(c)]
    likely = sorted(fitting, key=lambda c: -c.characters)[: 2 - (text is not None) - (target is not None)]
    if not longer_first:
        likely.sort(key=lambda column: known.index(column.name))
    left = [column.name for column in likely]
    if len(left) < (text is None) + (target is None):
        raise MissingColumnError(
            f"there are no two columns of texts; its columns are {', '.join(known[:20])}",
            where=address,
            do="Name them with --text and --target, or give two files of lines: --data texts.txt --data targets.txt.",
        )
    return text or left.pop(0), target or left.pop(0)


def _called_so(columns: Sequence[Column], role: str, other: str | None) -> str | None:
    """Returns the column of texts that is called what a role's are, other than one; None where there is none."""
    found = (column for column in called(columns, role, _PAIR_KINDS) if column.name != other)
    return next((column.name for column in found if not is_label_like(column)), None)


def choose_column(columns: Sequence[Column], named: str | None, role: str, address: str) -> str:
    """Returns the column that is named, or else looks like a role.

    Raises:
        UsageError: there is none.
    """
    known = [column.name for column in columns]
    shown = ", ".join(known[:20])
    if named is not None:
        if named not in known:
            raise UsageError(f'there is no column "{named}"', where=address, do=f"Its columns are: {shown}.")
        return named
    found = next((column.name for column in columns if column.looks_like == role), None)
    if found is None:
        raise MissingColumnError(
            f"no column looks like the {role}; its columns are {shown}",
            where=address,
            do=f"Name it with {option_of(role)}.",
        )
    return found


def read_values(files: Sequence[Path], names: list[str], layout: Layout) -> list[list[object]]:
    """Returns some columns of the first rows of files."""

    rows = (islice(_rows_of(read_file(file, names, layout), names), MOST_ROWS) for file in files[:_MOST_FILES])
    return [list(row) for row in islice(chain.from_iterable(rows), 10 * MOST_ROWS)]


def _rows_of(batches: Iterable[Batch], names: Sequence[str]) -> Iterator[tuple[object, ...]]:
    for batch in batches:
        yield from zip(*(batch.columns[name] for name in names), strict=True)


def count_rows(files: Sequence[Path], layout: Layout, column: str) -> int:
    """Returns about how many rows files have."""
    batches = chain.from_iterable(read_file(file, [column], layout) for file in files[:_MOST_FILES])
    return _reckon_rows(batches, sum(map(file_size, files)))


def _reckon_rows(batches: Iterable[Batch], size: int) -> int:
    """Returns about how many rows files of so many bytes have, reckoned from the first ones."""
    rows = read = 0
    for batch in batches:
        rows, read = rows + len(batch.rows), read + batch.consumed
        if rows >= MOST_ROWS and size > _SMALL_BYTES:
            return round(rows * max(1.0, size / max(1, read)))
    return rows


def _language(texts: Sequence[str]) -> str:
    joined = "".join(texts)
    letters = sum(map(str.isalpha, joined))
    unspaced = len(UNSPACED_CHARACTER.findall(joined)) / max(1, letters)
    try:
        finder = LanguageFinder(())
    except MissingExtraError:
        return "zh" if unspaced > _UNSPACED_SHARE else "en"
    guesses = Counter(finder.guess(text).language for text in texts[:300])
    return guesses.most_common(1)[0][0] if guesses else "en"
