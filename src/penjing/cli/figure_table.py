"""Tables of figures for screens of any width: what is too narrow for them shows them as a list, and cuts none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

_LEAST_NAME = 8  # characters of the first column


class FigureTable:
    """Rows of figures with a name each. A figure is never cut or broken, but between itself and its interval.

    Args:
        headings: of the columns after the first.
        title: above all; empty: none.
    """

    def __init__(self, headings: Sequence[str], title: str = "") -> None:
        self._headings, self._title = list(headings), title
        self._rows = list[tuple[str, list[str]]]()

    def add_row(self, name: str, *figures: str) -> None:
        """Adds a row: its name, and a figure for each heading."""
        self._rows.append((name, list(figures)))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yields a table in the widest form that there is room for, or else a list."""
        if self._title:
            yield Text(self._title, style="table.title")
        least = max([_LEAST_NAME, *(cell_len(word) for name, _ in self._rows for word in name.split())])
        for gap, is_whole in ((" ", True), ("\n", True), ("\n", False)):
            rows = [(name, [figure.replace(" ", gap) for figure in figures]) for name, figures in self._rows]
            widths = [_width([figures[place] for _, figures in rows]) for place in range(len(self._headings))]
            if is_whole:
                widths = [max(pair) for pair in zip(widths, map(cell_len, self._headings), strict=True)]
            room = options.max_width - sum(widths) - len(widths)
            if room >= least:
                yield self._table(rows, widths, room)
                return
        yield from self._list()

    def _table(self, rows: Sequence[tuple[str, list[str]]], widths: Sequence[int], room: int) -> Table:
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
        table.add_column("", overflow="fold", max_width=room)
        for heading, width in zip(self._headings, widths, strict=True):
            table.add_column(Text(heading), justify="right", overflow="fold", width=width)
        for name, figures in rows:
            table.add_row(Text(name), *map(Text, figures))
        return table

    def _list(self) -> Iterator[RenderableType]:
        for name, figures in self._rows:
            yield Text(name)
            for heading, figure in zip(self._headings, figures, strict=True):
                yield Text(f"  {heading}  {figure}")


def _width(figures: Sequence[str]) -> int:
    return max((cell_len(line) for figure in figures for line in figure.split("\n")), default=0)
