"""``penjing data``: the commands about texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from penjing.cli.options import DataLanguage, Json, RunFolder

data = typer.Typer(
    help="What is in the corpus of a run, where each text came from, and how it is removed.", no_args_is_help=True
)


@data.command()
def inspect(
    run: RunFolder,
    examples: Annotated[int, typer.Option("--examples", min=0, max=100, help="How many of each side to show.")] = 5,
    page: Annotated[Path | None, typer.Option("--html", help="Also write a page into this file.")] = None,
    language: DataLanguage = "en",
    as_json: Json = False,
) -> None:
    """Counts, lengths, files, and examples of what was kept and what was dropped."""
    from penjing.cli.data import show_inspection
    from penjing.pipeline.report.strings import check_language

    show_inspection(run, examples, page, check_language(language), as_json=as_json)


@data.command()
def show(
    run: RunFolder,
    ids: Annotated[list[str], typer.Argument(help="Ids of texts.", metavar="ID")],
    language: DataLanguage = "en",
    as_json: Json = False,
) -> None:
    """A text by its id: its file and row, what it was for, and which models learned from it."""
    from penjing.cli.data import show_documents
    from penjing.pipeline.report.strings import check_language

    show_documents(run, ids, check_language(language), as_json=as_json)


@data.command()
def trace(
    ids: Annotated[list[str], typer.Argument(help="Ids of texts.", metavar="ID")],
    runs: Annotated[Path, typer.Option("--runs", help="Folder of runs, or of one.")] = Path("runs"),
    language: DataLanguage = "en",
    as_json: Json = False,
) -> None:
    """Which models learned from a text, over all runs, and over models that started from another one's weights."""
    from penjing.cli.tracing import show_traces
    from penjing.pipeline.report.strings import check_language

    show_traces(runs, ids, check_language(language), as_json=as_json)


@data.command()
def remove(
    run: RunFolder,
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of texts.", metavar="[ID]...")] = None,
    retrain: Annotated[bool, typer.Option("--retrain", help="Train the models again at once.")] = False,
    as_json: Json = False,
) -> None:
    """Take texts out of a run: its data are made again, and what must be trained again is named."""
    from penjing.cli.tracing import remove_from_run

    remove_from_run(run, ids or [], retrain=retrain, as_json=as_json)
