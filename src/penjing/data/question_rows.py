"""Questions with their texts and answers, read from JSON in the layout of SQuAD and from tables, checked one by one."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from penjing.data.answer_places import Place, place_answer
from penjing.data.plain import plain_value, whole_number
from penjing.data.question_settings import QuestionData
from penjing.data.rows import cell_test
from penjing.data.sources import FaultLog, read_file
from penjing.data.sources.blocks import read_whole
from penjing.data.sources.encodings import decode_whole
from penjing.data.sources.json_lines import check_surrogates
from penjing.data.sources.source import kind_of, name_row
from penjing.errors import DataError

_MOST_BYTES = 1 << 30
_SQUAD = re.compile(r'\s*\{\s*"(?:version|data)"')


@dataclass(frozen=True)
class Question:
    """A question that was read and checked.

    Attributes:
        text: in which the answer stands.
        question: what is asked.
        answers: the references, all right; none: the text does not answer the question.
        starts: the first character of each in the text; -1: it is not there.
        document: what the text is a part of.
        source: name of the file.
        row: number of the question in it, as the file counts: of a table the row, else the place among all questions.
    """

    text: str
    question: str
    answers: tuple[str, ...]
    starts: tuple[int, ...]
    document: str
    source: str = ""
    row: int = 0

    @property
    def is_answerable(self) -> bool:
        """Whether the text answers it."""
        return bool(self.answers)

    @property
    def is_learnable(self) -> bool:
        """Whether it is known where the answer stands, or that there is none."""
        return not self.answers or any(start >= 0 for start in self.starts)

    @property
    def written_answer(self) -> str:
        """What a model that writes learns to say; see `written_answer`."""
        return written_answer(self.answers, self.starts)


def written_answer(answers: Sequence[str], starts: Sequence[int]) -> str:
    """Returns the first reference that stands in the text, else the first; nothing where there is none."""
    in_text = (answer for start, answer in zip(starts, answers, strict=True) if start >= 0)
    return next(in_text, "".join(answers[:1]))


@dataclass
class QuestionReader:
    """Reads files of questions by what a recipe says of them.

    Attributes:
        settings: columns, and what is done with rows that are wrong.
        with_answers: whether answers are read; otherwise none need be there.
        log: takes rows that are wrong, and the rest is read; None: the first is raised.
        counts: ``read``, ``filtered`` and ``empty`` rows; ``unanswerable`` and ``absent`` questions; and of the
            references those found by ``byte_offsets``, those ``moved``, those of ``several_places`` and those ``apart``
            from the text.
    """

    settings: QuestionData
    with_answers: bool = True
    log: FaultLog | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def read(self, file: Path) -> Iterator[Question]:
        """Yields the questions of a file.

        Raises:
            RecipeError: a column is missing.
            DataError: the file or a row cannot be used; both are named.
        """
        squad = _read_squad(file, self.settings) if kind_of(file) == "json" else None
        rows = self._table_rows(file) if squad is None else _squad_rows(file, squad, with_answers=self.with_answers)
        for raw in rows:
            self.counts["read"] += 1
            if raw is None:
                self.counts["filtered"] += 1
                continue
            try:
                question = self._check(raw)
            except DataError as fault:
                if self.log is None:
                    raise
                self.log.add(fault)
                continue
            if question is not None:
                yield question

    def _table_rows(self, file: Path) -> Iterator[_Raw | None]:
        settings = self.settings
        tests = {column: cell_test(value) for column, value in settings.where.items()}
        of_answers = () if self.with_answers else (settings.answer, settings.answer_start)
        wanted = [name for name in settings.read_columns if name not in of_answers]
        for batch in read_file(file, wanted, replace(settings.layout, log=self.log)):
            for index, number in enumerate(batch.rows):
                row = {name: batch.columns[name][index] for name in wanted}
                if not all(test(row[column]) for column, test in tests.items()):
                    yield None
                    continue
                start = row.get(settings.answer_start) if settings.answer_start else None
                document = plain_value(row[settings.document]) if settings.document else ""
                where = batch.place(index)
                answers = _table_answers(row.get(settings.answer), start, where)
                text, question = row[settings.text], row[settings.question]
                yield _Raw(text, question, answers, document, file.name, number, where)

    def _check(self, raw: _Raw) -> Question | None:
        for name, value in (("question", raw.question), ("context", raw.text)):
            if value is not None and not isinstance(value, str):
                raise DataError(f"the {name} is {value!r:.40}, which is no text", where=raw.where, do="Correct it.")
            if not value or value.isspace():
                if self.settings.empty_text == "drop":
                    self.counts["empty"] += 1
                    return None
                raise DataError(
                    f"the {name} is empty",
                    where=raw.where,
                    do='Add it, or remove the row; in a recipe, empty_text = "drop" under [data] does so.',
                    setting=("empty_text", "drop"),
                )
        if any(not answer.strip() for answer, _ in raw.answers):
            raise DataError("an answer is empty", where=raw.where, do="Write it, or remove it from the list.")
        placed = [self._place(raw, text, start) for text, start in raw.answers]
        answers = tuple(dict.fromkeys((place.answer, place.start) for place in placed))
        found = Question(
            raw.text,
            raw.question,
            tuple(answer for answer, _ in answers),
            tuple(start for _, start in answers),
            raw.document or raw.text,
            raw.source,
            raw.row,
        )
        self.counts["unanswerable"] += not answers
        if not found.is_learnable:
            if self.settings.absent == "refuse":
                raise DataError(
                    f'the answer "{found.answers[0][:60]}" is not in its text',
                    where=raw.where,
                    do='Correct the row; absent = "keep" under [data] keeps it for the scores alone.',
                    setting=("absent", "keep"),
                )
            self.counts["absent"] += 1
        return found

    def _place(self, raw: _Raw, answer: str, start: int | None) -> Place:
        place = place_answer(raw.text, answer, start)
        if self.settings.offsets == "refuse" and place.found_by in ("byte_offsets", "moved"):
            why = "its offset counts bytes" if place.found_by == "byte_offsets" else "it stands elsewhere"
            raise DataError(
                f'the answer "{answer[:60]}" is not at character {start}: {why}',
                where=raw.where,
                do=f'It stands at character {place.start}. Correct the row, or set offsets = "repair" under [data].',
                setting=("offsets", "repair"),
            )
        if place.found_by:
            self.counts[place.found_by] += 1
        return place


@dataclass(frozen=True)
class _Raw:
    """A question as a file has it, not checked yet; ``where`` names it in errors."""

    text: Any
    question: Any
    answers: Sequence[tuple[str, int | None]]
    document: str
    source: str
    row: int
    where: str


def _table_answers(value: Any, start: Any, where: str) -> list[tuple[str, int | None]]:
    """Returns the answers of a row: one, a list of them, or both lists in one value as the hub's SQuAD has them."""
    if isinstance(value, Mapping):
        start, value = value.get("answer_start"), value.get("text")
    texts = list(value) if isinstance(value, list | tuple) else [value]
    starts = list(start) if isinstance(start, list | tuple) else [start]
    pairs = zip_longest(texts, starts[: len(texts)])  # an empty answer is left out with its place
    return [(_as_text(text), _as_offset(at, where)) for text, at in pairs if plain_value(text)]


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else plain_value(value)


