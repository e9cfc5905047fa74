"""Reading back what was built of events: items, what users had, and what is asked about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from penjing.data.events import COLD_ITEMS, COLD_QUESTIONS, HELD_OUT, ITEMS, USERS

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Catalog:
    """Items, numbered from 1 in this order.

    Attributes:
        ids: [items].
        texts: [items].
        counts: training events of each, [items].
    """

    ids: list[str]
    texts: list[str]
    counts: Numbers


@dataclass(frozen=True)
class Questions:
    """Which item comes next.

    Attributes:
        histories: what each user had, in order, by number, [questions][items].
        targets: what came next, [questions].
        seen: what is not ranked because the user had it, [questions][items]; the history where the target is one of
            the items of the history's kind.
    """

    histories: list[Numbers]
    targets: Numbers
    seen: list[Numbers]

    def take(self, most: int) -> Questions:
        """Returns the first questions."""
        return Questions(self.histories[:most], self.targets[:most], self.seen[:most])


def read_catalog(file: Path) -> Catalog:
    """Reads a table of items: ``items.parquet`` or ``cold_items.parquet`` of `penjing.data.events.build_events`."""
    table = pq.read_table(file)
    counts = table.column("count").to_numpy().astype(np.int64)
    return Catalog(table.column("id").to_pylist(), table.column("text").to_pylist(), counts)


def read_users(folder: Path) -> list[str]:
    """Returns who had the items that `read_sequences` returns, [users]."""
    users: list[str] = pq.read_table(folder / USERS, columns=["user"]).column(0).to_pylist()
    return users


def read_sequences(folder: Path) -> list[Numbers]:
    """Returns all items of each user, in order, [users][items]."""
    return _sequences(folder / USERS, "items")


def read_training(folder: Path) -> list[Numbers]:
    """Returns the items of each user that are learned from, in order, [users][items].

    Args:
        folder: filled by `penjing.data.events.build_events`.
    """
    return [items[:-HELD_OUT] if len(items) > HELD_OUT else items for items in read_sequences(folder)]


def read_questions(folder: Path, split: Literal["validation", "test"]) -> Questions:
    """Returns what is asked about each user with enough events: the last but one (validation), or the last (test)."""
    ends = -HELD_OUT if split == "validation" else -1
    asked = [items for items in read_sequences(folder) if len(items) > HELD_OUT]
    histories = [items[:ends] for items in asked]
    return Questions(histories, np.array([items[ends] for items in asked]), histories)


def last_questions(sequences: Sequence[Numbers]) -> Questions:
    """Returns what is asked about each user with two items or more: the last."""
    asked = [items for items in sequences if len(items) > 1]
    histories = [items[:-1] for items in asked]
    return Questions(histories, np.array([items[-1] for items in asked], dtype=np.int64), histories)


def read_cold_questions(folder: Path) -> Questions:
    """Returns what is asked about items that nothing was learned of; targets and seen ones are numbers of those."""
    histories = _sequences(folder / COLD_QUESTIONS, "items")
    targets = pq.read_table(folder / COLD_QUESTIONS, columns=["target"]).column(0).to_numpy().astype(np.int64)
    return Questions(histories, targets, _sequences(folder / COLD_QUESTIONS, "seen"))


def read_cold_catalog(folder: Path) -> Catalog:
    """Returns the items that nothing was learned of."""
    return read_catalog(folder / COLD_ITEMS)


def read_items_table(folder: Path) -> Catalog:
    """Returns the items that were learned."""
    return read_catalog(folder / ITEMS)


def _sequences(file: Path, column: str) -> list[Numbers]:
    """Returns a column of lists."""
    lists = pq.read_table(file, columns=[column]).column(0).combine_chunks()
    flat, offsets = lists.values.to_numpy().astype(np.int64), lists.offsets.to_numpy()
    return [flat[start:end] for start, end in pairwise(offsets.tolist())]
