"""``penjing evaluate`` of a model that gives any number of labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from penjing.cli.evaluate import open_data
from penjing.cli.evaluate_output import find_learned, say_learned
from penjing.cli.output import print_json, result_console
from penjing.cli.tables import confusion_table, label_table, score_table
from penjing.data.label_cells import LabelRules
from penjing.data.reading import LabelSetRows, read_label_set_rows
from penjing.tasks.card import read_card
from penjing.tasks.raw_labels import RawLabels


def show_multilabel_scores(
    model_folder: Path,
    data: str,
    text: str,
    rules: LabelRules,
    columns: tuple[str, ...] | None,
    encoding: str | None,
    resamples: int,
    *,
    as_json: bool,
) -> None:
    """Scores a model on rows with any number of labels, or on standard input."""
    rows = _read(data, text, rules, columns, encoding, read_card(model_folder))
    # These bring torch, which a wrong call need not wait for.
    from penjing.evaluate.multilabel import evaluate_multilabel
    from penjing.tasks.loading import load_as
    from penjing.tasks.multilabel_model import MultilabelModel

    model = load_as(MultilabelModel, model_folder)
    measured = evaluate_multilabel(model, rows, resamples=resamples, mistakes=20, seed=0)
    del measured["given"]
    learned = find_learned(model_folder, rows.texts)
    if as_json:
        print_json({"model": str(model_folder), "data": data, **measured, **learned})
        return
    console = result_console()
    console.print(score_table(measured))
    console.print(label_table(measured))
    console.print(confusion_table(measured))
    say_learned(console, learned, len(rows.texts))


def _read(
    data: str,
    text: str,
    rules: LabelRules,
    columns: tuple[str, ...] | None,
    encoding: str | None,
    card: dict[str, Any],
) -> LabelSetRows:
    """Returns the texts, and the labels of each.

    Raises:
        DataError: a label is not one of the model's.
    """
    found, raw = LabelSetRows([], []), RawLabels(None, card["labels"], card.get("raw_labels"))
    with open_data(data) as address:
        for batch in read_label_set_rows(address, rules, text, columns=columns, encoding=encoding):
            found.texts.extend(batch.texts)
            for number, names in zip(batch.rows, batch.label_sets, strict=True):
                named = (raw.find(name, f"{batch.file.name}, row {number}") for name in names)
                found.labels.append(tuple(dict.fromkeys(named)))
    return found
