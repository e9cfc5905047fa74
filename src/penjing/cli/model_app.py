"""The commands that ask a finished model; `penjing.cli.main` registers them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penjing.cli.options import Json, ModelFolder
from penjing.errors import UsageError

if TYPE_CHECKING:
    from penjing.tasks.task import Answers


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
    as_json: Json = False,
) -> None:
    """Ask a model about texts, a file, or standard input; or a model that finds answers, with --context or --file."""
    from penjing.cli.evaluate import answers_with
    from penjing.cli.predict import show_predictions, show_sentences
    from penjing.cli.predict_answers import AnswerCall, show_answers

    if answers_with(model) == "span" and not sentences:
        show_answers(model, AnswerCall(texts or [], context, file, text=column or "context"), as_json=as_json)
        return
    if context is not None:
        raise UsageError(
            "--context is for models that find answers, and this is none", where=str(model), do="Leave it out."
        )
    show = show_sentences if sentences else show_predictions
    show(model, texts or [], file, column or "text", as_json=as_json)


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
    as_json: Json = False,
) -> None:
    """Answer a question over a folder of documents, with the place in them where the answer stands."""
    from penjing.cli.answer import DocumentCall, show_cited_answers

    call = DocumentCall(folder, encoder, index, passages)
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
    as_json: Json = False,
) -> None:
    """Which words an answer rests on, and how far that can be believed."""
    from penjing.cli.explain import show_comparison, show_explanations

    if compare:
        show_comparison(model, texts or [], file, column, as_json=as_json)
    else:
        show_explanations(model, texts or [], file, column, method, label, as_json=as_json)


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


def chat(
    model: Annotated[Path, typer.Argument(help="Folder of a decoder with a chat template.", metavar="MODEL")],
    system: Annotated[str, typer.Option("--system", help="What the assistant is told before the dialogue.")] = "",
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1, help="Most tokens of a reply.")] = 100,
    temperature: Annotated[float, typer.Option("--temperature", min=0, help="0: the likeliest token always.")] = 0.8,
    top_p: Annotated[float, typer.Option("--top-p", help="Draw from the likeliest tokens only, up to this.")] = 0.95,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Decides what is drawn.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Messages (JSON) on standard input, one JSON document on standard output.")
    ] = False,
) -> None:
    """Talk with a model, turn by turn; /help there shows what else can be done."""
    from penjing.cli.chat import answer_messages, converse

    talk = answer_messages if as_json else converse
    talk(model, system, max_tokens, temperature, top_p, seed)


def evaluate(
    model: ModelFolder,
    data: Annotated[
        str,
        typer.Argument(
            help="Labelled rows; for a language model texts or minimal pairs. -: CSV on standard input.", metavar="DATA"
        ),
    ],
    text: Annotated[
        str | None,
        typer.Option(
            "--text", help="Its column of texts (default: text; of questions: context; of dialogues: messages)."
        ),
    ] = None,
    label: Annotated[
        str, typer.Option("--label", help="Its column of labels; columns of 0 and 1 with commas between.")
    ] = "label",
    columns: Annotated[
        str | None, typer.Option("--columns", help="Names for a file without a header: text,label")
    ] = None,
    target: Annotated[
        str, typer.Option("--target", help="Its column of what should be written, for a model that writes.")
    ] = "target",
    beside: Annotated[
        Path | None, typer.Option("--beside", help="File of lines that should be written to the lines of DATA.")
    ] = None,
    pairs_per_set: Annotated[
        int | None, typer.Option("--pairs-per-set", min=1, help="Minimal pairs: ask a sample of so many of each set.")
    ] = None,
    train: Annotated[
        str | None, typer.Option("--train", help="Texts a language model learned from; adds baselines fitted on them.")
    ] = None,
    question: Annotated[str, typer.Option("--question", help="Its column of questions.")] = "question",
    answer: Annotated[str, typer.Option("--answer", help="Its column of answers to questions.")] = "answer",
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Ask the questions of this folder of documents instead.")
    ] = None,
    encoder: Annotated[
        Path | None, typer.Option("--encoder", help="With --folder: model folder whose vectors are searched too.")
    ] = None,
    resamples: Annotated[int, typer.Option("--resamples", min=100, help="Bootstrap resamples.")] = 1000,
    separator: Annotated[
        str | None, typer.Option("--separator", help='Stands between labels, for a model of several: "|".')
    ] = None,
    as_json: Json = False,
) -> None:
    """Score a model, each score with its 95% interval: on labelled rows, or a language model on texts or BLiMP."""
    from penjing.cli.evaluate import answers_with, show_scores
    from penjing.cli.evaluate_language import is_language_model, show_language_scores

    names = tuple(columns.split(",")) if columns else None
    column, text = text, text or "text"
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
    _check_separator(model, separator, answers)
    if answers == "set":
        from penjing.cli.evaluate_multilabel import show_multilabel_scores
        from penjing.data.label_cells import LabelRules

        rules = LabelRules(tuple(label.split(",")), empty="keep", separator=separator)
        show_multilabel_scores(model, data, text, rules, names, resamples, as_json=as_json)
        return
    if answers == "text":
        from penjing.cli.evaluate_writing import PairColumns, show_writing_scores

        show_writing_scores(model, PairColumns(data, text, target, names, beside), resamples, as_json=as_json)
        return
    if answers == "span":
        from penjing.cli.evaluate_answers import QuestionCall, show_answer_scores

        asked = QuestionCall(data, column or "context", question, answer, names, folder, encoder)
        show_answer_scores(model, asked, resamples, as_json=as_json)
        return
    if folder is not None or encoder is not None:
        raise UsageError(
            f"{'--folder' if folder else '--encoder'} is for models that find answers, and this is none",
            where=str(model),
            do="Leave it out.",
        )
    if answers == "reply":
        from penjing.cli.evaluate_dialogues import DialogueColumns, show_dialogue_scores

        given = DialogueColumns(data, column or "messages", None if target == "target" else target)
        show_dialogue_scores(model, given, names, resamples, as_json=as_json)
        return
    show_scores(model, data, text, label, names, resamples, as_json=as_json)


def _check_separator(model: Path, separator: str | None, answers: Answers) -> None:
    if separator is not None and answers != "set":
        raise UsageError(
            "--separator is for models that give several labels, and this is none",
            where=str(model),
            do="Leave it out, or give the folder of such a model.",
        )