def _as_offset(value: Any, where: str) -> int | None:
    shown = plain_value(value)
    if not shown:
        return None
    try:
        return int(whole_number(shown))
    except ValueError as error:
        raise DataError(
            f'the place of the answer is "{shown[:40]}"', where=where, do="Give the number of its first character."
        ) from error


def _read_squad(file: Path, settings: QuestionData) -> list[Any] | None:
    """Returns the documents of a file in the layout of SQuAD; None if it has another."""
    text = decode_whole(read_whole(file, _MOST_BYTES), file, settings.layout)
    if not text.lstrip("\ufeff \t\r\n").startswith("{"):
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        if _SQUAD.match(text) is None:
            return None  # a table's reader says what is wrong
        raise DataError(
            f"this is no JSON ({error})", where=file.name, do="Correct the file, or copy it again."
        ) from error
    if not isinstance(document, dict) or not isinstance(document.get("data"), list):
        return None
    check_surrogates(document, file.name)
    documents: list[Any] = document["data"]
    return documents


def _squad_rows(file: Path, documents: list[Any], *, with_answers: bool) -> Iterator[_Raw]:
    """Yields every question of documents in the layout of SQuAD (Rajpurkar et al. 2016, 2018; Cui et al. 2019)."""
    row = 0
    for number, document in enumerate(documents, start=1):
        where = f"{file.name}, document {number:,}"
        title = plain_value(_entry(document, "title", where, None))
        for paragraph in _list(document, "paragraphs", where):
            context = _entry(paragraph, "context", where)
            for asked in _list(paragraph, "qas", where):
                row += 1
                at = name_row(file, row, row).replace("row", "question")
                known = plain_value(_entry(asked, "id", at, None))
                at = f"{at} ({known})" if known else at
                is_told = with_answers and _entry(asked, "is_impossible", at, None) is not True
                answers = [_squad_answer(answer, at) for answer in _list(asked, "answers", at)] if is_told else []
                name = title or f"{file.name} {number}"
                yield _Raw(context, _entry(asked, "question", at), answers, name, file.name, row, at)


def _squad_answer(answer: Any, where: str) -> tuple[str, int | None]:
    text, start = _entry(answer, "text", where), _entry(answer, "answer_start", where, None)
    return _as_text(text), None if isinstance(start, int) and start < 0 else _as_offset(start, where)


_NEEDED: Any = object()


def _entry(value: Any, key: str, where: str, default: Any = _NEEDED) -> Any:
    if isinstance(value, Mapping) and (key in value or default is not _NEEDED):
        return value.get(key, default)
    raise DataError(
        f'there is no "{key}" in it' if isinstance(value, Mapping) else f"it is {value!r:.40}, and no object",
        where=where,
        do='The layout of SQuAD is {"data": [{"title", "paragraphs": [{"context", "qas": [{"question", "id", '
        '"answers": [{"text", "answer_start"}]}]}]}]}.',
    )


def _list(value: Any, key: str, where: str) -> list[Any]:
    found = _entry(value, key, where)
    if not isinstance(found, list):
        raise DataError(f'"{key}" is no list', where=where, do="Correct the file.")
    return found
