"""What stands on both sides of a split: the same text, nearly the same text, the same group, a later time."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np

from penjing.data.keys import normalized_keys
from penjing.data.labels.finding import Case, Finding, group_rows
from penjing.data.labels.table import LabelTable
from penjing.data.labels.times import parse_time
from penjing.data.minhash import SHINGLE, spaced_words
from penjing.data.near_duplicates import NearDuplicateFinder
from penjing.errors import DataError
from penjing.progress import Progress

#: From which similarity on a text counts as nearly the same, as with ``near_duplicates`` of a corpus.
SIMILARITY = 0.75
_MOST_COMPARED = 200  # texts of one group that a text is compared with

#: Of a row and those of its group in earlier splits, the one that counts and what is said of both; None if none does.
Match: TypeAlias = Callable[[int, Sequence[int]], tuple[int, Mapping[str, str | float]] | None]


def _first_before(row: int, before: Sequence[int]) -> tuple[int, dict[str, str | float]]:
    return before[0], {}


def find_same_text(table: LabelTable, progress: Progress) -> Finding:
    """Finds rows to measure on whose text, but for its form, is in an earlier split too."""
    rows = [row for row, text in enumerate(table.texts) if text]
    keys = normalized_keys(table.texts[row] for row in rows).tolist()
    return _across(table, "same_text", group_rows(rows, keys))


def find_near_text(table: LabelTable, progress: Progress) -> Finding:
    """Finds rows to measure on that are nearly the same as a row of an earlier split; the same ones are not counted.

    Texts meet by MinHash (`penjing.data.near_duplicates`); the similarity of each pair is then computed exactly.
    """
    if len(table.splits) < 2:
        return _one_split("near_text")
    if find_spec("daft") is None:
        return Finding("near_text", skipped="no_daft")
    rows = [row for row, text in enumerate(table.texts) if text]
    with tempfile.TemporaryDirectory() as folder:
        finder = NearDuplicateFinder(Path(folder), SIMILARITY)
        finder.add([table.texts[row] for row in rows])
        first = finder.find(progress).tolist()
    groups = group_rows(rows, map(str, first))
    return _across(table, "near_text", groups, _Likeness(table).nearest)


def find_same_group(table: LabelTable, progress: Progress) -> Finding | None:
    """Finds rows to measure on whose group, such as an author, has rows in an earlier split too."""
    if table.groups is None:
        return None
    groups = table.groups
    rows = [row for row, group in enumerate(groups) if group]

    def name_group(row: int, before: Sequence[int]) -> tuple[int, dict[str, str | float]]:
        return before[0], {"group": groups[row]}

    finding = _across(table, "same_group", group_rows(rows, (groups[row] for row in rows)), name_group)
    if finding.skipped:
        return finding
    first: dict[str | float, Case] = {}
    for case in finding.cases:  # of each group one case is enough to see it
        first.setdefault(case.values["group"], case)
    counts = {"rows": finding.counts["rows"], "groups": len(first)}
    return Finding("same_group", counts, tuple(first.values()))


def find_same_time(table: LabelTable, progress: Progress) -> Finding | None:
    """Finds test rows that are earlier than the latest training row: the future has been learned from.

    Raises:
        DataError: a cell holds no time.
    """
    if table.times is None:
        return None
    if not {"train", "test"} <= set(table.splits):
        return _one_split("same_time")
    moments = {row: _moment(table, row) for row, value in enumerate(table.times) if value}
    train, test = table.splits.index("train"), table.splits.index("test")
    latest = max((row for row in moments if table.split[row] == train), key=lambda row: moments[row], default=None)
    tested = sorted((row for row in moments if table.split[row] == test), key=lambda row: moments[row])
    early = [row for row in tested if latest is not None and moments[row] <= moments[latest]]
    values = {} if latest is None else {"latest": table.times[latest]}
    cases = tuple(Case((table.view(row),), {"time": table.times[row], **values}) for row in early)
    return Finding("same_time", {"rows": len(early), "of": len(tested)}, cases)


def _moment(table: LabelTable, row: int) -> float:
    assert table.times is not None
    moment = parse_time(table.times[row])
    if moment is None:
        raise DataError(
            f'"{table.times[row][:40]}" is no time',
            where=table.name_row(row),
            do="Write times as 2026-03-02 or 2026-03-02T14:05:00Z, or name another column with --time.",
        )
    return moment.timestamp()


def _one_split(check: str) -> Finding:
    return Finding(check, skipped="one_split")


def _across(
    table: LabelTable, check: str, groups: dict[str | bytes, list[int]], match: Match = _first_before
) -> Finding:
    """Finds the rows beyond training that have one of their group in an earlier split.

    Args:
        table: the rows; those of a split stand together, in the order of the splits.
        check: the name of the check.
        groups: rows that belong together, in order.
        match: which row of an earlier split counts.
    """
    if len(table.splits) < 2:
        return _one_split(check)
    split = table.split
    found: list[tuple[int, Case]] = []
    for group in groups.values():
        edges = np.searchsorted(split[group], np.arange(len(table.splits))).tolist()
        for start, stop in pairwise([*edges, len(group)]):
            before = group[:start]
            for row in group[start:stop] if before else ():
                matched = match(row, before)
                if matched is not None:
                    other, values = matched
                    found.append((row, Case((table.view(row), table.view(other)), dict(values))))
    counts = {name: sum(split[row] == index for row, _ in found) for index, name in enumerate(table.splits) if index}
    return Finding(check, {"rows": len(found), **counts}, tuple(case for _, case in sorted(found, key=_worst_first)))


def _worst_first(found: tuple[int, Case]) -> tuple[float, int]:
    return -float(found[1].values.get("similarity", 0.0)), found[0]


class _Likeness:
    """The exact similarity of texts: of their sets of runs of five words (Jaccard)."""

    def __init__(self, table: LabelTable) -> None:
        self._table = table
        self._runs: dict[int, frozenset[tuple[str, ...]]] = {}

    def nearest(self, row: int, others: Sequence[int]) -> tuple[int, dict[str, float]] | None:
        """Returns which of some rows is most alike, if it is alike enough and not the same text."""
        keys = normalized_keys(self._table.texts[place] for place in (row, *others))
        if np.any(keys[1:] == keys[0]):
            return None
        alike = [(self._similarity(row, other), -other) for other in others[:_MOST_COMPARED]]
        similarity, other = max(alike)
        return (-other, {"similarity": similarity}) if similarity >= SIMILARITY else None

    def _similarity(self, one: int, other: int) -> float:
        ours, theirs = self._runs_of(one), self._runs_of(other)
        return len(ours & theirs) / len(ours | theirs)

    def _runs_of(self, row: int) -> frozenset[tuple[str, ...]]:
        if row not in self._runs:
            words = spaced_words([self._table.texts[row]])[0].as_py().split()
            starts = range(max(1, len(words) - SHINGLE + 1))
            self._runs[row] = frozenset(tuple(words[start : start + SHINGLE]) for start in starts)
        return self._runs[row]
