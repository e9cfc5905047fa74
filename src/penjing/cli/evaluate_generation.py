"""``penjing evaluate`` of a model that goes on with texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penjing.cli.evaluate import open_data
from penjing.cli.evaluate_output import find_learned, say_learned
from penjing.cli.output import log_console, print_json, result_console
from penjing.cli.progress import TerminalProgress
from penjing.cli.tables import bits_note, score_table
from penjing.data.continuation_settings import ContinuationData
from penjing.data.continuations import BegunTexts, iter_continuations, read_continuation_rows
from penjing.pipeline.tracing import rows_learned_from
from penjing.tasks.card import read_card

_SAMPLES = 100
_NOT_THERE = "the texts that this model learned from are not beside it; --train FILE gives them"


@dataclass(frozen=True)
class TextColumns:
    """Where the texts are.

    Attributes:
        data: the address of a file.
        text: column of the texts; None: as when the model learned.
        continuation: column of what follows them; None likewise.
        columns: names for the columns of a file without a header.
        train: the address of the texts that the model learned from, read in the same way; None: those of its run, if
            it lies there.
        encoding: of text files; None: as when the model learned.
    """

    data: str
    text: str | None = None
    continuation: str | None = None
    columns: tuple[str, ...] | None = None
    train: str | None = None
    encoding: str | None = None


def show_generation_scores(model_folder: Path, given: TextColumns, resamples: int, *, as_json: bool) -> None:
    """Scores a model on texts, beside baselines that learned from the same texts as it, where those are to be had.

    Files are read as they were when the model learned, which its card says.
    """
    with open_data(given.data) as address:
        rows = BegunTexts([], [])
        for batch in read_continuation_rows(address, _settings(model_folder, given)):
            rows.add(batch)
    training = _training(model_folder, given)
    measured = _measure(model_folder, rows, training, resamples)
    learned = find_learned(model_folder, rows.texts)
    if as_json:
        missing = {} if training is not None else {"baselines_left_out": _NOT_THERE}
        print_json({"model": str(model_folder), "data": given.data, **measured, **missing, **learned})
        return
    console = result_console()
    console.print(score_table(measured))
    for name, gaps in measured["difference"].items():
        if "bits_per_byte" in gaps:
            console.print(bits_note(name, gaps["bits_per_byte"]), soft_wrap=True)
    if training is None:
        console.print(f"No n-gram model beside it: {_NOT_THERE}.", soft_wrap=True)
    say_learned(console, learned, len(rows.texts))


def _settings(model_folder: Path, given: TextColumns) -> ContinuationData:
    named = {name: column for name in ("text", "continuation") if (column := getattr(given, name))}
    settings = ContinuationData(path=given.data, **{**read_card(model_folder)["reads"], **named})
    encoding = {"encoding": given.encoding} if given.encoding else {}
    return settings.model_copy(update={"columns": given.columns, **encoding})


def _training(model_folder: Path, given: TextColumns) -> Iterator[BegunTexts] | None:
    """Returns the texts that a model learned from, in batches; None where they are not to be had."""
    if given.train is not None:
        return read_continuation_rows(given.train, _settings(model_folder, given))
    folder = rows_learned_from(model_folder)
    return None if folder is None else iter_continuations(folder, "train")


def _measure(
    model_folder: Path, rows: BegunTexts, training: Iterator[BegunTexts] | None, resamples: int
) -> dict[str, Any]:
    # These bring torch, which a wrong call need not wait for.
    from penjing.evaluate.generation import GenerationMeasures, evaluate_generation, evaluate_generation_beside
    from penjing.tasks.generation_model import GenerationModel
    from penjing.tasks.loading import load_as

    progress = TerminalProgress(log_console())
    with progress.stopping_on_signals():
        model, measures = load_as(GenerationModel, model_folder), GenerationMeasures(_SAMPLES, _SAMPLES, resamples)
        if training is None:
            return evaluate_generation(model, rows, measures, progress)[0]
        return evaluate_generation_beside(model, rows, training, measures, progress)
