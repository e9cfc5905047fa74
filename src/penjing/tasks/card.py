"""The card of a model folder, ``penjing.json``: what the model is for, how it is asked, what it was made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, Field, PositiveInt, ValidationError

from penjing.errors import ModelFolderError, UsageError, nearest
from penjing.files import read_json
from penjing.inference.learned import NOTHING_KNOWN, Learned
from penjing.model_files import check_model_folder
from penjing.tasks.task import Answers, Task, load_task

Settings = TypeVar("Settings", bound=BaseModel)
CARD = "penjing.json"
_COPY = "Copy the file again, as training wrote it."


class _Asked(BaseModel):
    """What a model cannot be asked without."""

    task: str
    render: dict[str, Any]
    fingerprint: str


class _Ngrams(BaseModel):
    share: float = Field(gt=0, lt=1)
    hash: str


class _AskedForLabels(_Asked):
    labels: list[str] = Field(min_length=2)
    raw_labels: dict[str, str] = {}
    ngrams: _Ngrams | None = None


class _AskedForSets(_AskedForLabels):
    threshold: float = Field(ge=0, le=1)


class _AskedForTexts(_Asked):
    write: dict[str, Any]


class _AskedForReplies(_AskedForTexts):
    cache: float = Field(0.0, ge=0, lt=1, strict=True)


class _AskedForContinuations(_AskedForTexts):
    reads: dict[str, Any]


class _AskedForSpans(_Asked):
    answer: dict[str, Any]


class _AskedForItems(_Asked):
    encoder: bool


class _Part(_Asked):
    labels: list[str] | None = Field(None, min_length=2)
    raw_labels: dict[str, str] = {}


class _AskedForParts(_AskedForTexts):
    parts: dict[str, _Part] = Field(min_length=1)


_SHAPES: Mapping[Answers, type[_Asked]] = {
    "label": _AskedForLabels,
    "rank": _AskedForLabels,
    "set": _AskedForSets,
    "span": _AskedForSpans,
    "text": _AskedForTexts,
    "reply": _AskedForReplies,
    "preferred text": _AskedForTexts,
    "preferred reply": _AskedForReplies,
    "continuation": _AskedForContinuations,
    "items": _AskedForItems,
    "parts": _AskedForParts,
}


class _Made(BaseModel):
    """A stage that a model was made by."""

    stage: str
    content: str
    files: list[tuple[str, str]]
    inputs: dict[str, str]
    finished: str


class _Pretrained(BaseModel):
    objective: str | None = None
    window_tokens: PositiveInt | None = None


class _History(BaseModel):
    lineage: list[_Made] = []


def read_card(folder: Path) -> dict[str, Any]:
    """Returns what a model folder says of itself, with at least task, render, fingerprint, and labels, write, answer
    or encoder.

    Raises:
        ModelFolderError: the file is missing, or is not as training wrote it.
    """
    card = _read(folder)
    if not isinstance(card, dict) or "task" in card or "objective" not in card:
        _check(card, _shape_of(card), folder)
    else:
        raise ModelFolderError(
            "this is a language model, which has no labels to answer with",
            where=str(folder),
            do="Use penjing generate or penjing evaluate; to fine-tune it, name it in [model] start.",
        )
    if len(set(card.get("labels", ()))) < len(card.get("labels", ())):
        raise ModelFolderError("the entry labels names a label twice", where=str(folder / CARD), do=_COPY)
    return card


def choose_part(card: dict[str, Any], folder: Path, part: str | None) -> tuple[str | None, dict[str, Any]]:
    """Returns the name of a part of a model of several tasks, and its card; of another model None, and the card itself.

    Args:
        card: of the model.
        folder: of the model.
        part: its name; None: the only one.

    Raises:
        UsageError: there is no such part, or no name was given and there are several.
    """
    if "parts" not in card:
        if part is None:
            return None, card
        what = f"there is no part {part}, for this model has one task, {card['task']}"
        raise UsageError(what, where=str(folder), do="Leave the part out.")
    known = list(card["parts"])
    if part is None and len(known) == 1:
        return known[0], card["parts"][known[0]]
    if part is None:
        raise UsageError(
            f"this model has several parts: {', '.join(known)}",
            where=str(folder),
            do=f'Say which is asked: part "{known[0]}"; on the command line --part {known[0]}.',
        )
    if part not in known:
        raise UsageError(f'there is no part "{part}"', where=str(folder), do=nearest(part, known))
    return part, card["parts"][part]


def writes_answers(card: Mapping[str, Any]) -> bool:
    """Whether a model that answers questions writes what it says, by its card; others find it in a text."""
    return "write" in card


def card_task(card: dict[str, Any], folder: Path) -> Task:
    """Returns the task that a card names.

    Raises:
        ModelFolderError: there is no such task here.
    """
    try:
        return load_task(card["task"])
    except UsageError as error:
        do = f"{error.do} Install the package that brings the task, or copy the file again."
        raise ModelFolderError(error.what, where=str(folder / CARD), do=do) from error


def card_settings(folder: Path, card: dict[str, Any], entry: str, kind: type[Settings]) -> Settings:
    """Returns an entry of a card as settings.

    Raises:
        ModelFolderError: it is not as training wrote it.
    """
    try:
        return kind.model_validate(card.get(entry))
    except ValidationError as error:
        raise ModelFolderError(
            f"the entry {entry} is wrong", where=str(folder / CARD), do="Copy the file again, as training wrote it."
        ) from error


def check_fingerprint(folder: Path, card: dict[str, Any], fingerprint: str) -> None:
    """Refuses a tokenizer or a template that is not the one of training.

    Raises:
        ModelFolderError: it is another.
    """
    if fingerprint != card["fingerprint"]:
        raise ModelFolderError(
            "the tokenizer or the template is not the one the model was trained with, "
            "so its answers would mean nothing",
            where=str(folder),
            do="Restore tokenizer.json, tokenizer_config.json and penjing.json as training wrote them.",
        )


def read_lineage(folder: Path) -> list[dict[str, Any]]:
    """Returns the stages that a model was made by, in order.

    Raises:
        ModelFolderError: the file is missing, or is not as training wrote it.
    """
    card = _read(folder)
    _check(card, _History, folder)
    entries: list[dict[str, Any]] = card.get("lineage", [])
    return entries


def read_learned(folder: Path) -> Learned:
    """Returns what a language model learned from texts; nothing where its folder, as one of the hub's, has no card.

    Raises:
        ModelFolderError: the card is not as training wrote it.
    """
    if not (folder / CARD).is_file():
        return NOTHING_KNOWN
    card = _read(folder)
    _check(card, _Pretrained, folder)
    return Learned(card.get("objective"), card.get("window_tokens"))


@contextmanager
def written_in(file: Path) -> Iterator[None]:
    """Says of an impossible value that it stands in this file: the folder is damaged, the call is not wrong."""
    try:
        yield
    except UsageError as error:
        do = f"{error.do} If nobody changed the file, copy it again.".strip()
        raise ModelFolderError(error.what, where=str(file), do=do) from error


def _shape_of(card: Any) -> type[BaseModel]:
    """Returns what a card must hold, by its task; one that is not known here is taken for one of labels."""
    try:
        answers = load_task(card["task"]).answers
        return _AskedForTexts if answers == "span" and writes_answers(card) else _SHAPES[answers]
    except (UsageError, KeyError, TypeError):
        return _AskedForLabels


def _read(folder: Path) -> dict[str, Any]:
    path = folder / CARD
    check_model_folder(folder)
    if not path.is_file():
        raise ModelFolderError(
            f"there is no {CARD}, so nothing says what this model is for",
            where=str(folder),
            do='Give the folder "model" of a finished run; to start from a bare model, name it in [model] start.',
        )
    try:
        card: dict[str, Any] = read_json(path)
    except ValueError as error:
        raise ModelFolderError(f"this is not JSON ({error})", where=str(path), do=_COPY) from error
    return card


def _check(card: Any, shape: type[BaseModel], folder: Path) -> None:
    try:
        shape.model_validate(card)
    except ValidationError as error:
        raise ModelFolderError(_complaint(error), where=str(folder / CARD), do=_COPY) from error


def _complaint(error: ValidationError) -> str:
    found = error.errors()
    missing = [str(item["loc"][0]) for item in found if item["type"] == "missing" and len(item["loc"]) == 1]
    if len(missing) == 1:
        return f"the entry {missing[0]} is missing"
    if missing:
        return f"the entries {', '.join(missing)} are missing"
    if not found[0]["loc"]:
        return "this is not a JSON object"
    return f"the entry {found[0]['loc'][0]} is not as training writes it"
