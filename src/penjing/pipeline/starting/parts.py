"""What the files of a model of several tasks hold, and recipes for it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from penjing.data.plain import whole_number
from penjing.data.scale_names import has_labels_apart
from penjing.data.sources import group_by_split, source_files
from penjing.errors import UsageError
from penjing.pipeline.starting.looking import Found, FoundPart, describe_files, look_at_pairs, look_at_rows
from penjing.pipeline.starting.naming import MissingColumnError
from penjing.pipeline.starting.questions import holds_questions, look_at_questions
from penjing.pipeline.starting.wanted import (
    DECODER_WIDTHS,
    Document,
    Wanted,
    decoder_section,
    name_of,
    row_tokens,
    rows_section,
)
from penjing.pipeline.starting.writer import BATCH_TOKENS, FEW_ROWS, TOKENS_A_WORD
from penjing.registry import registered_names
from penjing.tasks.task import LabelTask, load_task
from penjing.text.prompt_renderer import QUESTION_PROMPT

_WRITTEN = ("label", "span", "text")  # what parts answer with
_LANGUAGES = {
    **{"en": "English", "zh": "Chinese", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian"},
    **{"ja": "Japanese", "ko": "Korean", "ru": "Russian", "pt": "Portuguese", "nl": "Dutch", "pl": "Polish"},
}
_LONGER = 1.5  # times as many words as its summary has a text, at least
_PROMPT_WORDS = 8  # of a template
_LABEL_WORDS, _ANSWER_WORDS = 8, 20
_EPOCHS_OF_START = 3
_FEWEST_STEPS, _MOST_EPOCHS = 2000, 40


def look_at_parts(given: Sequence[str]) -> Found:
    """Returns what the files of several tasks hold.

    Args:
        given: addresses, as ``[parts.NAME.data] path`` takes them; ``TASK=ADDRESS`` says the task of one, that of
            others is told from their columns.

    Raises:
        RecipeError: a file is missing.
        DataError: a file cannot be read.
        UsageError: there are fewer than two, or it cannot be told what one is for.
    """
    if len(given) < 2:
        raise UsageError(
            "a model of several tasks needs the files of two tasks or more",
            where="penjing new multi",
            do="Give each by a --data of its own: --data reviews.csv --data translate=captions.csv",
        )
    looked = [_look(*split_address(item)) for item in given]
    tasks = [part.task for part in looked]
    parts: dict[str, FoundPart] = {}
    for part in looked:
        name = part.task if tasks.count(part.task) == 1 else name_of(part.address)
        parts[name if name not in parts else f"{name}-{len(parts) + 1}"] = part
    return _sum(parts)


def split_address(given: str) -> tuple[str | None, str]:
    """Returns the task that stands before an address, or None, and the address.

    Raises:
        UsageError: this task's answers are not written.
    """
    task, sign, address = given.partition("=")
    if not sign or task not in registered_names("tasks"):
        return None, given
    if load_task(task).answers not in _WRITTEN:
        written = [name for name in registered_names("tasks") if load_task(name).answers in _WRITTEN]
        raise UsageError(
            f"the answers of {task} are not written, so that it can be no part",
            where="penjing new multi",
            do=f"Parts can be {', '.join(written)}.",
        )
    return task, address


def propose_parts(wanted: Wanted, found: Found) -> list[tuple[str, Document]]:
    """Returns recipes, the best first: from the folder that is to be a start, or a decoder, wide and narrow."""
    words = max(part.found.long_words for part in found.parts.values())
    longest = (
        row_tokens(words + _PROMPT_WORDS, TOKENS_A_WORD),
        row_tokens(found.long_target_words, TOKENS_A_WORD),
    )
    shared: Document = {
        "name": wanted.name,
        "task": wanted.task,
        "seed": 0,
        "parts": _parts(wanted, found.parts),
        "render": {"max_tokens": longest[0], "max_target_tokens": longest[1]},
        "write": {"max_tokens": longest[1], "beams": 4},
        "report": {"language": wanted.language},
    }
    if wanted.start is not None:
        finetune = {"epochs": _EPOCHS_OF_START, "batch_tokens": BATCH_TOKENS}
        return [("transfer", {**shared, "model": {"start": wanted.start}, "finetune": finetune})]
    return [
        (f"decoder, {name}", {**shared, **decoder_for(found, width, sum(longest))})
        for name, width in DECODER_WIDTHS.items()
    ]


def decoder_for(found: Found, width: int, longest: int) -> Document:
    """Returns a decoder; a small set is read more often, by fewer pieces."""
    words = found.words + found.long_target_words / 2
    steps = found.rows * words * TOKENS_A_WORD / BATCH_TOKENS
    epochs = min(_MOST_EPOCHS, max(8, math.ceil(_FEWEST_STEPS / max(1.0, steps))))
    return {
        "tokenizer": {"kind": "bpe", "vocab_size": 8000 if found.rows >= FEW_ROWS else 2000},
        "model": decoder_section(width, longest),
        "finetune": {
            "epochs": epochs,
            "batch_tokens": BATCH_TOKENS,
            "learning_rate": 1.5e-3,
            "dropout": 0.2,
            "evaluations": min(epochs, 10),
        },
    }


def _look(task: str | None, address: str) -> FoundPart:
    try:
        return _look_at(task or _guess(address), address)
    except MissingColumnError as error:
        do = "Columns of parts are found by their names: call it so."
        raise MissingColumnError(error.what, where=error.where, do=do) from error


def _look_at(task: str, address: str) -> FoundPart:
    answers = load_task(task).answers
    if answers == "span":
        return FoundPart(task, address, look_at_questions(address, {}))
    if answers == "label":
        return FoundPart(task, address, look_at_rows(address, None, None))
    return FoundPart(task, address, look_at_pairs([address], None, None, longer_first=task == "summarize"))


def _guess(address: str) -> str:
    """Returns the task that the columns of a file are for.

    Raises:
        UsageError: it cannot be told.
    """
    files = source_files(address)
    columns = describe_files((group_by_split(files) if len(files) > 1 else {}).get("train", files)).columns
    if holds_questions(columns):
        return "answer"
    if {"text", "label"} <= {column.looks_like for column in columns}:
        labels = set(map(whole_number, look_at_rows(address, None, None).labels))
        task = load_task("sentiment")
        assert isinstance(task, LabelTask)
        assert task.label_names is not None
        is_known = labels <= {*task.label_names, *task.label_names.values()}
        return "sentiment" if is_known and not has_labels_apart(task.label_names, labels) else "classify"
    try:
        pairs = look_at_pairs([address], None, None, longer_first=False)
    except UsageError as error:
        raise _unclear(address) from error
    if pairs.language != pairs.target_language:
        return "translate"
    lengths = sorted((pairs.long_words, pairs.long_target_words))
    if lengths[1] >= _LONGER * lengths[0]:
        return "summarize"
    raise _unclear(address)


def _unclear(address: str) -> UsageError:
    return UsageError(
        "what these rows are for cannot be told from their columns",
        where=address,
        do=f"Say it: --data translate={address}, for example.",
    )


def _sum(parts: Mapping[str, FoundPart]) -> Found:
    """Returns what all parts hold together; how long texts are is that of the mean row, and of the longest rows."""
    found = [part.found for part in parts.values()]
    return replace(
        found[0],
        files=sum(item.files for item in found),
        rows=sum(item.rows for item in found),
        columns=None,
        label=None,
        labels={},
        words=float(np.average([item.words for item in found], weights=[item.rows for item in found])),
        long_words=max(item.long_words for item in found),
        splits=(),
        target=None,
        long_target_words=max(map(_target_words, parts.values())),
        section={},
        parts=parts,
    )


def _target_words(part: FoundPart) -> int:
    words = {"label": _LABEL_WORDS, "span": _ANSWER_WORDS}
    return words.get(load_task(part.task).answers, part.found.long_target_words)


def _parts(wanted: Wanted, parts: Mapping[str, FoundPart]) -> dict[str, Any]:
    """Returns ``[parts.NAME]`` of each, told apart by their templates."""
    templates = [_template(part) for part in parts.values()]
    sections = {}
    for (name, part), template in zip(parts.items(), templates, strict=True):
        data = rows_section(replace(wanted, addresses=(part.address,)), part.found)
        shown = template if templates.count(template) == 1 else f"{name}, {template}"
        sections[name] = {"task": part.task, "template": shown, "data": data}
    return sections


def _template(part: FoundPart) -> str:
    if part.task == "translate":
        known = [part.found.language, part.found.target_language]
        source, target = (_LANGUAGES.get(language, language) for language in known)
        return f"translate {source} to {target}: {{text}}"
    if load_task(part.task).answers == "span":
        return QUESTION_PROMPT
    return f"{part.task}: {{text}}"
