"""``penjing evaluate`` of a model that writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from penjing.cli.evaluate import open_data
from penjing.cli.evaluate_output import find_learned, show_measured
from penjing.cli.output import log_console
from penjing.cli.progress import TerminalProgress
from penjing.data.reading import PairRows, read_pair_rows


@dataclass(frozen=True)
class PairColumns:
    """Where the pairs are.

    Attributes:
        data: the address of a table or, with ``beside``, a file of lines.
        text: column of what is read.
        target: column of what should be written, or several.
        columns: names for the columns of a file without a header.
        beside: a file of what should be written, line by line.
        encoding: of text files; None: UTF-8, auto: found by how the bytes look.
    """

    data: str
    text: str
    target: tuple[str, ...]
    columns: tuple[str, ...] | None
    beside: Path | None
    encoding: str | None


def show_writing_scores(
    model_folder: Path, pairs: PairColumns, resamples: int, *, part: str | None = None, as_json: bool
) -> None:
    """Scores a model on pairs."""
    rows = _read(pairs)
    # These bring torch, which a wrong call need not wait for.
    from penjing.evaluate.writing import evaluate_writing
    from penjing.tasks.loading import load_part
    from penjing.tasks.writing_model import WritingModel

    progress = TerminalProgress(log_console())
    with progress.stopping_on_signals():
        model = load_part(model_folder, part)
        assert isinstance(model, WritingModel)
        measured = evaluate_writing(model, rows, resamples=resamples, worst=20, seed=0, progress=progress)
    learned = find_learned(model_folder, rows.texts, part)
    show_measured(model_folder, pairs.data, measured, learned, len(rows.texts), as_json=as_json)


def _read(pairs: PairColumns) -> PairRows:
    found = PairRows([], [], [])
    with open_data(pairs.data) as address:
        columns, beside, encoding = pairs.columns, pairs.beside, pairs.encoding
        rows = read_pair_rows(address, pairs.text, pairs.target, columns=columns, beside=beside, encoding=encoding)
        for batch in rows:
            found.add(batch)
    return found
