"""Events of users with items: read, checked, put in order, and the last of each user kept to measure on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from penjing.data.event_settings import EventData
from penjing.data.items import ItemTable, read_items
from penjing.data.labels.times import parse_time
from penjing.data.plain import plain_value
from penjing.data.rows import cell_test
from penjing.data.sources import Batch, read_file, source_files
from penjing.errors import DataError
from penjing.files import disk_errors, write_json
from penjing.progress import Progress, stop_if_asked

COUNTS = "counts.json"
ITEMS, COLD_ITEMS, USERS, COLD_QUESTIONS = "items.parquet", "cold_items.parquet", "users.parquet", "cold.parquet"
HELD_OUT = 2  # of each user: the last event to test, the one before to choose by
_FEWEST = HELD_OUT + 1
_OF_ITEMS = pa.schema([("id", pa.string()), ("text", pa.string()), ("count", pa.int64())])
_OF_USERS = pa.schema([("user", pa.string()), ("items", pa.list_(pa.int32()))])
_OF_COLD = pa.schema(
    [("user", pa.string()), ("items", pa.list_(pa.int32())), ("target", pa.int32()), ("seen", pa.list_(pa.int32()))]
)


def build_events(settings: EventData, seed: int, out: Path, progress: Progress) -> dict[str, Any]:
    """Fills a folder with ``items.parquet``, ``users.parquet`` and ``counts.json``, all in memory.

    A user's events are put in order of time; those of one time stay in the order of the files and rows. Of several
    events of a user with one item the first counts. A user's last event is there to test and the one before to choose
    by (leave-one-out); a user with fewer than three is only learned from. With ``cold`` a share of the items is taken
    out of all events, and ``cold.parquet`` asks each user about the last of them, given what came before.

    Args:
        settings: where the events and items are, and what they look like.
        seed: decides which items are cold.
        out: an existing, empty folder.
        progress: told how far the reading is.

    Returns:
        What ``counts.json`` holds.

    Raises:
        RecipeError: a file or a column is missing.
        DataError: a row cannot be used, or there are too few events.
        DiskFullError: the disk has no room.
        Interrupted: the user asked to stop.
    """
    table = read_items(settings)
    reader = _Reader(settings, table)
    files = reader.read(progress)
    events = reader.sorted_events()
    build = _Build(events, list(table.texts), settings, seed)
    with disk_errors(out):
        build.write(table, list(reader.users), out)
        counts = {**reader.counts(), **build.counts()}
        counts["files"] = {"train": files, "items": table.files}
        write_json(out / COUNTS, counts)
    return counts


@dataclass(frozen=True)
class Sequences:
    """Who had what.

    Attributes:
        items: of each user who has some, in order, by their numbers in the table of items, from 1, [users][items].
        read: how many events were read.
        left_out: why → how many of them were left out.
        lost_users: how many users have no event that is left.
    """

    items: list[NDArray[np.int64]]
    read: int
    left_out: dict[str, int]
    lost_users: int


def read_sequences(settings: EventData, progress: Progress) -> Sequences:
    """Returns the items of each user.

    What is left out, and what is refused, is as in `build_events`; nothing is cold.
    """
    reader = _Reader(settings, read_items(settings))
    reader.read(progress)
    items = [items + 1 for items in reader.sorted_events().by_user().values()]
    counts = reader.counts()
    return Sequences(items, counts["read"], counts["left_out"], len(reader.met - reader.users.keys()))


@dataclass(frozen=True)
class _Events:
    """Events by user and time.

    Attributes:
        users: number of the user of each, [events].
        items: number of the item of each, [events].
    """

    users: NDArray[np.int64]
    items: NDArray[np.int64]

    def take(self, kept: NDArray[Any]) -> _Events:
        return _Events(self.users[kept], self.items[kept])

    def by_user(self) -> dict[int, NDArray[np.int64]]:
        """Returns the items of each user who has some, in order."""
        numbers, starts = np.unique(self.users, return_index=True)
        return dict(zip(numbers.tolist(), np.split(self.items, starts[1:]), strict=True)) if len(numbers) else {}


class _Reader:
    """Reads events, and counts what is left out.

    Args:
        settings: what is read.
        table: the items that there are.

    Attributes:
        users: number of each user with an event that counts.
        met: users with an event, whether it counts or not.
    """

    def __init__(self, settings: EventData, table: ItemTable) -> None:
        self.wanted = list(dict.fromkeys((settings.user, settings.item, settings.time, *settings.where)))
        self.users: dict[str, int] = {}
        self.met: set[str] = set()
        self._settings, self._table = settings, table
        self._numbers = {item: number for number, item in enumerate(table.texts)}
        self._tests = {column: cell_test(value) for column, value in settings.where.items()}
        self._removed = frozenset(settings.removed)
        self._found: list[tuple[int, int]] = []
        self._times: list[float] = []
        self._first_time: tuple[str, str, str] | None = None  # its kind, the cell, and where it stands
        self._read = 0
        self._left_out = dict.fromkeys(("filtered", "removed", "unknown_items", "without_text"), 0)

    def read(self, progress: Progress) -> list[str]:
        """Reads all files, and returns their names."""
        files = source_files(self._settings.path)
        with progress.bar("reading", sum(file.stat().st_size for file in files), "bytes") as bar:
            for file in files:
                for batch in read_file(file, self.wanted, self._settings.layout):
                    stop_if_asked(progress)
                    self.add(batch)
                    bar.advance(batch.consumed)
        return [file.name for file in files]

    def add(self, batch: Batch) -> None:
        """Reads the events of a batch.

        Raises:
            DataError: a cell is empty, is no time or one of another kind, or is an item that is not known.
        """
        settings = self._settings
        self._read += len(batch.rows)
        for place in range(len(batch.rows)):
            if not all(test(batch.columns[column][place]) for column, test in self._tests.items()):
                self._left_out["filtered"] += 1
                continue
            user, item = (self._cell(batch, place, column) for column in (settings.user, settings.item))
            time = self._time(batch, place)
            self.met.add(user)
            reason = "removed" if user in self._removed else self._reason(batch, place, item)
            if reason is not None:
                self._left_out[reason] += 1
                continue
            self._found.append((self.users.setdefault(user, len(self.users)), self._numbers[item]))
            self._times.append(time)

    def _cell(self, batch: Batch, place: int, column: str) -> str:
        value = plain_value(batch.columns[column][place])
        if not value:
            raise DataError(
                f'column "{column}" is empty', where=batch.place(place), do="Add what is missing, or remove the row."
            )
        return value

    def _time(self, batch: Batch, place: int) -> float:
        raw = self._cell(batch, place, self._settings.time)
        kind = "number"
        try:
            time = float(raw)
        except ValueError:
            moment, kind = parse_time(raw), "date"
            time = float("nan") if moment is None else moment.timestamp()
        if not np.isfinite(time):
            raise DataError(
                f'column "{self._settings.time}" is "{raw[:40]}", which is no time',
                where=batch.place(place),
                do="Write times as numbers, or as 2026-03-02 or 2026-03-02T14:05:00.",
            )
        if self._first_time is None:
            self._first_time = (kind, raw, batch.place(place))
        first, cell, where = self._first_time
        if kind != first:
            raise DataError(
                f'column "{self._settings.time}" is "{raw[:40]}", a {kind}, and at {where} "{cell[:40]}", a {first}: '
                "nothing says how the two follow each other",
                where=batch.place(place),
                do="Write all times as numbers, or all as dates.",
            )
        return time

    def _reason(self, batch: Batch, place: int, item: str) -> str | None:
        """Returns why an event is left out; None where it counts."""
        if item in self._numbers:
            return None
        if item in self._table.without_text:
            return "without_text"
        if self._settings.unknown_items == "drop":
            return "unknown_items"
        raise DataError(
            f'the item "{item[:40]}" is not in the table of items',
            where=batch.place(place),
            do='Add it there, or remove the row; in a recipe, unknown_items = "drop" under [data] does so.',
            setting=("unknown_items", "drop"),
        )

    def sorted_events(self) -> _Events:
        """Returns the events by user and time, of each user and item the first.

        Raises:
            DataError: there is none.
        """
        if not self._found and self._left_out["unknown_items"]:
            raise DataError(
                f'no item in the column "{self._settings.item}" is in the table of items',
                where=self._settings.path,
                do="Name the column of the items, as they stand in the table: item under [data], or --item.",
            )
        if not self._found:
            raise DataError(
                "no event is left", where=self._settings.path, do="Check where and unknown_items under [data]."
            )
        users, items = np.array(self._found, dtype=np.int64).T
        times = np.array(self._times)
        order = np.lexsort((np.arange(len(users)), times, users))
        users, items, times = users[order], items[order], times[order]
        _, first = np.unique(users * len(self._numbers) + items, return_index=True)
        kept = np.sort(first)
        self._left_out["repeats"] = len(users) - len(kept)
        users, items, times = users[kept], items[kept], times[kept]
        self._ties = int(((users[1:] == users[:-1]) & (times[1:] == times[:-1])).sum())
        return _Events(users, items)

    def counts(self) -> dict[str, Any]:
        """Returns what was read and left out; ``ties``: events of a user at the time of the one before."""
        table = self._table
        return {
            "read": self._read,
            "left_out": dict(self._left_out),
            "ties": self._ties,
            "items_read": table.read,
            "items_left_out": {"duplicates": table.duplicates, "without_text": len(table.without_text)},
        }


class _Build:
    """Divides the events; items that stay have numbers from 1, and so have the cold ones, of their own.

    Args:
        events: all, in order.
        items: the items, by number.
        settings: how many are cold.
        seed: decides which.

    Raises:
        DataError: no user has enough events to be asked about.
    """

    def __init__(self, events: _Events, items: list[str], settings: EventData, seed: int) -> None:
        cold = _draw_cold(events.items, len(items), settings.cold, seed)
        is_cold = np.zeros(len(items), dtype=np.bool_)
        is_cold[cold] = True
        self._number = np.where(is_cold, np.cumsum(is_cold), np.cumsum(~is_cold))  # among those of its kind, from 1
        self._is_cold, self._all, self._events = is_cold, items, events
        self._warm = events.take(~is_cold[events.items]).by_user()
        asked = [numbers for numbers in self._warm.values() if len(numbers) >= _FEWEST]
        if not asked:
            raise DataError(
                f"no user has {_FEWEST} events with different items: one to learn from, one to choose by, one to test",
                where=settings.path,
                do="Give more events.",
            )
        self._asked, self._short = len(asked), len(self._warm) - len(asked)

    def write(self, table: ItemTable, users: list[str], out: Path) -> None:
        """Writes the tables."""
        learned = [items[: _learned(len(items))] for items in self._warm.values()]
        self._learned = np.concatenate(learned)
        counts = np.bincount(self._learned, minlength=len(self._all))
        for name, chosen in ((ITEMS, ~self._is_cold), (COLD_ITEMS, self._is_cold)):
            ids = [self._all[number] for number in np.flatnonzero(chosen)]
            columns = [ids, [table.texts[item] for item in ids], counts[chosen]]
            _write(out / name, columns, _OF_ITEMS)
        of_users = [[users[user] for user in self._warm], [self._number[items] for items in self._warm.values()]]
        _write(out / USERS, of_users, _OF_USERS)
        self._questions = self._ask_cold(users)
        _write(out / COLD_QUESTIONS, [*map(list, zip(*self._questions, strict=True))] or [[]] * 4, _OF_COLD)

    def _ask_cold(self, users: list[str]) -> list[tuple[str, NDArray[np.int64], int, NDArray[np.int64]]]:
        """Returns for each user the last cold item, the warm ones before it, and the cold ones before it."""
        asked = []
        for user, items in self._events.by_user().items():
            places = np.flatnonzero(self._is_cold[items])
            if not len(places):
                continue
            before = items[: places[-1]]
            warm, seen = before[~self._is_cold[before]], before[self._is_cold[before]]
            if len(warm):
                target = int(self._number[items[places[-1]]])
                asked.append((users[user], self._number[warm], target, self._number[seen]))
        return asked

    def counts(self) -> dict[str, Any]:
        """Returns what lies in the tables."""
        warm = sum(map(len, self._warm.values()))
        return {
            "kept": warm,
            "users": len(self._warm),
            "short_users": self._short,
            "items": int((~self._is_cold).sum()),
            "splits": {
                "train": {"rows": len(self._learned)},
                "validation": {"rows": self._asked},
                "test": {"rows": self._asked},
            },
            "cold": {
                "items": int(self._is_cold.sum()),
                "events": len(self._events.items) - warm,
                "questions": len(self._questions),
            },
        }


def _draw_cold(items: NDArray[np.int64], total: int, share: float, seed: int) -> NDArray[np.int64]:
    """Returns the numbers of a share of the items that have events, drawn."""
    present = np.unique(items)
    return np.random.default_rng([seed, total]).permutation(present)[: round(share * len(present))]


def _learned(events: int) -> int:
    """Returns how many of a user's events are learned from."""
    return events - HELD_OUT if events >= _FEWEST else events


def _write(path: Path, columns: list[Any], schema: pa.Schema) -> None:
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    pq.write_table(pa.table(arrays, schema=schema), path, compression="zstd")
