"""The card of a model of the hub, which has none: what it is for, its labels, how its rows are laid out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import penjing
from penjing.errors import UsageError
from penjing.files import read_json
from penjing.models.stored import hash_weights
from penjing.pipeline.exporting.source import Source, row_template
from penjing.tasks.answer_settings import AnswerSettings
from penjing.tasks.task import Answers, load_task
from penjing.text.question_renderer import QuestionRenderer, QuestionRendererSettings
from penjing.text.renderer import Renderer, RendererSettings

_LONGEST = 2048  # tokens of a row, where the network can read more
_THRESHOLD = 0.5  # a label is given that is likelier than not
_MULTILABEL, _REGRESSION = "multi_label_classification", "regression"


def make_card(source: Source, task: str | None, labels: Sequence[str] | None) -> dict[str, Any]:
    """Returns the card of a model of the hub that has none; empty where its network does not say what it is for.

    A network that gives one label is taken for ``classify``, one that gives several for ``multilabel``, and one that
    finds spans for ``answer``.

    Args:
        source: the model.
        task: what it is for; None: what its network says.
        labels: names for its labels, in its order; None: its own.

    Raises:
        UsageError: the task is none that such a network can do, labels are given that are not needed, not as many as
            it has, or the same; or its tokenizer puts something around a text that no template says.
    """
    answers = _answers_of(source)
    if answers is None or source.card:
        if task is not None or labels is not None:
            what = "--task and --labels are for classifiers and readers that find answers, without a card of their own"
            raise UsageError(what, where=str(source.folder), do="Leave them out.")
        return source.card
    name = task or {"label": "classify", "set": "multilabel", "span": "answer"}[answers]
    if load_task(name).answers != answers:
        what = f"its network ends in {answers}s, and the task {name} asks for {load_task(name).answers}"
        raise UsageError(what, where="--task", do="Leave --task out, or name another.")
    own = _for_answers(source, labels) if answers == "span" else _for_labels(source, labels, answers)
    return {"penjing": penjing.__version__, "task": name, **own, "weights": hash_weights(source.folder)}


def _answers_of(source: Source) -> Answers | None:
    if source.head == "span":
        return "span"
    kind = source.values.get("problem_type")
    if source.head != "classifier" or len(source.labels) < 2 or kind == _REGRESSION:  # numbers are no labels
        return None
    return "set" if kind == _MULTILABEL else "label"


def _for_labels(source: Source, labels: Sequence[str] | None, answers: Answers) -> dict[str, Any]:
    template = row_template(source.tokenizer)
    if template is None:
        what = "its tokenizer puts something around a text that no template of Penjing says"
        raise UsageError(what, where=str(source.folder), do="Import it as a start alone, from its language model.")
    if source.architecture.name != "bert" and template.endswith("[SEP]") and _fills_with_end(source):
        raise UsageError(
            "its tokenizer ends a text with the token that fills up rows, so Transformers answers by the one before",
            where=str(source.folder),
            do="Give pad_token_id of config.json a token of its own, where the model was trained so.",
        )
    settings = RendererSettings(template=template, max_tokens=min(_LONGEST, source.positions), cut=_cut(source))
    card = {
        "labels": _names(source.labels, labels),
        "render": settings.model_dump(mode="json"),
        "fingerprint": Renderer(source.tokenizer, settings).fingerprint,
    }
    if labels is not None and not set(labels) & set(source.labels):  # else a label of a file would be taken for another
        card["raw_labels"] = dict(zip(source.labels, labels, strict=True))
    return card if answers == "label" else {**card, "threshold": _THRESHOLD}


def _fills_with_end(source: Source) -> bool:
    return source.values.get("pad_token_id") == source.tokenizer.end_id


def _cut(source: Source) -> Literal["end", "start"]:
    """Returns which part of a longer text its tokenizer leaves out."""
    file = source.folder / "tokenizer_config.json"
    side = read_json(file).get("truncation_side") if file.is_file() else None
    return "start" if side == "left" else "end"


def _for_answers(source: Source, labels: Sequence[str] | None) -> dict[str, Any]:
    if labels is not None:
        raise UsageError("a model that finds answers has no labels", where="--labels", do="Leave --labels out.")
    positions, settings = source.positions, QuestionRendererSettings()
    if positions < settings.max_tokens:
        room = {"max_tokens": positions, "max_question_tokens": positions // 6, "overlap_tokens": positions // 3}
        settings = QuestionRendererSettings.model_validate(room)
    return {
        "render": settings.model_dump(mode="json"),
        "answer": AnswerSettings().model_dump(mode="json"),
        "fingerprint": QuestionRenderer(source.tokenizer, settings).fingerprint,
    }


def _names(own: Sequence[str], given: Sequence[str] | None) -> list[str]:
    names = list(own if given is None else given)
    if len(names) != len(own):
        what = f"{len(names)} names are given for its {len(own)} labels, {', '.join(own)[:200]}"
    elif len(set(names)) < len(names) or not all(names):
        what = "two of the names are the same, or one is empty"
    else:
        return names
    raise UsageError(what, where="--labels", do="Give a name of its own for each label, in this order.")
