"""Plain text: one text a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from penjing.data.sources.blocks import read_blocks
from penjing.data.sources.source import BATCH_ROWS, Batch, Layout
from penjing.errors import RecipeError


def read_plain_text(path: Path, wanted: Sequence[str], layout: Layout) -> Iterator[Batch]:
    """Reads one text a line; blank lines are skipped. The one column has whatever name is asked for.

    Args:
        path: the file.
        wanted: one column.
        layout: how to read it.

    Raises:
        RecipeError: more than one column is asked for.
        DataError: a line is too long, or breaks the rules of UTF-8.
    """
    if len(wanted) > 1:
        raise RecipeError(
            f"a .txt file has one column, the text, and {len(wanted)} are asked for ({', '.join(wanted)})",
            where=path.name,
            do="If tabs stand between its columns, rename it to .tsv, and name them with columns if it has no header.",
        )
    for block in read_blocks(path, layout):
        lines = [line.removesuffix("\r") for line in block.text.split("\n")]
        numbered = [(number, line) for number, line in enumerate(lines, start=block.first_line) if line.strip()]
        consumed = block.consumed
        for start in range(0, max(1, len(numbered)), BATCH_ROWS):
            part = numbered[start : start + BATCH_ROWS]
            rows = [number for number, _ in part]
            yield Batch(path, {name: [line for _, line in part] for name in wanted}, rows, rows, consumed)
            consumed = 0
