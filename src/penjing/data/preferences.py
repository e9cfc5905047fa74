"""Preferences: a prompt and two answers, read, checked, without duplicates, split, without leaks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from penjing.data.checks import check_any, check_counts
from penjing.data.dialogues import join_contents
from penjing.data.divided import Divided
from penjing.data.dividing import Division
from penjing.data.keys import Keys, exact_keys, normalized_keys
from penjing.data.messages import EmptyMessageError, read_messages, write_messages
from penjing.data.preference_settings import PreferenceData, ReplyPreferenceData
from penjing.data.reading import files_of_one_split
from penjing.data.rows import RowReader, RowRules, TextRows
from penjing.data.sources import Batch, Layout
from penjing.data.split_files import files_by_split
from penjing.errors import DataError
from penjing.progress import Progress

_COLUMNS = ("text", "prompt", "chosen", "rejected")
PREFERENCE_SCHEMA = pa.schema(
    [*((name, pa.string()) for name in _COLUMNS), ("source", pa.string()), ("row", pa.int64())]
)
_BETWEEN = "\x00"  # no text holds it
_EXAMPLE = '[{"role": "user", "content": "…"}]'


class PreferenceRows(NamedTuple):
    """Prompts with two answers each.

    Attributes:
        texts: the words of the prompts, [rows].
        prompts: the same; of dialogues, their messages as JSON.
        chosen: the answers that were preferred.
        rejected: the others.
    """

    texts: list[str]
    prompts: list[str]
    chosen: list[str]
    rejected: list[str]

    def take(self, places: Sequence[int]) -> PreferenceRows:
        """Returns some of the rows."""
        return PreferenceRows(*([column[place] for place in places] for column in self))


class EqualAnswersError(DataError):
    """Both answers are the same, so that none was preferred."""


class PreferenceReader(RowReader):
    """Reads prompts with two answers each.

    Args:
        rules: ``text`` is the column of the prompt, ``target`` that of the preferred answer, ``rejected`` the other's.
        equal: what is done with a row whose answers are the same.
        broken: what is done with one whose prompt breaks the rules of a dialogue; None where it is none.

    Attributes:
        counts: how many rows were left out as ``equal`` and as ``broken``.
    """

    def __init__(
        self,
        rules: RowRules,
        equal: Literal["refuse", "drop"] = "refuse",
        broken: Literal["refuse", "drop"] | None = None,
    ) -> None:
        super().__init__(rules)
        self._drops = {"empty_text": rules.empty_text, "equal": equal, "broken": broken}
        self.counts = dict.fromkeys(("equal", *(["broken"] if broken else [])), 0)

    def _check(self, batch: Batch) -> TextRows:
        kept = self._filter(batch)
        found = PreferenceRows([], [], [], [])
        rows: list[int] = []
        empty = 0
        for index in kept:
            try:
                row = self._row(batch, index)
            except DataError as error:
                key = self._key(error)
                if self._drops[key] is None:
                    raise
                if self._drops[key] == "refuse":
                    raise _with_hint(error, key) from error
                if key == "empty_text":
                    empty += 1
                else:
                    self.counts[key] += 1
                continue
            rows.append(batch.rows[index])
            for column, value in zip(found, row, strict=True):
                column.append(value)
        return TextRows(
            file=batch.file,
            texts=found.texts,
            labels=[],
            rows=rows,
            read=len(batch.rows),
            empty=empty,
            filtered=len(batch.rows) - len(kept),
            consumed=batch.consumed,
            targets=found.chosen,
            dialogues=found.prompts,
            rejected=found.rejected,
        )

    def _key(self, error: DataError) -> str:
        """Returns the setting that says what is done with a row for which this was raised."""
        if isinstance(error, EmptyMessageError):
            return "empty_text"
        if isinstance(error, EqualAnswersError):
            return "equal"
        return "broken"

    def _row(self, batch: Batch, index: int) -> tuple[str, str, str, str]:
        text, prompt = self._prompt(batch, index)
        assert self.rules.target is not None
        assert self.rules.rejected is not None
        chosen, rejected = (self._answer(batch, index, name) for name in (self.rules.target, self.rules.rejected))
        if chosen.strip() == rejected.strip():
            what = f'columns "{self.rules.target}" and "{self.rules.rejected}" are the same, so that none is preferred'
            raise EqualAnswersError(what, where=batch.place(index), do="Correct the row, or remove it.")
        return text, prompt, chosen, rejected

    def _prompt(self, batch: Batch, index: int) -> tuple[str, str]:
        """Returns the words of a prompt, and how it is kept."""
        text = _read_text(batch, index, self.rules.text)
        return text, text

    def _answer(self, batch: Batch, index: int, column: str) -> str:
        return _read_text(batch, index, column)


class ReplyPreferenceReader(PreferenceReader):
    """Reads what was said before, and two replies, each a text or a list of one message."""

    def _prompt(self, batch: Batch, index: int) -> tuple[str, str]:
        place, value = batch.place(index), _read_json(batch.columns[self.rules.text][index])
        if not isinstance(value, list):
            value = [{"role": "user", "content": _read_text(batch, index, self.rules.text)}]
        messages = read_messages(value, place)
        if messages[-1].role != "user":
            raise DataError("the assistant spoke last", where=place, do=f"End with what the user says: {_EXAMPLE}.")
        return join_contents(messages), write_messages(messages)

    def _answer(self, batch: Batch, index: int, column: str) -> str:
        value = _read_json(batch.columns[column][index])
        if not isinstance(value, list):
            return _read_text(batch, index, column)
        place = f'{batch.place(index)}, column "{column}"'
        if len(value) != 1 or not isinstance(value[0], dict) or value[0].get("role") != "assistant":
            raise DataError("this is no reply", where=place, do="Give a text, or a list of one assistant's message.")
        return read_messages([{"role": "user", "content": "…"}, value[0]], place)[1].content


def _read_json(value: Any) -> Any:
    """Returns a list that stands in a cell of text; anything else as it is."""
    if isinstance(value, str) and value.lstrip().startswith("[{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value  # it is what somebody says
    return list(value) if isinstance(value, tuple) else value


def _read_text(batch: Batch, index: int, column: str) -> str:
    text = batch.columns[column][index]
    if text is not None and not isinstance(text, str):
        what = f'column "{column}" is {str(text)[:40]!r}, which is no text'
        raise DataError(what, where=batch.place(index), do="Correct the row, or name another column with text.")
    if text is None or not text.strip():
        what = f'column "{column}" is empty'
        raise EmptyMessageError(what, where=batch.place(index), do="Add the text, or remove the row.")
    return text


def _with_hint(error: DataError, key: str) -> DataError:
    do = f'{error.do} In a recipe, {key} = "drop" under [data] leaves such rows out.'
    return type(error)(error.what, where=error.where, do=do, setting=(key, "drop"))


def build_preferences(settings: PreferenceData, seed: int, out: Path, progress: Progress) -> dict[str, Any]:
    """Fills a folder with ``train.parquet``, ``validation.parquet``, ``test.parquet`` and ``counts.json``.

    A row that has come before in the same group of files is dropped; a prompt may come with several pairs of answers,
    which are drawn into one split. A training row whose normalized prompt occurs in validation or test is removed, and
    a validation row whose prompt occurs in test.

    Args:
        settings: where the rows are and what they look like.
        seed: decides the split.
        out: an existing, empty folder.
        progress: told how far the reading is.

    Returns:
        What ``counts.json`` holds.

    Raises:
        RecipeError: a file or a column is missing.
        DataError: a row cannot be used, or there are too few.
        DiskFullError: the disk has no room.
        Interrupted: the user asked to stop.
    """
    return _Build(settings, seed, out, progress).run()


class _Build(Division):
    """All rows are of one class."""

    kept_columns: ClassVar = [(name, pa.string()) for name in _COLUMNS]
    table: ClassVar = PREFERENCE_SCHEMA
    repeated: ClassVar = ("source",)

    def __init__(self, settings: PreferenceData, seed: int, out: Path, progress: Progress) -> None:
        super().__init__(settings, _rules(settings), files_by_split(settings), seed, out, progress)
        if isinstance(settings, ReplyPreferenceData):
            self._reader: PreferenceReader = ReplyPreferenceReader(self.rules, settings.equal, settings.broken)
        else:
            self._reader = PreferenceReader(self.rules, settings.equal)

    def reader(self) -> RowReader:
        return self._reader

    def classes(self) -> list[str]:
        return [""]

    def classify(self, rows: TextRows) -> NDArray[np.int32]:
        return np.zeros(len(rows.texts), dtype=np.int32)

    def keys(self, rows: TextRows) -> Keys:
        return exact_keys(map(_BETWEEN.join, zip(rows.dialogues, rows.targets, rows.rejected, strict=True)))

    def keep(self, rows: TextRows, classes: NDArray[np.int32]) -> list[pa.Array]:
        kept = (rows.texts, rows.dialogues, rows.targets, rows.rejected)
        return [pa.array(column, pa.string()) for column in kept]

    def classes_of(self, batch: pa.RecordBatch) -> NDArray[np.int32]:
        return np.zeros(batch.num_rows, dtype=np.int32)

    def group(self, batch: pa.RecordBatch) -> Keys:
        return normalized_keys(batch.column("text").to_pylist())

    def columns(self, batch: pa.RecordBatch) -> list[pa.Array]:
        return [batch.column(name) for name in _COLUMNS]

    def check(self, class_rows: list[int], where: str) -> None:
        """Any will do; whether there are enough is seen when they are divided."""

    def count(self, divided: Divided, where: str) -> None:
        self.count_splits(divided)
        self.counts.update(self._reader.counts)
        check_counts(self.counts["splits"], where, self.optional)


def _rules(settings: PreferenceData) -> RowRules:
    return RowRules(
        text=settings.text,
        target=settings.chosen,
        rejected=settings.rejected,
        where=settings.where,
        empty_text=settings.empty_text,
        layout=settings.layout,
    )


def iter_preferences(folder: Path, split: str, batch_rows: int = 1024) -> Iterator[PreferenceRows]:
    """Yields a split's rows in batches.

    Args:
        folder: filled by `build_preferences`.
        split: train, validation or test.
        batch_rows: the most rows in a batch.
    """
    with pq.ParquetFile(folder / f"{split}.parquet") as file:
        for batch in file.iter_batches(batch_size=batch_rows, columns=list(_COLUMNS), use_threads=False):
            yield PreferenceRows(*(batch.column(name).to_pylist() for name in _COLUMNS))


def read_preferences(folder: Path, split: str) -> PreferenceRows:
    """Returns all rows of a split; arguments as for `iter_preferences`."""
    return _join(iter_preferences(folder, split))


def read_preference_rows(
    address: str,
    text: str = "prompt",
    chosen: str = "chosen",
    rejected: str = "rejected",
    *,
    is_dialogue: bool,
    columns: tuple[str, ...] | None = None,
    encoding: str | None = None,
) -> PreferenceRows:
    """Returns the checked rows of any file, for evaluation.

    Args:
        address: as `penjing.data.sources.source_files` takes it.
        text: column of the prompt.
        chosen: column of the preferred answer.
        rejected: column of the other.
        is_dialogue: whether prompts are what was said in a dialogue.
        columns: names for the columns of a CSV or TSV file without a header line.
        encoding: as in `penjing.data.reading.read_rows`.

    Raises:
        RecipeError: a file or a column is missing, or a folder holds training and test files side by side.
        DataError: a row cannot be used, or there is none.
    """
    rules = RowRules(text, target=chosen, rejected=rejected, layout=Layout(columns, encoding=encoding))
    reader = ReplyPreferenceReader(rules, broken="refuse") if is_dialogue else PreferenceReader(rules)
    found = _join(
        PreferenceRows(rows.texts, rows.dialogues, rows.targets, rows.rejected)
        for rows in reader.read(files_of_one_split(address))
    )
    check_any(reader, len(found.texts), address)
    return found


def _join(batches: Iterator[PreferenceRows]) -> PreferenceRows:
    whole = PreferenceRows([], [], [], [])
    for batch in batches:
        for column, values in zip(whole, batch, strict=True):
            column.extend(values)
    return whole
