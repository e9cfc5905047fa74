"""The card of a model of the hub, which has none: what it is for, its labels, how its rows are laid out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import penjing
from penjing.errors import UsageError
from penjing.hashing import hash_file
from penjing.pipeline.exporting.source import Source
from penjing.tasks.answer_settings import AnswerSettings
from penjing.tasks.task import Answers, load_task
from penjing.text.question_renderer import QuestionRenderer, QuestionRendererSettings
from penjing.text.renderer import Renderer, RendererSettings
from penjing.text.tokenizer import Tokenizer

_LONGEST = 2048  # tokens of a row, where the network can read more
_THRESHOLD = 0.5  # a label is given that is likelier than not
_MULTILABEL = "multi_label_classification"


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
            what = "--task and --labels are for classifiers, and readers that find answers, without a card of their own"
            raise UsageError(what, where=str(source.folder), do="Leave them out.")
        return source.card
    name = task or {"label": "classify", "set": "multilabel", "span": "answer"}[answers]
    if load_task(name).answers != answers:
        what = f"its network ends in {answers}s, and the task {name} asks for {load_task(name).answers}"
        raise UsageError(what, where="--task", do="Leave --task out, or name another.")
    own = _for_answers(source, labels) if answers == "span" else _for_labels(source, labels, answers)
    weights = source.folder / "model.safetensors"
    hashed = {"weights": hash_file(weights)} if weights.is_file() else {}
    return {"penjing": penjing.__version__, "task": name, **own, **hashed}


def row_template(tokenizer: Tokenizer) -> str | None:
    """Returns the template by which rows are as a tokenizer of the hub lays them out; None: none says it."""
    start, end = tokenizer.prompt_start, tokenizer.prompt_end
    if end not in ([], [tokenizer.end_id]):
        return None
    mark = "[CLS]" if start == [tokenizer.start_id] else "[BEGIN]"
    return f"{mark if start else ''}{{text}}{'[SEP]' if end else ''}"


def _answers_of(source: Source) -> Answers | None:
    if source.head == "span":
        return "span"
    if source.head != "classifier" or len(source.labels) < 2:  # one output is a number, and no label
        return None
    return "set" if source.values.get("problem_type") == _MULTILABEL else "label"


def _for_labels(source: Source, labels: Sequence[str] | None, answers: Answers) -> dict[str, Any]:
    template = row_template(source.tokenizer)
    if template is None:
        what = "its tokenizer puts something around a text that no template of Penjing says"
        raise UsageError(what, where=str(source.folder), do="Import it as a start alone, from its language model.")
    positions = getattr(source.config, "max_position_embeddings", None) or 512
    settings = RendererSettings(template=template, max_tokens=min(_LONGEST, positions))
    card = {
        "labels": _names(source.labels, labels),
        "render": settings.model_dump(mode="json"),
        "fingerprint": Renderer(source.tokenizer, settings).fingerprint,
    }
    if labels is not None:
        card["raw_labels"] = dict(zip(source.labels, labels, strict=True))
    return card if answers == "label" else {**card, "threshold": _THRESHOLD}


def _for_answers(source: Source, labels: Sequence[str] | None) -> dict[str, Any]:
    if labels is not None:
        raise UsageError("a model that finds answers has no labels", where="--labels", do="Leave --labels out.")
    positions = getattr(source.config, "max_position_embeddings", None) or 512
    settings = QuestionRendererSettings()
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
    if len(names) != len(own) or len(set(names)) < len(names) or not all(names):
        what = f"{len(names)} names are given for its {len(own)} labels, {', '.join(own)[:200]}"
        if len(names) == len(own):
            what = "two of the names are the same, or one is empty"
        raise UsageError(what, where="--labels", do="Give a name of its own for each label, in this order.")
    return names
