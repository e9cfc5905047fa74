"""``penjing predict``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from penjing.cli.output import print_json
from penjing.data.reading import read_rows
from penjing.errors import DataError, UsageError
from penjing.tasks.card import card_task, read_card
from penjing.tasks.prediction import (
    AnswerPrediction,
    ClassPrediction,
    ItemPrediction,
    Prediction,
    SetPrediction,
    TextPrediction,
)

_ROWS = 1024
TOP = 10  # items
BETWEEN = "|"  # labels of one text
NO_LABEL = "–"


def check_top(model_folder: Path, top: int | None) -> None:
    """Refuses a number of items where a model gives none.

    Raises:
        UsageError: it gives none.
    """
    task = card_task(read_card(model_folder), model_folder)
    if top is not None and task.answers != "items":
        raise UsageError(
            f"--top is for items, and this model is for the task {task.name}",
            where=str(model_folder),
            do="Leave it out, or give a model for recommendation.",
        )


def show_predictions(
    model_folder: Path, source: Iterator[str | None], *, part: str | None = None, as_json: bool
) -> None:
    """Answers the texts of `read_texts`, in batches, in the order given."""
    card_task(read_card(model_folder), model_folder)
    first = list(islice(source, _ROWS))
    from penjing.tasks.loading import load_part  # brings torch, which a wrong call need not wait for

    model = load_part(model_folder, part)
    _show(_chunks(first, source), model.predict, lambda found, _: f"{_shown(found)}\n", as_json=as_json)


def check_sentences(model_folder: Path) -> None:
    """Refuses a model that cannot be asked about sentences one by one.

    Raises:
        UsageError: it gives no labels.
    """
    task = card_task(read_card(model_folder), model_folder)
    if task.answers in ("text", "span", "reply", "items", "continuation", "preferred text", "preferred reply", "parts"):
        raise UsageError(
            f"--sentences is for models that give labels, and this one is for the task {task.name}",
            where=str(model_folder),
            do="Leave it out.",
        )


def show_sentences(model_folder: Path, source: Iterator[str | None], column: str, *, as_json: bool) -> None:
    """Answers the sentences of the texts of `read_texts`, each with its place; a blank line stands between texts.

    Raises:
        UsageError: the model gives no labels.
    """
    check_sentences(model_folder)
    first = list(islice(source, _ROWS))
    from penjing.tasks.by_sentence import SentencesPrediction, predict_sentences
    from penjing.tasks.loading import load_model
    from penjing.tasks.tables import texts_of

    model = load_model(model_folder)

    def answer(chunk: list[str]) -> list[SentencesPrediction]:
        return predict_sentences(model, texts_of(chunk, column))

    def lines(found: SentencesPrediction, _: int) -> str:
        return "".join(f"{item.start}-{item.end}\t{_shown(item.prediction)}\n" for item in found.sentences) + "\n"

    _show(_chunks(first, source), answer, lines, as_json=as_json)


def _chunks(first: list[str | None], source: Iterator[str | None]) -> Iterator[list[str | None]]:
    return chain([first], iter(lambda: list(islice(source, _ROWS)), []))


def _show(
    chunks: Iterable[list[str | None]],
    answer: Callable[[list[str]], Iterable[Any]],
    lines: Callable[[Any, int], str],
    *,
    as_json: bool,
) -> None:
    """Shows an answer to each text, as `lines` of it and its number say; to an empty line an empty line, or null."""
    documents: list[dict[str, Any] | None] = []
    for number, found in enumerate(_answers(chunks, answer), start=1):
        if as_json:
            documents.append(None if found is None else found.to_dict())
        else:
            sys.stdout.write("\n" if found is None else lines(found, number))
    if as_json:
        print_json(documents)


def _answers(chunks: Iterable[list[str | None]], answer: Callable[[list[str]], Iterable[Any]]) -> Iterator[Any]:
    """Yields the answer to each text, and None to an empty line; says at the end how many of those there were."""
    empty = 0
    for chunk in chunks:
        texts = [text for text in chunk if text is not None]
        answers = iter(answer(texts) if texts else ())
        for text in chunk:
            yield None if text is None else next(answers)
        empty += len(chunk) - len(texts)
    if empty:
        lines = "1 empty line has" if empty == 1 else f"{empty:,} empty lines have"
        sys.stderr.write(f"standard input: {lines} no answer\n")


def show_rankings(
    model_folder: Path,
    items: list[str],
    file: Path | None,
    column: str,
    top: int,
    *,
    encoding: str | None = None,
    as_json: bool,
) -> None:
    """Answers histories with items: one given in the call, or one a line, its items between tabs."""
    is_one = bool(items) and file is None
    source = iter(["\t".join(items)]) if is_one else read_texts(items, file, column, encoding)
    first = list(islice(source, _ROWS))
    from penjing.tasks.item_model import ItemModel
    from penjing.tasks.loading import load_as  # brings torch, which a wrong call need not wait for

    model = load_as(ItemModel, model_folder)

    def lines(found: ItemPrediction, number: int) -> str:
        before = "" if items else f"{number}\t"
        return "".join(f"{before}{item.id}\t{item.score:.4f}\t{_one_line(item.text)}\n" for item in found.items)

    def answer(chunk: list[str]) -> Iterable[ItemPrediction]:
        found: list[ItemPrediction] = model.predict([line.split("\t") for line in chunk], top=top)
        return found

    _show(_chunks(first, source), answer, lines, as_json=as_json)


def read_texts(texts: list[str], file: Path | None, column: str, encoding: str | None = None) -> Iterator[str | None]:
    """Returns the texts of a call: given in it, from a file, or line by line from standard input, None for empty ones.

    Raises:
        UsageError: both texts and a file were given.
    """
    if texts and file:
        raise UsageError("texts and --file were both given", do="Give one of the two.")
    return iter(texts) if texts else _from_file(file, column, encoding) if file else _from_standard_input()


def _from_file(file: Path, column: str, encoding: str | None) -> Iterator[str]:
    for batch in read_rows(str(file), column, encoding=encoding):
        yield from batch.texts


def _from_standard_input() -> Iterator[str | None]:
    """Yields each line, and None for one that is empty."""
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
        yield text or None


def _shown(prediction: Prediction) -> str:
    """Returns a label with its probability and the text, or the answer alone, as files of lines have it."""
    if isinstance(prediction, TextPrediction):
        return _one_line(prediction.written)
    if isinstance(prediction, AnswerPrediction):
        return f"{_cell(prediction.answer) or NO_LABEL}\t{prediction.probability:.4f}\t{_one_line(prediction.question)}"
    if isinstance(prediction, SetPrediction):
        chances = BETWEEN.join(f"{prediction.probabilities[label]:.4f}" for label in prediction.labels)
        return (
            f"{_cell(BETWEEN.join(prediction.labels)) or NO_LABEL}\t{chances or NO_LABEL}\t{_one_line(prediction.text)}"
        )
    assert isinstance(prediction, ClassPrediction)
    return f"{_cell(prediction.label)}\t{prediction.probability:.4f}\t{_one_line(prediction.text)}"


def _cell(text: str) -> str:
    """Returns a label or an answer as it is, but for line ends and tabs, which would end its cell."""
    return " ".join(text.splitlines()).replace("\t", " ")


def _one_line(text: str) -> str:
    return " ".join(text.split())
