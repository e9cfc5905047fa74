"""The command ``penjing``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import penjing
from penjing.cli.data_app import data
from penjing.cli.evaluate_command import evaluate
from penjing.cli.export_app import export, import_
from penjing.cli.model_app import answer, chat, explain, generate, predict
from penjing.cli.new_command import new
from penjing.cli.options import DataLanguage, Json, ModelFolder, Overrides
from penjing.cli.output import exit_code_of, spell_out_unknown_characters
from penjing.cli.serve_app import serve
from penjing.errors import UsageError

# The root of what is said about a wrong call; newer releases of Typer bring their own copy of click.
_CallError: type[Exception] = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")

app = typer.Typer(
    help="Own your language models: from raw text to a model that is scored, proved and served.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Out = Annotated[Path | None, typer.Option("--out", help="Folder of the run (default: runs/NAME).")]
RecipeFile = Annotated[Path, typer.Argument(help="A recipe (TOML), or quickstart.", metavar="RECIPE")]


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(penjing.__version__)
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Own your language models: from raw text to a model that is scored, proved and served."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(2)


@app.command()
def quickstart(
    out: Out = None,
    overrides: Overrides = None,
    language: Annotated[str | None, typer.Option("--lang", help="Language of the report: en or zh.")] = None,
    as_json: Json = False,
) -> None:
    """The whole path on real film reviews, with a report at the end (two to six minutes on two cores)."""
    from penjing.cli.run import run_quickstart

    run_quickstart(out, overrides or [], language, as_json=as_json)


app.command()(new)


@app.command()
def plan(recipe: RecipeFile, out: Out = None, overrides: Overrides = None, as_json: Json = False) -> None:
    """What a recipe would do: stages, rows, tokens, tokens cut, parameters, memory, time. Runs nothing."""
    from penjing.cli.plan import show_plan

    show_plan(recipe, out, overrides or [], as_json=as_json)


@app.command()
def run(
    recipe: RecipeFile,
    out: Out = None,
    overrides: Overrides = None,
    language: Annotated[str | None, typer.Option("--lang", help="Language of the report: en or zh.")] = None,
    engine: Annotated[str, typer.Option("--engine", help="Where a corpus is cleaned: local or ray.")] = "local",
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes for it (default: as many as cores, if worth it).")
    ] = None,
    ray_address: Annotated[
        str | None, typer.Option("--ray-address", help="Of a running Ray cluster (default: a local one is started).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a recipe, or go on with one that was interrupted. What has not changed is not done again."""
    from penjing.cli.run import run_file
    from penjing.data.engine import EngineSettings

    where = EngineSettings(engine, workers, ray_address)
    run_file(recipe, out, overrides or [], language, where, as_json=as_json)


