"""``penjing evaluate`` of a model that writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from penjing.cli.evaluate import open_data
from penjing.cli.learned_rows import find_learned, say_learned
from penjing.cli.output import log_console, print_json, result_console
from penjing.cli.progress import TerminalProgress
from penjing.cli.tables import score_table
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
    """

    data: str
    text: str
    target: tuple[str, ...]
    columns: tuple[str, ...] | None
    beside: Path | None


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
    if as_json:
        print_json({"model": str(model_folder), "data": pairs.data, **measured, **learned})
        return
    console = result_console()
    console.print(score_table(measured))
    say_learned(console, learned, len(rows.texts))


def _read(pairs: PairColumns) -> PairRows:
    found = PairRows([], [], [])
    with open_data(pairs.data) as address:
        for batch in read_pair_rows(address, pairs.text, pairs.target, columns=pairs.columns, beside=pairs.beside):
            found.add(batch)
    return found
