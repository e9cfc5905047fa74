"""The texts of a file as questions to a person, and in which order they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from penjing.data.keys import text_ids
from penjing.data.labels.label_errors import doubt_labels, judged_labels
from penjing.data.labels.several import likely_separator, split_labels
from penjing.data.labels.table import LabelTable
from penjing.errors import DataError, UsageError

_KEYS = "1234567890abcdefghijklmnopqrstvwxyz"  # u undoes


@dataclass(frozen=True)
class Question:
    """A text to be labelled, or whose label is to be looked at again.

    Attributes:
        id: of the text.
        file: name of its file.
        row: the first row that has it.
        rows: how many have it; all of them get the answer.
        label: that it has in the file; empty if it has none.
        text: all of it.
    """

    id: str
    file: str
    row: int
    rows: int
    label: str
    text: str


@dataclass(frozen=True)
class Order:
    """In which order questions are asked, as places among them.

    Attributes:
        first: those whose label is suspected.
        chosen: those without a label, among which answers decide; in the order of the file where nothing is to decide.
        last: those whose label is not suspected, the least sure first.
    """

    first: list[int] = field(default_factory=list)
    chosen: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)


def list_questions(table: LabelTable) -> list[Question]:
    """Returns the different texts of a table, in its order; rows without a text are left out.

    Raises:
        DataError: no row has a text.
    """
    rows = [row for row, text in enumerate(table.texts) if text]
    if not rows:
        raise DataError("no row has a text", where=table.files[0], do="Name another column with --text.")
    groups: dict[str, list[int]] = {}
    for row, key in zip(rows, text_ids(table.texts[row] for row in rows), strict=True):
        groups.setdefault(key, []).append(row)
    questions = []
    for key, group in groups.items():
        first = table.view(group[0])
        label = next((table.labels[row] for row in group if table.labels[row]), "")
        questions.append(Question(key, first.file, first.row, len(group), label, first.text))
    return questions


def choose_labels(given: str | None, questions: Sequence[Question], column: str | None) -> list[str]:
    """Returns the labels to choose from: those given, or else those that the file has.

    Raises:
        UsageError: none are given and the file has none, there are fewer than two, one is named twice, or the file's
            cells seem to hold several labels each.
        DataError: the file has a label that is not among those given.
    """
    if given is None:
        labels = sorted({question.label for question in questions if question.label})
    else:
        labels = [label.strip() for label in given.split(",")]
    if given is None or not {question.label for question in questions if question.label} <= {*labels}:
        _refuse_several(questions, column)
    if not given and len(labels) < 2:
        found = f'column "{column}" has {len(labels)} different' if column else "no column of labels is named"
        raise UsageError(
            f"there are no labels to choose from: {found}", where="--labels", do="Write --labels positive,negative."
        )
    if "" in labels or len(labels) < 2 or len(set(labels)) < len(labels):
        raise UsageError(
            f"{', '.join(labels) or 'nothing'} are not two or more different labels",
            where="--labels",
            do="Write --labels positive,negative.",
        )
    if len(labels) > len(_KEYS):
        raise UsageError(
            f"there are {len(labels)} labels, and keys for {len(_KEYS)}",
            where="--labels",
            do="Label in two steps: coarse labels first, then each of them apart.",
        )
    for question in questions:
        if question.label and question.label not in labels:
            raise DataError(
                f'column "{column}" is "{question.label[:40]}"; --labels are {", ".join(labels)}',
                where=f"{question.file}, row {question.row:,}",
                do="Correct the row, add the label to --labels, or leave --label out to ask about every text anew.",
            )
    return labels


def _refuse_several(questions: Sequence[Question], column: str | None) -> None:
    sign = likely_separator(question.label for question in questions)
    if sign is not None:
        example = next(question.label for question in questions if len(split_labels(question.label, sign)) > 1)
        one = split_labels(example, sign)[0]
        raise UsageError(
            f'column "{column}" holds several labels a text ("{example[:60]}"), and the page asks for one',
            where=f"--label {column}",
            do=f"Ask about one label at a time, without --label: --labels 1,0 --out {one}.jsonl; then --apply "
            f'{one}.jsonl --label "{one}" --to NEW.csv writes a column of 0 and 1. The task multilabel reads several.',
        )


def assign_keys(labels: Sequence[str]) -> dict[str, str]:
    """Returns the label of each key: digits from 1 on, then letters; labels that are keys all are chosen by themselves.

    >>> assign_keys(["negative", "positive"])
    {'1': 'negative', '2': 'positive'}
    >>> assign_keys(["0", "1"])
    {'0': '0', '1': '1'}
    """
    own = [label.lower() for label in labels]
    if len(set(own)) == len(labels) and all(len(key) == 1 and key in _KEYS for key in own):
        return dict(zip(own, labels, strict=True))
    return dict(zip(_KEYS, labels, strict=False))


def order_questions(questions: Sequence[Question], *, by_file: bool) -> Order:
    """Returns the order in which questions are asked.

    Args:
        questions: all of them.
        by_file: whether it is simply that of the file.

    Raises:
        MissingExtraError: there are labels to doubt, and cleanlab is not installed.
    """
    if by_file:
        return Order(chosen=list(range(len(questions))))
    open_ = [place for place, question in enumerate(questions) if not question.label]
    labelled = [place for place, question in enumerate(questions) if question.label]
    names, _ = judged_labels([questions[p].text for p in labelled], [questions[p].label for p in labelled])
    judged = [place for place in labelled if questions[place].label in names]
    doubts = None
    if len(names) > 1:
        classes = np.array([names.index(questions[place].label) for place in judged], dtype=np.int64)
        doubts = doubt_labels([questions[place].text for place in judged], classes, len(names))
    if doubts is None:
        return Order(chosen=open_, last=labelled)
    suspects = [judged[place] for place in doubts.suspects.tolist()]
    given = doubts.probabilities[np.arange(len(judged)), classes]
    sure = [judged[place] for place in np.argsort(given, kind="stable").tolist()]
    rest = set(suspects)
    last = [place for place in [*sure, *(p for p in labelled if p not in set(judged))] if place not in rest]
    return Order(suspects, open_, last)
