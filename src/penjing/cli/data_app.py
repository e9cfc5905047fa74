"""``penjing data``: the commands about texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from penjing.cli.options import DataLanguage, Encoding, Json, Overrides, RunFolder

data = typer.Typer(
    help="What is in the corpus of a run, where each text came from, its removal; labelled rows, and labelling.",
    no_args_is_help=True,
)


@data.command()
def inspect(
    run: RunFolder,
    examples: Annotated[int, typer.Option("--examples", min=0, max=100, help="How many of each side to show.")] = 5,
    page: Annotated[Path | None, typer.Option("--html", help="Also write a page into this file.")] = None,
    language: DataLanguage = "en",
    as_json: Json = False,
) -> None:
    """Counts, lengths, files, and examples of what was kept and dropped; without a corpus, of rows or events."""
    from penjing.cli.data import show_inspection
    from penjing.pipeline.report.strings import check_language

    show_inspection(run, examples, page, check_language(language), as_json=as_json)


@data.command()
def show(
    run: Annotated[Path, typer.Argument(help="Folder of a run, or a recipe.", metavar="RUN|RECIPE")],
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of texts of the run.", metavar="[ID]...")] = None,
    rows: Annotated[int, typer.Option("--rows", min=1, max=1000, help="Of a recipe: how many rows.")] = 3,
    overrides: Overrides = None,
    language: DataLanguage = "en",
    as_json: Json = False,
) -> None:
    """A text of a run by its id, with its file and row; or the first rows of a recipe as tokens: learned, and cut."""
    from penjing.cli.data import show_documents
    from penjing.pipeline.report.strings import check_language

    if run.is_dir():
        show_documents(run, ids or [], check_language(language), as_json=as_json)
        return
    from penjing.cli.rows import show_first_rows

    show_first_rows(run, ids or [], rows, overrides or [], check_language(language), as_json=as_json)


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


TextColumn = Annotated[str | None, typer.Option("--text", help="Column of the texts (default: text).")]
ColumnNames = Annotated[str | None, typer.Option("--columns", help="Names for a file without a header: text,label")]


@data.command()
def check(
    path: Annotated[str, typer.Argument(help="Labelled rows: a file, a folder, or a recipe.", metavar="PATH")],
    text: TextColumn = None,
    label: Annotated[str | None, typer.Option("--label", help="Column of the labels (default: label).")] = None,
    columns: ColumnNames = None,
    encoding: Encoding = None,
    where: Annotated[list[str] | None, typer.Option("--where", help="Only rows with this value: source=imdb")] = None,
    group: Annotated[str | None, typer.Option("--group", help="Column of groups no two splits may share.")] = None,
    time: Annotated[str | None, typer.Option("--time", help="Column of times; test rows must be the later.")] = None,
    separator: Annotated[
        str | None, typer.Option("--separator", help='Stands between the labels of a row that may have several: "|".')
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=0, max=1000, help="How many of each kind to show.")] = 5,
    page: Annotated[Path | None, typer.Option("--html", help="Also write a page into this file.")] = None,
    language: DataLanguage = "en",
    as_json: Json = False,
) -> None:
    """What is wrong with labelled rows: gaps, contradictions, leaks between splits, labels that are likely wrong."""
    from penjing.cli.label_checks import read_rules, show_check
    from penjing.pipeline.report.strings import check_language

    rules = read_rules(text, label or "label", columns, where or [], group, time, separator, encoding)
    is_plain = not (text or label or columns or where or separator or encoding)
    show_check(path, rules, rows, page, check_language(language), is_plain=is_plain, as_json=as_json)


@data.command()
def label(
    file: Annotated[str, typer.Argument(help="Rows to label or to correct.", metavar="FILE")],
    labels: Annotated[str | None, typer.Option("--labels", help="What to choose from: positive,negative")] = None,
    text: TextColumn = None,
    column: Annotated[str | None, typer.Option("--label", help="Column of labels to correct, or to write.")] = None,
    columns: ColumnNames = None,
    encoding: Encoding = None,
    where: Annotated[list[str] | None, typer.Option("--where", help="Only rows with this value: source=imdb")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="File of the answers (default: NAME.answers.jsonl).")
    ] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: one that is free.")] = 0,
    order: Annotated[str, typer.Option("--order", help="uncertain: what tells most first; or file.")] = "uncertain",
    answers: Annotated[Path | None, typer.Option("--apply", help="Write these answers into a new file.")] = None,
    to: Annotated[Path | None, typer.Option("--to", help="The new file: .csv, .tsv or .jsonl.")] = None,
    language: DataLanguage = "en",
    as_json: Json = False,
) -> None:
    """Label texts, or correct their labels, by keyboard in a page on this machine; each answer is kept at once."""
    from penjing.cli.label_checks import read_rules
    from penjing.cli.labelling import LabelCall, serve_labelling, show_applied
    from penjing.pipeline.report.strings import check_language

    rules, said = read_rules(text, column, columns, where or [], encoding=encoding), check_language(language)
    if answers is not None:
        show_applied(file, rules, labels, answers, to, said, as_json=as_json)
    else:
        serve_labelling(LabelCall(file, rules, labels, out, port, order), said, as_json=as_json)