@app.command()
def tune(
    recipe: RecipeFile,
    trials: Annotated[
        int | None, typer.Option("--trials", min=1, help="How many are made (default: 20, or what --minutes allow).")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", min=0.01, help="That trials may take, over all calls.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the search (default: runs/NAME-tune).")] = None,
    overrides: Overrides = None,
    language: Annotated[str | None, typer.Option("--lang", help="Language of the pages: en or zh.")] = None,
    as_json: Json = False,
) -> None:
    """Search settings by validation rows, or go on with it; then run the best once. The test is read at the end."""
    from penjing.cli.tune import TuneCall, run_search

    run_search(TuneCall(recipe, trials, minutes, out, overrides or [], language), as_json=as_json)


for command in (predict, answer, explain, generate, chat, evaluate):
    app.command()(command)


@app.command()
def tokenizer(
    path: Annotated[
        str, typer.Argument(help="A model folder, the folder of a run, or a tokenizer.json.", metavar="PATH")
    ],
    texts: Annotated[list[str], typer.Argument(help="CSV, TSV, JSONL, Parquet or text, also gzipped.")],
    against: Annotated[list[str] | None, typer.Option("--against", help="Another tokenizer, to stand beside.")] = None,
    column: Annotated[str, typer.Option("--text", help="The files' column of texts.")] = "text",
    columns: Annotated[
        str | None, typer.Option("--columns", help="Names for files without a header: text,label")
    ] = None,
    sample_mb: Annotated[float, typer.Option("--sample-mb", min=0.0001, help="Draw so much text evenly.")] = 5,
    page: Annotated[Path | None, typer.Option("--html", help="Also write a page into this file.")] = None,
    language: DataLanguage = "en",
    as_json: Json = False,
) -> None:
    """How well a tokenizer fits texts: bytes a token, words cut, what it lacks, what it never uses, how fast it is."""
    from penjing.cli.tokenizer import show_card
    from penjing.pipeline.report.strings import check_language

    names = tuple(columns.split(",")) if columns else None
    show_card(path, texts, against or [], column, names, sample_mb, page, check_language(language), as_json=as_json)


@app.command()
def words(
    texts: Annotated[list[str], typer.Argument(help="Files, folders and addresses of texts.", metavar="TEXTS...")],
    near: Annotated[list[str] | None, typer.Option("--near", help="A word whose neighbors are shown.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, max=1000, help="How many neighbors.")] = 10,
    column: Annotated[str, typer.Option("--text", help="Column of the texts, in tables.")] = "text",
    columns: Annotated[
        str | None, typer.Option("--columns", help="Names for files without a header: text,label")
    ] = None,
    size: Annotated[int, typer.Option("--size", min=2, max=2000, help="Numbers of a vector.")] = 100,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Passes over the words.")] = 5,
    fewest: Annotated[int, typer.Option("--min-count", min=1, help="Times that a word must occur.")] = 5,
    shown: Annotated[int, typer.Option("--shown", min=4, max=2000, help="Frequent words on the map.")] = 250,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the vectors, and of the map.")] = 0,
    page: Annotated[Path | None, typer.Option("--html", help="Also write a page with a map into this file.")] = None,
    language: DataLanguage = "en",
    as_json: Json = False,
) -> None:
    """Vectors of the words of texts (word2vec): which words are used alike, as lists and as a map."""
    from penjing.cli.words import WordCall, show_words
    from penjing.pipeline.report.strings import check_language

    names = tuple(columns.split(",")) if columns else None
    call = WordCall(texts, column, names, near or [], most, size, epochs, fewest, shown, seed)
    show_words(call, page, check_language(language), as_json=as_json)


@app.command()
def lineage(
    model: ModelFolder,
    documents: Annotated[
        bool, typer.Option("--documents", help="Every text that it was pretrained on: id, file and row.")
    ] = False,
    as_json: Json = False,
) -> None:
    """What a model was made from: every stage, its inputs and settings."""
    from penjing.cli.lineage import show_lineage, show_model_documents

    show_model_documents(model, as_json=as_json) if documents else show_lineage(model, as_json=as_json)


app.command(name="export")(export)
app.command(name="import")(import_)
app.add_typer(data, name="data")
app.add_typer(serve, name="serve")


def main() -> None:
    """Runs the command line and exits with its code."""
    for stream in ("stdout", "stderr"):
        if getattr(sys, stream) is None:  # closed by the caller: what is written there goes nowhere
            setattr(sys, stream, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open to the end
        spell_out_unknown_characters(getattr(sys, stream))
    sys.exit(exit_code_of(_call, debug="--debug" in sys.argv[1:2]))


def _call() -> int:
    """Does what the command line says; what Typer would make of signals, broken pipes and errors is left to us."""
    command = typer.main.get_command(app)
    try:
        with command.make_context("penjing", sys.argv[1:]) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except _CallError as error:
        call: Any = error
        path = call.ctx.command_path if call.ctx else "penjing"
        raise UsageError(call.format_message(), do=f"See {path} --help.") from error
    return 0
