"""``penjing predict``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from penjing.cli.output import print_json
from penjing.data.reading import read_rows
from penjing.errors import DataError, UsageError
from penjing.tasks.card import card_task, read_card
from penjing.tasks.task import ClassPrediction, Prediction, TextPrediction

_ROWS = 1024
_TOP = 10


def show_predictions(
    model_folder: Path, texts: list[str], file: Path | None, column: str, top: int | None, *, as_json: bool
) -> None:
    """Answers texts from the call, a file or standard input, in batches, in the order given."""
    task = card_task(read_card(model_folder), model_folder)
    if task.answers == "items":
        show_rankings(model_folder, texts, file, column, top or _TOP, as_json=as_json)
        return
    if top is not None:
        do = "Leave it out, or give a model for recommendation."
        raise UsageError(
            f"--top is for items, and this model is for the task {task.name}", where=str(model_folder), do=do
        )
    source = read_texts(texts, file, column)
    first = list(islice(source, _ROWS))
    from penjing.tasks.loading import load_model  # brings torch, which a wrong call need not wait for

    model = load_model(model_folder)
    predictions: list[dict[str, Any]] = []
    for chunk in chain([first], iter(lambda: list(islice(source, _ROWS)), [])):
        for prediction in model.predict(chunk):
            if as_json:
                predictions.append(prediction.to_dict())
            else:
                sys.stdout.write(f"{_shown(prediction)}\n")
    if as_json:
        print_json(predictions)


def show_rankings(
    model_folder: Path, items: list[str], file: Path | None, column: str, top: int, *, as_json: bool
) -> None:
    """Answers histories with items: one given in the call, or one a line, its items between tabs."""
    source = iter(["\t".join(items)] if items and not file else read_texts(items, file, column))
    first = list(islice(source, _ROWS))
    from penjing.tasks.loading import load_item_model  # brings torch, which a wrong call need not wait for

    model = load_item_model(model_folder)
    predictions: list[dict[str, Any]] = []
    number = 0
    for chunk in chain([first], iter(lambda: list(islice(source, _ROWS)), [])):
        for answer in model.predict([line.split("\t") for line in chunk], top=top):
            number += 1
            if as_json:
                predictions.append(answer.to_dict())
                continue
            before = "" if items else f"{number}\t"
            for item in answer.items:
                sys.stdout.write(f"{before}{item.id}\t{item.score:.4f}\t{_one_line(item.text)}\n")
    if as_json:
        print_json(predictions)


def read_texts(texts: list[str], file: Path | None, column: str) -> Iterator[str]:
    """Returns the texts of a call: given in it, from a file, or line by line from standard input.

    Raises:
        UsageError: both texts and a file were given.
    """
    if texts and file:
        raise UsageError("texts and --file were both given", do="Give one of the two.")
    return iter(texts) if texts else _from_file(file, column) if file else _from_standard_input()


def _from_file(file: Path, column: str) -> Iterator[str]:
    for batch in read_rows(str(file), column):
        yield from batch.texts


def _from_standard_input() -> Iterator[str]:
    if sys.stdin.isatty():
        raise UsageError(
            "there is nothing to answer",
            do='Give texts, --file, or lines on standard input: "… | penjing predict MODEL".',
        )
    for number, line in enumerate(sys.stdin.buffer, start=1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError as error:
            raise DataError(
                f"the byte 0x{line[error.start]:02X} is no UTF-8",
                where=f"standard input, line {number:,}",
                do="Convert the text first, for example: iconv -f GB18030 -t UTF-8.",
            ) from error
        if text:
            yield text


def _shown(prediction: Prediction) -> str:
    """Returns a label with its probability and the text, or the answer alone, as files of lines have it."""
    if isinstance(prediction, TextPrediction):
        return _one_line(prediction.written)
    assert isinstance(prediction, ClassPrediction)
    return f"{prediction.label}\t{prediction.probability:.4f}\t{_one_line(prediction.text)}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
