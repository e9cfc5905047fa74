"""``penjing evaluate`` of a model that goes on with texts."""

from __future__ import annotations

from pathlib import Path

from penjing.cli.evaluate import open_data
from penjing.cli.output import log_console, print_json, result_console
from penjing.cli.progress import TerminalProgress
from penjing.cli.tables import score_table
from penjing.data.continuation_settings import ContinuationData
from penjing.data.continuations import BegunTexts, read_continuation_rows
from penjing.tasks.card import read_card

_SAMPLES = 100


def show_generation_scores(
    model_folder: Path,
    data: str,
    columns: tuple[str | None, str | None],
    names: tuple[str, ...] | None,
    resamples: int,
    *,
    as_json: bool,
) -> None:
    """Scores a model on texts.

    Args:
        model_folder: of the model; its card says how files were read when it learned, and they are read alike.
        data: the address of a file.
        columns: of texts and of what follows them; None: as when it learned.
        names: for the columns of a file without a header.
        resamples: bootstrap resamples.
        as_json: whether one JSON document is printed.
    """
    rows = _read(data, model_folder, columns, names)
    # These bring torch, which a wrong call need not wait for.
    from penjing.evaluate.generation import GenerationMeasures, evaluate_generation
    from penjing.tasks.generation_model import GenerationModel
    from penjing.tasks.loading import load_as

    progress = TerminalProgress(log_console())
    with progress.stopping_on_signals():
        model = load_as(GenerationModel, model_folder)
        measured, _ = evaluate_generation(model, rows, GenerationMeasures(_SAMPLES, _SAMPLES, resamples), progress)
    if as_json:
        print_json({"model": str(model_folder), "data": data, **measured})
    else:
        result_console().print(score_table(measured))


def _read(
    data: str, model_folder: Path, columns: tuple[str | None, str | None], names: tuple[str, ...] | None
) -> BegunTexts:
    given = {name: column for name, column in zip(("text", "continuation"), columns, strict=True) if column}
    settings = ContinuationData(path=data, **{**read_card(model_folder)["reads"], **given})
    found = BegunTexts([], [])
    with open_data(data) as address:
        for batch in read_continuation_rows(address, settings.model_copy(update={"columns": names})):
            found.add(batch)
    return found
