"""``penjing evaluate``."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from penjing.cli.output import print_json
from penjing.cli.run import score_table
from penjing.data.reading import read_rows
from penjing.tasks.task import Task


def show_scores(
    model_folder: Path,
    data: str,
    text: str,
    label: str,
    columns: tuple[str, ...] | None,
    resamples: int,
    *,
    as_json: bool,
) -> None:
    """Scores a model on a labelled file or standard input."""
    from penjing.evaluate.evaluation import LabelledTexts, evaluate_model
    from penjing.tasks.model import load_model

    model = load_model(model_folder)
    with tempfile.TemporaryDirectory() as folder:
        if data == "-":
            data = str(Path(folder) / "standard-input.csv")
            with Path(data).open("wb") as copy:
                shutil.copyfileobj(sys.stdin.buffer, copy)
        texts: list[str] = []
        labels: list[str] = []
        for batch in read_rows(data, text, label, columns=columns):
            texts += batch.texts
            labels += [_label_name(value, model.task, model.labels) for value in batch.labels]
    measured = evaluate_model(model, LabelledTexts(texts, labels), resamples=resamples, mistakes=20, seed=0)
    del measured["correct"]
    if as_json:
        print_json({"model": str(model_folder), "data": data, **measured})
    else:
        Console(highlight=False).print(score_table(measured))


def _label_name(value: str, task: Task, labels: tuple[str, ...]) -> str:
    """Returns the model's name for a raw label, by the task's own names where the model does not use the raw one."""
    return value if value in labels or task.label_names is None else task.label_names.get(value, value)
