"""The commands that ask a finished model; `penjing.cli.main` registers them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from penjing.cli.options import (
    Encoding,
    EngineWeights,
    FrequencyPenalty,
    Json,
    MinP,
    ModelFolder,
    Part,
    PresencePenalty,
    RepetitionPenalty,
    Seed,
    Temperature,
    TopK,
    TopP,
    check_encoding_use,
)
from penjing.errors import UsageError


def predict(
    model: ModelFolder,
    texts: Annotated[list[str] | None, typer.Argument(help="Texts; none: read lines from standard input.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="CSV, TSV, JSONL, Parquet or text, also gzipped.")] = None,
    column: Annotated[
        str | None, typer.Option("--column", help="The file's column of texts (default: text; of questions: context).")
    ] = None,
    context: Annotated[str | None, typer.Option("--context", help="The text in which questions are answered.")] = None,
    sentences: Annotated[
        bool, typer.Option("--sentences", help="Answer each sentence of a text by itself, with its place in it.")
    ] = False,
    top: Annotated[
        int | None, typer.Option("--top", min=1, help="So many items, for a model that ranks them (default: 10).")
    ] = None,
    part: Part = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write the answers of --file here (.jsonl, .csv, .parquet); called again, go on."),
    ] = None,
    bad: Annotated[
        str, typer.Option("--bad", help="Rows that cannot be read, with --out: stop there, or list them and go on.")
    ] = "stop",
    encoding: Encoding = None,
    as_json: Json = False,
) -> None:
    """Ask a model about texts, a file, or standard input: for labels, texts, replies, items, or parts of texts."""
    from penjing.cli.evaluate import answers_with
    from penjing.cli.predict import TOP, check_top, read_texts, show_predictions, show_rankings, show_sentences
    from penjing.cli.predict_answers import AnswerCall, show_answers

    check_top(model, top)
    check_encoding_use(encoding, file, "--file")
    answers = "parts" if sentences else answers_with(model, part)
    if out is not None:
        from penjing.cli.predict_file import FileCall, predict_into

        if file is None or texts or context is not None:
            raise UsageError("--out is for the rows of --file", do="Give --file, and neither texts nor --context.")
        kind = "sentences" if sentences else answers
        predict_into(FileCall(model, file, out, kind, column, part, top, bad, encoding), as_json=as_json)
        return
    if answers == "span":
        call = AnswerCall(texts or [], context, file, text=column or "context", encoding=encoding)
        show_answers(model, call, part=part, as_json=as_json)
        return
    if context is not None:
        raise UsageError(
            "--context is for models that find answers, and this is none", where=str(model), do="Leave it out."
        )
    if answers == "items":
        named = column or "text", top or TOP
        show_rankings(model, texts or [], file, *named, encoding=encoding, as_json=as_json)
        return
    source = read_texts(texts or [], file, column or "text", encoding)
    if sentences:
        show_sentences(model, source, column or "text", as_json=as_json)
    else:
        show_predictions(model, source, part=part, as_json=as_json)


def answer(
    model: ModelFolder,
    folder: Annotated[Path, typer.Argument(help="Folder of documents: text, Markdown, HTML, Word, PDF.")],
    question: Annotated[str, typer.Argument(help="What is asked.")],
    encoder: Annotated[
        Path | None, typer.Option("--encoder", help="Model folder whose vectors are searched beside the words.")
    ] = None,
    index: Annotated[
        Path | None, typer.Option("--index", help="Where the index is kept (default: beside, FOLDER.index).")
    ] = None,
    passages: Annotated[int, typer.Option("--passages", min=1, max=200, help="How many are read.")] = 10,
    most: Annotated[int, typer.Option("--answers", min=1, help="How many answers are shown.")] = 3,
    part: Part = None,
    as_json: Json = False,
) -> None:
    """Answer a question over a folder of documents, with the place in them where the answer stands."""
    from penjing.cli.answer import DocumentCall, show_cited_answers

    call = DocumentCall(folder, encoder, index, passages, part)
    show_cited_answers(model, call, question, most, as_json=as_json)


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
    encoding: Encoding = None,
    as_json: Json = False,
) -> None:
    """Which words an answer rests on, and how far that can be believed."""
    from penjing.cli.explain import show_comparison, show_explanations

    check_encoding_use(encoding, file, "--file")
    if compare:
        show_comparison(model, texts or [], file, column, encoding=encoding, as_json=as_json)
    else:
        show_explanations(model, texts or [], file, column, method, label, encoding=encoding, as_json=as_json)


def generate(
    model: Annotated[Path, typer.Argument(help="Folder of a language model that writes.", metavar="MODEL")],
    prompt: Annotated[str, typer.Argument(help="The text to be continued, or answered by a T5.")] = "",
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1, help="Most tokens that are added.")] = 100,
    temperature: Temperature = 0.8,
    top_p: TopP = 0.95,
    top_k: TopK = 0,
    min_p: MinP = 0.0,
    repetition: RepetitionPenalty = 1.0,
    presence: PresencePenalty = 0.0,
    frequency: FrequencyPenalty = 0.0,
    stop: Annotated[list[str] | None, typer.Option("--stop", help="A text that ends what is written.")] = None,
    schema: Annotated[Path | None, typer.Option("--schema", help="Write JSON by the JSON schema in this file.")] = None,
    regex: Annotated[str | None, typer.Option("--regex", help="Write what this expression matches.")] = None,
    seed: Seed = 0,
    weights: EngineWeights = None,
    as_json: Json = False,
) -> None:
    """Continue a text with a language model, or let a T5 answer it."""
    from penjing.cli.generate import Form, show_generation
    from penjing.cli.weights import check_weights
    from penjing.inference.sampling_settings import SamplingSettings

    settings = SamplingSettings(max_tokens, temperature, top_p, seed, top_k, min_p, repetition, presence, frequency)
    form = Form(stop or [], schema, regex)
    show_generation(model, prompt, settings, form, check_weights(weights), as_json=as_json)


def chat(
    model: Annotated[Path, typer.Argument(help="Folder of a decoder with a chat template.", metavar="MODEL")],
    system: Annotated[str, typer.Option("--system", help="What the assistant is told before the dialogue.")] = "",
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1, help="Most tokens of a reply.")] = 100,
    temperature: Temperature = 0.8,
    top_p: TopP = 0.95,
    top_k: TopK = 0,
    min_p: MinP = 0.0,
    repetition: RepetitionPenalty = 1.0,
    presence: PresencePenalty = 0.0,
    frequency: FrequencyPenalty = 0.0,
    seed: Seed = 0,
    weights: EngineWeights = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="After each reply, its tokens and their speed.")] = False,
    remembers: Annotated[
        bool, typer.Option("--history/--no-history", help="Keep what is typed for the next session.")
    ] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="Messages (JSON) on standard input, one JSON document on standard output.")
    ] = False,
) -> None:
    """Talk with a model, turn by turn; /help there shows what else can be done."""
    from penjing.cli.chat import ChatCall, answer_messages, converse
    from penjing.cli.weights import check_weights
    from penjing.inference.sampling_settings import SamplingSettings

    settings = SamplingSettings(max_tokens, temperature, top_p, seed, top_k, min_p, repetition, presence, frequency)
    call = ChatCall(model, system, settings, check_weights(weights), verbose, remembers)
    answer_messages(call) if as_json else converse(call)
