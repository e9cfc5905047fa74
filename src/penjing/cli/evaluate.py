"""``penjing evaluate`` of a model with labels."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from penjing.cli.evaluate_output import find_learned, show_measured
from penjing.data.reading import read_rows
from penjing.tasks.card import card_task, choose_part, read_card
from penjing.tasks.raw_labels import RawLabels
from penjing.tasks.task import Answers, LabelTask


def show_scores(
    model_folder: Path,
    data: str,
    text: str,
    label: str,
    columns: tuple[str, ...] | None,
    encoding: str | None,
    resamples: int,
    *,
    part: str | None = None,
    as_json: bool,
) -> None:
    """Scores a model on a labelled file or standard input."""
    _, card = choose_part(read_card(model_folder), model_folder, part)
    task = card_task(card, model_folder)
    assert isinstance(task, LabelTask)
    texts, names = _read(data, text, label, columns, encoding, task, card)
    # These bring torch, which a wrong call need not wait for.
    from penjing.evaluate.evaluation import LabelledTexts, Labeller, evaluate_model
    from penjing.tasks.loading import load_part

    rows, model = LabelledTexts(texts, names), cast("Labeller", load_part(model_folder, part))
    measured = evaluate_model(model, rows, resamples=resamples, mistakes=20, seed=0)
    del measured["correct"]
    learned = find_learned(model_folder, texts, part)
    show_measured(model_folder, data, measured, learned, len(texts), as_json=as_json)


def _read(
    data: str,
    text: str,
    label: str,
    columns: tuple[str, ...] | None,
    encoding: str | None,
    task: LabelTask,
    card: dict[str, Any],
) -> tuple[list[str], list[str]]:
    """Returns the texts, and the model's name for the label of each."""
    with open_data(data) as address:
        texts: list[str] = []
        names: list[str] = []
        raw = RawLabels(task.label_names, card["labels"], card.get("raw_labels"))
        for batch in read_rows(address, text, label, columns=columns, encoding=encoding):
            texts += batch.texts
            names += raw.name(batch)
    return texts, names


def answers_with(model_folder: Path, part: str | None = None) -> Answers:
    """Returns what a fine-tuned model, or a part of one of several tasks, answers with.

    Raises:
        ModelFolderError: it is none.
        UsageError: there is no such part, or several and none is named.
    """
    _, card = choose_part(read_card(model_folder), model_folder, part)
    return card_task(card, model_folder).answers


@contextmanager
def open_data(data: str) -> Iterator[str]:
    """Yields the address of what was given; standard input, a CSV file then, is copied to disk meanwhile."""
    if data != "-":
        yield data
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "standard-input.csv"
        with copy.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield str(copy)
