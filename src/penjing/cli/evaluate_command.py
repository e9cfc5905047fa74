"""``penjing evaluate``: its options, and which kind of model they go to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from penjing.cli.options import Json, ModelFolder
from penjing.data.label_cells import LabelRules
from penjing.errors import UsageError


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
    text: Annotated[
        str | None, typer.Option("--text", help="Its column of texts (default: text; of questions: context).")
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
    if separator is not None and answers != "set":
        raise UsageError(
            "--separator is for models that give several labels, and this is none",
            where=str(model),
            do="Leave it out, or give the folder of such a model.",
        )
    if answers == "set":
        from penjing.cli.evaluate_multilabel import show_multilabel_scores

        rules = LabelRules(tuple(label.split(",")), empty="keep", separator=separator)
        show_multilabel_scores(model, data, text, rules, names, resamples, as_json=as_json)
        return
    if answers == "items":
        from penjing.cli.evaluate_ranking import EventColumns, show_ranking_scores

        events = EventColumns(data, user, item, time, names)
        show_ranking_scores(model, events, resamples, as_json=as_json)
        return
    if answers == "text":
        from penjing.cli.evaluate_writing import PairColumns, show_writing_scores

        show_writing_scores(model, PairColumns(data, text, target, names, beside), resamples, as_json=as_json)
        return
    if answers == "span":
        from penjing.cli.answer import DocumentCall
        from penjing.cli.evaluate_answers import show_answer_scores
        from penjing.data.settings import QuestionData

        named = {"text": column or "context", "question": question, "answer": answer}
        asked = QuestionData(path=data, **named, columns=names, absent="keep", empty_text="drop")
        over = None if folder is None else DocumentCall(folder, encoder, None, 10)
        show_answer_scores(model, data, asked, resamples, over, as_json=as_json)
        return
    if folder is not None or encoder is not None:
        raise UsageError(
            f"{'--folder' if folder else '--encoder'} is for models that find answers, and this is none",
            where=str(model),
            do="Leave it out.",
        )
    show_scores(model, data, text, label, names, resamples, as_json=as_json)
