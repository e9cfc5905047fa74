"""What the rows of a run are like: how many of which kind, how long, and some of them."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from penjing.data.events import COUNTS, ITEMS, USERS
from penjing.data.keys import text_ids
from penjing.data.splitting import SPLITS
from penjing.files import read_json

_MOST_SHOWN = 10  # sets of labels, and items
_LAST_ITEMS = 5  # of a user
_REASONS = ("filtered", "empty", "unlabelled", "unknown", "removed", "duplicates", "conflicts", "broken", "equal")


@dataclass(frozen=True)
class RowExample:
    """A row, or the history of a user.

    Attributes:
        source: name of its file; of a history the user.
        row: its number there; of a history the number of events.
        part: its split; empty of a history.
        text: all of it; of a history its last items, the oldest first.
        labels: that it has, where rows have some.
    """

    source: str
    row: int
    part: str
    text: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class RowInspection:
    """What rows are like.

    Attributes:
        read: files, with commas between → rows read.
        removed: reason → rows left out.
        splits: split → rows; of events, events and users.
        items_removed: reason → items left out.
        counts: other figures by name, of events: ``users``, ``items``, ``ties`` and the like.
        tables: name → value → how many rows, users or events have it, in the order in which they are read.
        examples: some rows or users, the same whenever it is asked.
    """

    read: dict[str, int]
    removed: dict[str, int]
    splits: dict[str, int]
    items_removed: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    tables: dict[str, dict[str, int]] = field(default_factory=dict)
    examples: list[RowExample] = field(default_factory=list)

    @property
    def are_events(self) -> bool:
        """Whether they are events of users with items."""
        return "users" in self.counts


def row_folders(folder: Path) -> dict[str, Path]:
    """Returns the folders of rows in that of the stage ``data``: of each part of several tasks, else itself as ""."""
    parts = sorted(path.parent for path in folder.glob(f"*/{COUNTS}"))
    return {part.name: part for part in parts} or {"": folder}


def inspect_rows(folder: Path, examples: int) -> RowInspection:
    """Returns what is in a folder of rows.

    Args:
        folder: filled by the stage ``data``.
        examples: how many rows or users to return.
    """
    counts = read_json(folder / COUNTS)
    return _inspect_events(folder, counts, examples) if "users" in counts else _inspect_texts(folder, counts, examples)


def _inspect_texts(folder: Path, counts: dict[str, Any], examples: int) -> RowInspection:
    lengths: Counter[int] = Counter()
    labels: Counter[str] = Counter()
    sets: Counter[tuple[str, ...]] = Counter()
    drawn: list[tuple[str, RowExample]] = []
    has_sets = False
    for split in SPLITS:
        for batch in _batches(folder / f"{split}.parquet"):
            rows = batch.to_pylist()
            has_sets |= "labels" in batch.schema.names
            for row in rows:
                lengths[max(0, len(row["text"]).bit_length() - 1)] += 1
                given = _labels_of(row)
                labels.update(given)
                sets[given] += 1
            keyed = zip(text_ids([row["text"] for row in rows]), rows, strict=True)
            some = heapq.nsmallest(examples, keyed, key=lambda item: item[0])
            drawn += [(key, RowExample(r["source"], r["row"], split, r["text"], _labels_of(r))) for key, r in some]
            drawn = heapq.nsmallest(examples, drawn, key=lambda item: item[0])
    tables = {"labels": dict(labels.most_common())} if labels else {}
    if has_sets:
        sizes = Counter(len(given) for given, rows in sets.items() for _ in range(rows))
        tables["labels_a_row"] = {str(size): sizes[size] for size in sorted(sizes)}
        tables["sets"] = {", ".join(given): rows for given, rows in sets.most_common(_MOST_SHOWN)}
    tables["lengths"] = _ranges(lengths)
    removed = {reason: counts[reason] for reason in _REASONS if counts.get(reason)}
    leaks = {"overlaps": counts["overlap"], "containing": counts.get("containing", {})}
    return RowInspection(
        read={_files(counts, "train", "validation", "test"): counts["read"]},
        removed={**removed, **{reason: sum(of.values()) for reason, of in leaks.items() if sum(of.values())}},
        splits={split: figures["rows"] for split, figures in counts["splits"].items()},
        tables=tables,
        examples=[example for _, example in drawn],
    )


def _inspect_events(folder: Path, counts: dict[str, Any], examples: int) -> RowInspection:
    items = pq.read_table(folder / ITEMS, columns=["text", "count"]).to_pydict()
    histories: Counter[int] = Counter()
    drawn: list[tuple[str, str, list[int]]] = []
    for batch in _batches(folder / USERS):
        users = batch.column("user").to_pylist()
        had = batch.column("items").to_pylist()
        histories.update(max(0, len(row).bit_length() - 1) for row in had)
        some = heapq.nsmallest(examples, zip(text_ids(users), users, had, strict=True), key=lambda item: item[0])
        drawn = heapq.nsmallest(examples, [*drawn, *some], key=lambda item: item[0])
    popular = sorted(zip(items["text"], items["count"], strict=True), key=lambda item: -item[1])
    figures = {key: counts[key] for key in ("users", "short_users", "items", "ties")}
    return RowInspection(
        read={_files(counts, "train"): counts["read"], _files(counts, "items"): counts["items_read"]},
        removed={reason: count for reason, count in counts["left_out"].items() if count},
        splits={split: found["rows"] for split, found in counts["splits"].items()},
        items_removed={reason: count for reason, count in counts["items_left_out"].items() if count},
        counts={**figures, "cold_items": counts["cold"]["items"], "cold_events": counts["cold"]["events"]},
        tables={"histories": _ranges(histories), "popular": dict(popular[:_MOST_SHOWN])},
        examples=[
            RowExample(user, len(had), "", " → ".join(items["text"][number - 1] for number in had[-_LAST_ITEMS:]))
            for _, user, had in drawn
        ],
    )


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    if path.is_file():
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=1024, use_threads=False)


def _labels_of(row: dict[str, Any]) -> tuple[str, ...]:
    if "labels" in row:
        return tuple(row["labels"])
    return (str(row["label"]),) if row.get("label") is not None else ()


def _ranges(powers: Counter[int]) -> dict[str, int]:
    """Returns counts by doubling ranges, those between the first and the last that has some."""
    if not powers:
        return {}
    return {
        f"{2**power:,}–{2 ** (power + 1) - 1:,}" if power else "1": powers[power]
        for power in range(min(powers), max(powers) + 1)
    }


def _files(counts: dict[str, Any], *groups: str) -> str:
    return ", ".join(dict.fromkeys(name for group in groups for name in counts["files"].get(group, ())))
