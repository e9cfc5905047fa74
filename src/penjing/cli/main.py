"""The command ``penjing``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import penjing
from penjing.cli.data_app import data
from penjing.cli.options import DataLanguage, Json, ModelFolder
from penjing.cli.output import exit_code_of
from penjing.errors import UsageError

# The root of what is said about a wrong call; newer releases of Typer bring their own copy of click.
_CallError: type[Exception] = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")

app = typer.Typer(
    help="Own your language models: from raw text to a model that is scored, proved and served.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Overrides = Annotated[list[str] | None, typer.Option("--set", help="Change a setting: --set finetune.epochs=5")]
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
    """The whole path on real film reviews, with a report at the end (about 3 minutes on two cores)."""
    from penjing.cli.run import run_quickstart

    run_quickstart(out, overrides or [], language, as_json=as_json)


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
def predict(
    model: ModelFolder,
    texts: Annotated[list[str] | None, typer.Argument(help="Texts; none: read lines from standard input.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="CSV, TSV, JSONL, Parquet or text, also gzipped.")] = None,
    column: Annotated[str, typer.Option("--column", help="The file's column of texts.")] = "text",
    top: Annotated[
        int | None, typer.Option("--top", min=1, help="So many items, for a model that ranks them (default: 10).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask a model about texts, a file, or standard input; one that ranks items about what somebody had, in order."""
    from penjing.cli.predict import show_predictions

    show_predictions(model, texts or [], file, column, top, as_json=as_json)


@app.command()
def explain(
    model: ModelFolder,
    texts: Annotated[list[str] | None, typer.Argument(help="Texts; none: read lines from standard input.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="CSV, TSV, JSONL, Parquet or text, also gzipped.")] = None,
    column: Annotated[str, typer.Option("--column", help="The file's column of texts.")] = "text",
    method: Annotated[
        str, typer.Option("--method", help="integrated_gradients, occlusion, attention_rollout or random.")
    ] = "integrated_gradients",
    label: Annotated[str | None, typer.Option("--label", help="Explain this label (default: the answer).")] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Measure all methods on the texts instead.")] = False,
    as_json: Json = False,
) -> None:
    """Which words an answer rests on, and how far that can be believed."""
    from penjing.cli.explain import show_comparison, show_explanations

    if compare:
        show_comparison(model, texts or [], file, column, as_json=as_json)
    else:
        show_explanations(model, texts or [], file, column, method, label, as_json=as_json)


@app.command()
def generate(
    model: Annotated[Path, typer.Argument(help="Folder of a language model that writes.", metavar="MODEL")],
    prompt: Annotated[str, typer.Argument(help="The text to be continued, or answered by a T5.")] = "",
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1, help="Most tokens that are added.")] = 100,
    temperature: Annotated[float, typer.Option("--temperature", min=0, help="0: the likeliest token always.")] = 0.8,
    top_p: Annotated[float, typer.Option("--top-p", help="Draw from the likeliest tokens only, up to this.")] = 0.95,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Decides what is drawn.")] = 0,
    as_json: Json = False,
) -> None:
    """Continue a text with a language model, or let a T5 answer it."""
    from penjing.cli.generate import show_generation

    show_generation(model, prompt, max_tokens, temperature, top_p, seed, as_json=as_json)


@app.command()
def evaluate(
    model: ModelFolder,
    data: Annotated[
        str,
        typer.Argument(
            help="Labelled rows, pairs or events; for a language model texts or minimal pairs. -: CSV on standard "
            "input.",
            metavar="DATA",
        ),
    ],
    text: Annotated[str, typer.Option("--text", help="Its column of texts.")] = "text",
    label: Annotated[str, typer.Option("--label", help="Its column of labels.")] = "label",
    columns: Annotated[
        str | None, typer.Option("--columns", help="Names for a file without a header: text,label")
    ] = None,
    target: Annotated[
        str, typer.Option("--target", help="Its column of what should be written, for a model that writes.")
    ] = "target",
    beside: Annotated[
        Path | None, typer.Option("--beside", help="File of lines that should be written to the lines of DATA.")
    ] = None,
    user: Annotated[
        str, typer.Option("--user", help="Its column of users, of events, for a model that ranks items.")
    ] = "user",
    item: Annotated[str, typer.Option("--item", help="Its column of items.")] = "item",
    time: Annotated[str, typer.Option("--time", help="Its column of times.")] = "time",
    pairs_per_set: Annotated[
        int | None, typer.Option("--pairs-per-set", min=1, help="Minimal pairs: ask a sample of so many of each set.")
    ] = None,
    train: Annotated[
        str | None, typer.Option("--train", help="Texts a language model learned from; adds baselines fitted on them.")
    ] = None,
    resamples: Annotated[int, typer.Option("--resamples", min=100, help="Bootstrap resamples.")] = 1000,
    as_json: Json = False,
) -> None:
    """Score a model, each score with its 95% interval: on labelled rows, or a language model on texts or BLiMP."""
    from penjing.cli.evaluate import answers_with, show_scores
    from penjing.cli.evaluate_language import is_language_model, show_language_scores

    names = tuple(columns.split(",")) if columns else None
    if is_language_model(model):
        show_language_scores(model, data, text, names, train, pairs_per_set, resamples, as_json=as_json)
        return
    if pairs_per_set or train:
        raise UsageError(
            f"{'--pairs-per-set' if pairs_per_set else '--train'} is for language models, and this is none",
            where=str(model),
            do="Leave it out, or give the folder of a language model.",
        )
    answers = answers_with(model)
    if answers == "items":
        from penjing.cli.evaluate_ranking import EventColumns, show_ranking_scores

        events = EventColumns(data, user, item, time, names)
        show_ranking_scores(model, events, resamples, as_json=as_json)
        return
    if answers == "text":
        from penjing.cli.evaluate_writing import PairColumns, show_writing_scores

        show_writing_scores(model, PairColumns(data, text, target, names, beside), resamples, as_json=as_json)
        return
    show_scores(model, data, text, label, names, resamples, as_json=as_json)


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


app.add_typer(data, name="data")


def main() -> None:
    """Runs the command line and exits with its code."""
    for stream in ("stdout", "stderr"):
        if getattr(sys, stream) is None:  # closed by the caller: what is written there goes nowhere
            setattr(sys, stream, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open to the end
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
