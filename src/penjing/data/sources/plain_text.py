"""Plain text: a text is a line, a paragraph or the whole file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from penjing.data.sources.blocks import read_blocks
from penjing.data.sources.document import read_document
from penjing.data.sources.encodings import decode_whole
from penjing.data.sources.source import BATCH_ROWS, Batch, Layout, sole_column
from penjing.errors import DataError

#: A text with the number of the line at which it begins.
_Numbered: TypeAlias = tuple[int, str]


_REST: _Numbered = (-1, "")  # stands for what is left of a paragraph that is too long


def read_plain_text(path: Path, wanted: Sequence[str], layout: Layout) -> Iterator[Batch]:
    """Reads texts from a plain file; blank ones are skipped. The one column has whatever name is asked for.

    Args:
        path: the file.
        wanted: one column.
        layout: how to read it; its ``unit`` says what one text is. Between paragraphs there are blank lines.

    Raises:
        RecipeError: more than one column is asked for.
        DataError: a text is too long, or breaks the rules of the encoding.
    """
    sole_column(
        path,
        wanted,
        "If tabs stand between its columns, name them with columns; if it has a header line, rename it to .tsv.",
    )
    if layout.unit == "file":
        yield from read_document(path, wanted, layout, decode_whole)
        return
    waiting: list[_Numbered] = []
    for block in read_blocks(path, layout):
        lines = [line.removesuffix("\r") for line in block.text.split("\n")]
        numbered = list(enumerate(lines, start=block.first_line))
        if block.text.endswith("\n"):
            del numbered[-1]
        if layout.unit == "paragraph":
            texts, waiting = _paragraphs(path, waiting + numbered, layout)
        else:
            texts = [(number, line) for number, line in numbered if line.strip()]
        yield from _batches(path, wanted, texts, block.consumed)
    if waiting and waiting[0] != _REST:
        yield from _batches(path, wanted, [_joined(waiting)], 0)


def _paragraphs(path: Path, numbered: list[_Numbered], layout: Layout) -> tuple[list[_Numbered], list[_Numbered]]:
    """Returns the paragraphs that are complete, and the lines of one that may go on.

    The rest of a paragraph that is too long is left out; where it may go on, that is handed on in the place of lines.
    """
    texts: list[_Numbered] = []
    lines: list[_Numbered] = []
    size = 0
    for number, line in numbered:
        if number < 0 or (lines and lines[0] == _REST):
            lines = [_REST] if number < 0 or line.strip() else []
        elif line.strip():
            lines.append((number, line))
            size += len(line) + 1
            if size > layout.max_line_bytes:
                layout.report(
                    DataError(
                        f"the paragraph is longer than {layout.max_line_mb:g} MB",
                        where=f"{path.name}, line {lines[0][0]:,}",
                        do="If that is meant, raise max_line_mb in the recipe.",
                    )
                )
                lines, size = [_REST], 0
        elif lines:
            texts.append(_joined(lines))
            lines, size = [], 0
    return texts, lines


def _joined(lines: list[_Numbered]) -> _Numbered:
    return lines[0][0], "\n".join(line for _, line in lines)


def _batches(path: Path, wanted: Sequence[str], texts: list[_Numbered], consumed: int) -> Iterator[Batch]:
    for start in range(0, max(1, len(texts)), BATCH_ROWS):
        part = texts[start : start + BATCH_ROWS]
        rows = [number for number, _ in part]
        yield Batch(path, {name: [text for _, text in part] for name in wanted}, rows, rows, consumed)
        consumed = 0
