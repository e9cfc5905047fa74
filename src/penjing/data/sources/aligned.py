"""Two files of lines, read side by side: each line of the one belongs to that of the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from penjing.data.sources.blocks import read_blocks
from penjing.data.sources.source import BATCH_ROWS, Batch, Layout
from penjing.errors import DataError


def read_aligned(first: Path, second: Path, wanted: Sequence[str], layout: Layout) -> Iterator[Batch]:
    """Reads two files of lines as the two columns of one table; an empty line is a row too.

    Args:
        first: gives the first column; rows are named by it.
        second: gives the other.
        wanted: the columns' names.
        layout: how to read both.

    Raises:
        DataError: one has more lines than the other, or a line is too long or not of the encoding.
    """
    sides = [_Lines(path, layout) for path in (first, second)]
    row = 1
    while True:
        filled = [side.fill(BATCH_ROWS) for side in sides]
        count = min(filled)
        if not count:
            break
        columns = {name: side.take(count) for name, side in zip(wanted, sides, strict=True)}
        rows = list(range(row, row + count))
        yield Batch(first, columns, rows, rows, sides[0].consumed())
        row += count
    if any(filled):
        shorter, longer = (first, second) if filled[1] else (second, first)
        raise DataError(
            f"the file ends after line {row - 1:,}, and {longer.name} goes on",
            where=shorter.name,
            do="Each line of the one must belong to the same line of the other: give two files that do.",
        )


class _Lines:
    """The lines of a file, some at a time."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self._blocks = read_blocks(path, layout)
        self._waiting: deque[str] = deque()
        self._consumed = 0

    def fill(self, count: int) -> int:
        """Reads on until so many lines wait, or there are no more; returns how many wait, at most ``count``."""
        while len(self._waiting) < count:
            block = next(self._blocks, None)
            if block is None:
                break
            self._consumed += block.consumed
            lines = block.text.split("\n")
            if not lines[-1]:
                del lines[-1]
            self._waiting.extend(line.removesuffix("\r") for line in lines)
        return min(count, len(self._waiting))

    def take(self, count: int) -> list[str]:
        """Returns the next lines."""
        return [self._waiting.popleft() for _ in range(count)]

    def consumed(self) -> int:
        """Returns how many bytes were read since the last call."""
        consumed, self._consumed = self._consumed, 0
        return consumed
