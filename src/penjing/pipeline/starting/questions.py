"""What files of questions with their texts hold, as far as a recipe must know it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

from penjing.data.column_names import named as called_so
from penjing.data.labels.schema import Column, called, is_guessable
from penjing.data.question_rows import Question, QuestionReader
from penjing.data.question_settings import QuestionData
from penjing.errors import UsageError
from penjing.pipeline.starting.columns import find_columns
from penjing.pipeline.starting.looking import (
    MOST_ROWS,
    Found,
    choose_column,
    describe_files,
    describe_targets,
    describe_texts,
    learned_files,
)
from penjing.pipeline.starting.naming import refuse_names

_FEWEST_WHOLES = 10  # documents: of fewer a split would be one of them, and not like the others


def look_at_questions(address: str, named: Mapping[str, str]) -> Found:
    """Returns what questions with their texts look like, in the layout of SQuAD or as a table.

    Args:
        address: as ``[data] path`` takes it.
        named: setting of ``[data]`` (``text``, ``question``, ``answer``, ``answer_start``, ``document``) → column; the
            text is else one called so or the longest, others are found by their names.

    Raises:
        RecipeError: a file is missing.
        DataError: a file or a row cannot be used.
        UsageError: a column that is needed is not found.
    """
    files, splits = learned_files(address)
    settings = QuestionData(path=address, encoding="auto", empty_text="drop", absent="keep", offsets="repair")
    section: dict[str, Any] = {}
    table = describe_files(files)
    if _is_squad(table.columns):
        refuse_names(named, address, "this is in the layout of SQuAD, whose columns have their names")
    else:
        names = _choose(table.columns, named, address)
        section = {key: name for key, name in names.items() if name != getattr(settings, key)}
        settings = settings.model_copy(update={**names, "columns": table.layout.columns})
    reader, read = _read_questions(settings, files)
    if section.get("answer_start") not in (None, named.get("answer_start")) and 2 * reader.counts["moved"] > len(read):
        del section["answer_start"]  # it is called so, but says something else
        _, read = _read_questions(settings.model_copy(update={"answer_start": None}), files)
    if not read:
        raise UsageError("there are no questions in it", where=address, do="Give a file with some.")
    found = describe_texts(files, len(read), table, ("text", None), [item.text for item in read], splits)
    return describe_targets(found, None, [item.question for item in read], section)


def _choose(columns: Sequence[Column], named: Mapping[str, str], address: str) -> dict[str, str]:
    """Returns the columns, by the settings that they are for."""
    names = find_columns(columns, ("question", "answer"), named, address)
    given = [key for key in ("answer_start", "document") if key in named]
    names |= find_columns(columns, given, named, address)
    rest = [column for column in columns if column.name not in names.values()]
    likely = called(rest, "context") or sorted(rest, key=lambda c: (not is_guessable(c), -c.characters))
    names["text"] = choose_column(columns, named.get("text", (likely or columns)[0].name), "text", address)
    return {**_places(columns, names.values()), **names}


def _read_questions(settings: QuestionData, files: Sequence[Path]) -> tuple[QuestionReader, list[Question]]:
    reader = QuestionReader(settings)
    return reader, [*islice(chain.from_iterable(map(reader.read, files)), MOST_ROWS)]


def _places(columns: Sequence[Column], used: Iterable[str]) -> dict[str, str]:
    """Returns the columns, as far as there are such, of where an answer begins and of what a text is a part of."""
    rest = [column for column in columns if column.name not in {*used}]
    starts = called(rest, "answer_start", ("whole number",))[:1]
    several = [column for column in rest if column not in starts and column.distinct >= _FEWEST_WHOLES]
    wholes = called(several, "whole", ("text", "whole number"))[:1]
    return {key: found[0].name for key, found in (("answer_start", starts), ("document", wholes)) if found}


def holds_questions(columns: Sequence[Column]) -> bool:
    """Returns whether these are the columns of questions: those of SQuAD's layout, or question and answer by name."""
    names = [column.name for column in columns]
    return _is_squad(columns) or (len(names) > 2 and all(called_so(names, role) for role in ("question", "answer")))


def _is_squad(columns: Sequence[Column]) -> bool:
    return any(column.name == "data" and column.kind == "nested" for column in columns)
