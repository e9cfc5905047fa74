"""``penjing evaluate``: its options, and which kind of model they go to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from penjing.cli.options import Json, ModelFolder, Part
from penjing.errors import UsageError


def evaluate(
    model: ModelFolder,
    data: Annotated[
        str,
        typer.Argument(
            help="Labelled rows, pairs, questions, dialogues, events or preferences; for a language model texts or "
            "minimal pairs. -: CSV on standard input.",
            metavar="DATA",
        ),
    ],
    text: Annotated[
        str | None,
        typer.Option(
            "--text",
            help="Its column of texts (default: text; of questions: context; of dialogues: messages; of preferences: "
            "prompt).",
        ),
    ] = None,
    label: Annotated[
        str, typer.Option("--label", help="Its column of labels; columns of 0 and 1 with commas between.")
    ] = "label",
    columns: Annotated[
        str | None, typer.Option("--columns", help="Names for a file without a header: text,label")
    ] = None,
    target: Annotated[
        str, typer.Option("--target", help="Its column of what should be written; several with commas between.")
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
    chosen: Annotated[str, typer.Option("--chosen", help="Its column of preferred answers.")] = "chosen",
    rejected: Annotated[str, typer.Option("--rejected", help="Its column of the other answers.")] = "rejected",
    reference: Annotated[
        Path | None, typer.Option("--reference", help="Model folder that preferences were learned from; adds rewards.")
    ] = None,
    resamples: Annotated[int, typer.Option("--resamples", min=100, help="Bootstrap resamples.")] = 1000,
    separator: Annotated[
        str | None, typer.Option("--separator", help='Stands between labels, for a model of several: "|".')
    ] = None,
    part: Part = None,
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
    _refuse(model, {"--pairs-per-set": pairs_per_set, "--train": train}, "language models")
    answers = answers_with(model, part)
    if answers == "span":
        from penjing.cli.evaluate_answers import QuestionCall, show_answer_scores

        asked = QuestionCall(data, column or "context", question, answer, names, folder, encoder)
        show_answer_scores(model, asked, resamples, part=part, as_json=as_json)
        return
    _refuse(model, {"--folder": folder, "--encoder": encoder}, "models that find answers")
    if answers == "set":
        from penjing.cli.evaluate_multilabel import show_multilabel_scores
        from penjing.data.label_cells import LabelRules

        rules = LabelRules(tuple(label.split(",")), empty="keep", separator=separator)
        show_multilabel_scores(model, data, text, rules, names, resamples, as_json=as_json)
        return
    _refuse(model, {"--separator": separator}, "models that give several labels")
    if answers in ("preferred text", "preferred reply"):
        from penjing.cli.evaluate_preferences import PreferenceColumns, show_preference_scores

        compared = PreferenceColumns(data, column or "prompt", chosen, rejected, names, reference)
        show_preference_scores(model, compared, resamples, as_json=as_json)
        return
    _refuse(model, {"--reference": reference}, "models that learned from preferences")
    if answers == "items":
        from penjing.cli.evaluate_ranking import EventColumns, show_ranking_scores

        show_ranking_scores(model, EventColumns(data, user, item, time, names), resamples, as_json=as_json)
    elif answers == "text":
        from penjing.cli.evaluate_writing import PairColumns, show_writing_scores

        pairs = PairColumns(data, text, tuple(target.split(",")), names, beside)
        show_writing_scores(model, pairs, resamples, part=part, as_json=as_json)
    elif answers == "reply":
        from penjing.cli.evaluate_dialogues import DialogueColumns, show_dialogue_scores

        given = DialogueColumns(data, column or "messages", None if target == "target" else target)
        show_dialogue_scores(model, given, names, resamples, as_json=as_json)
    else:
        show_scores(model, data, text, label, names, resamples, part=part, as_json=as_json)


def _refuse(model: Path, options: Mapping[str, object], whose: str) -> None:
    """Refuses options that are for other models."""
    for option, value in options.items():
        if value is not None:
            what = f"{option} is for {whose}, and this is none"
            raise UsageError(what, where=str(model), do="Leave it out, or give the folder of such a model.")
