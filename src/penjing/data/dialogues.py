"""Dialogues: read, checked, without duplicates, split by dialogue, without leaks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from penjing.data.checks import check_any, check_counts
from penjing.data.conversations import batch_conversations, read_conversations
from penjing.data.dialogue_settings import DialogueData
from penjing.data.divided import Divided
from penjing.data.dividing import Division
from penjing.data.keys import Keys, exact_keys, normalized_keys
from penjing.data.measured import FEWEST_WORDS, count_words
from penjing.data.messages import EmptyMessageError, Message, read_messages, take_apart, write_messages
from penjing.data.reading import files_of_one_split
from penjing.data.rows import RowReader, RowRules, TextRows
from penjing.data.sources import Batch, Layout
from penjing.data.split_files import files_by_split
from penjing.errors import DataError
from penjing.progress import Progress

DIALOGUE_SCHEMA = pa.schema(
    [("text", pa.string()), ("messages", pa.string()), ("source", pa.string()), ("row", pa.int64())]
)
_EXAMPLE = '[{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]'


class DialogueReader(RowReader):
    """Reads dialogues: a column of messages, one of what a user says and one of the reply, or JSON by conversation.

    Args:
        rules: ``text`` is the column of the messages or, with ``target``, of what the user says.
        broken: what is done with a dialogue that breaks the rules of `penjing.data.messages`.

    Attributes:
        dropped: how many broke them and were left out.
    """

    def __init__(self, rules: RowRules, broken: Literal["refuse", "drop"] = "refuse") -> None:
        super().__init__(rules)
        self._broken, self.dropped = broken, 0

    def _batches(self, file: Path) -> Iterator[Batch]:
        keyed = read_conversations(file, self.rules.layout) if self.rules.target is None else None
        if keyed is None:
            return super()._batches(file)
        return batch_conversations(file, keyed, self.rules.text, list(self.rules.where))

    def _check(self, batch: Batch) -> TextRows:
        kept = self._filter(batch)
        found: list[tuple[int, list[Message]]] = []
        empty = 0
        for index in kept:
            try:
                found.append((index, self._messages(batch, index)))
            except EmptyMessageError as error:
                if self.rules.empty_text != "drop":
                    raise _with_hint(error, "empty_text") from error
                empty += 1
            except DataError as error:
                if self._broken != "drop":
                    raise _with_hint(error, "broken") from error
                self.dropped += 1
        return TextRows(
            file=batch.file,
            texts=[join_contents(messages) for _, messages in found],
            labels=[],
            rows=[batch.rows[index] for index, _ in found],
            read=len(batch.rows),
            empty=empty,
            filtered=len(batch.rows) - len(kept),
            consumed=batch.consumed,
            dialogues=[write_messages(messages) for _, messages in found],
        )

    def _messages(self, batch: Batch, index: int) -> list[Message]:
        place, value = batch.place(index), batch.columns[self.rules.text][index]
        if self.rules.target is not None:
            said = {"user": value, "assistant": batch.columns[self.rules.target][index]}
            # A table has no value where a cell is empty.
            turns = [{"role": role, "content": "" if text is None else text} for role, text in said.items()]
            return read_messages(turns, place)
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError) as error:
                what = f'column "{self.rules.text}" is neither a list of messages nor one as JSON'
                raise DataError(what, where=place, do=f"Write {_EXAMPLE}.") from error
        messages = read_messages(value, place)
        if not take_apart(messages).exchanges:
            raise DataError(
                "the dialogue has no reply to learn from", where=place, do="Add the reply, or remove the row."
            )
        return messages


def _with_hint(error: DataError, key: str) -> DataError:
    do = f'{error.do} In a recipe, {key} = "drop" under [data] leaves such dialogues out.'
    return DataError(error.what, where=error.where, do=do, setting=(key, "drop"))


def join_contents(messages: Sequence[Message]) -> str:
    """Returns what is said in a dialogue, a message a line."""
    return "\n".join(message.content for message in messages)


def find_openings(dialogues: Sequence[Sequence[Message]]) -> list[str]:
    """Returns what each dialogue begins with, up to the first reply that is not in another by chance, [dialogues].

    That is a reply of eight words, as in `penjing.data.measured`. A dialogue without any is its own opening. A system
    prompt is in none.
    """
    said = [[message for message in messages if message.role != "system"] for messages in dialogues]
    words = iter(count_words([message.content for messages in said for message in messages]))
    openings = []
    for messages in said:
        is_long = [next(words) >= FEWEST_WORDS and message.role == "assistant" for message in messages]
        openings.append(join_contents(messages[: is_long.index(True) + 1] if any(is_long) else messages))
    return openings


def build_dialogues(settings: DialogueData, seed: int, out: Path, progress: Progress) -> dict[str, Any]:
    """Fills a folder with ``train.parquet``, ``validation.parquet``, ``test.parquet`` and ``counts.json``.

    A dialogue that has come before in the same group of files is dropped. One dialogue is in one split alone, and so
    are those that begin alike (`find_openings`), such as one that is stored again with each of its turns; where more
    than 64 do, or more than a quarter of all, that is a greeting, and they are drawn one by one. A training dialogue
    whose normalized words are those of one in validation or test is removed, and one of validation that is in test.

    Args:
        settings: where the dialogues are and what they look like.
        seed: decides the split.
        out: an existing, empty folder.
        progress: told how far the reading is.

    Returns:
        What ``counts.json`` holds; ``exchanges`` are replies with what they reply to.

    Raises:
        RecipeError: a file or a column is missing.
        DataError: a dialogue breaks the rules, or there are too few.
        DiskFullError: the disk has no room.
        Interrupted: the user asked to stop.
    """
    return _Build(settings, seed, out, progress).run()


class _Build(Division):
    """All dialogues are of one class."""

    kept_columns: ClassVar = [("text", pa.string()), ("messages", pa.string())]
    table: ClassVar = DIALOGUE_SCHEMA
    repeated: ClassVar = ("source",)
    most_grouped: ClassVar = 64

    def __init__(self, settings: DialogueData, seed: int, out: Path, progress: Progress) -> None:
        super().__init__(settings, _rules(settings), files_by_split(settings), seed, out, progress)
        self._reader = DialogueReader(self.rules, settings.broken)

    def reader(self) -> RowReader:
        return self._reader

    def classes(self) -> list[str]:
        return [""]

    def classify(self, rows: TextRows) -> NDArray[np.int32]:
        return np.zeros(len(rows.texts), dtype=np.int32)

    def keys(self, rows: TextRows) -> Keys:
        return exact_keys(rows.dialogues)

    def keep(self, rows: TextRows, classes: NDArray[np.int32]) -> list[pa.Array]:
        return [pa.array(rows.texts, pa.string()), pa.array(rows.dialogues, pa.string())]

    def classes_of(self, batch: pa.RecordBatch) -> NDArray[np.int32]:
        return np.zeros(batch.num_rows, dtype=np.int32)

    def group(self, batch: pa.RecordBatch) -> Keys:
        return normalized_keys(find_openings([_read_written(text) for text in batch.column("messages").to_pylist()]))

    def columns(self, batch: pa.RecordBatch) -> list[pa.Array]:
        return [batch.column("text"), batch.column("messages")]

    def check(self, class_rows: list[int], where: str) -> None:
        """Any will do; whether there are enough is seen when they are divided."""

    def count(self, divided: Divided, where: str) -> None:
        self.count_splits(divided)
        self.counts["broken"] = self._reader.dropped
        for split, figures in self.counts["splits"].items():
            figures["exchanges"] = sum(
                len(take_apart(messages).exchanges) for batch in iter_dialogues(self.out, split) for messages in batch
            )
        check_counts(self.counts["splits"], where, self.optional)


def _rules(settings: DialogueData) -> RowRules:
    return RowRules(
        text=settings.text,
        target=settings.target,
        where=settings.where,
        empty_text=settings.empty_text,
        layout=settings.layout,
    )


def iter_dialogues(folder: Path, split: str, batch_rows: int = 1024) -> Iterator[list[list[Message]]]:
    """Yields a split's dialogues in batches.

    Args:
        folder: filled by `build_dialogues`.
        split: train, validation or test.
        batch_rows: the most dialogues in a batch.
    """
    with pq.ParquetFile(folder / f"{split}.parquet") as file:
        for batch in file.iter_batches(batch_size=batch_rows, columns=["messages"], use_threads=False):
            yield [_read_written(text) for text in batch.column(0).to_pylist()]


def read_dialogues(folder: Path, split: str) -> list[list[Message]]:
    """Returns all dialogues of a split; arguments as for `iter_dialogues`."""
    return [messages for batch in iter_dialogues(folder, split) for messages in batch]


def read_dialogue_rows(
    address: str,
    text: str = "messages",
    target: str | None = None,
    *,
    columns: tuple[str, ...] | None = None,
    encoding: str | None = None,
) -> list[list[Message]]:
    """Returns the checked dialogues of any file, for evaluation.

    Args:
        address: as `penjing.data.sources.source_files` takes it.
        text: column of the messages or, with ``target``, of what the user says.
        target: column of the reply; None where there is a column of messages.
        columns: names for the columns of a CSV or TSV file without a header line.
        encoding: as in `penjing.data.reading.read_rows`.

    Raises:
        RecipeError: a file or a column is missing, or a folder holds training and test files side by side.
        DataError: a dialogue breaks the rules, or there is none.
    """
    reader = DialogueReader(RowRules(text, target=target, layout=Layout(columns, encoding=encoding)))
    found = [_read_written(written) for rows in reader.read(files_of_one_split(address)) for written in rows.dialogues]
    check_any(reader, len(found), address)
    return found


def _read_written(text: str) -> list[Message]:
    """Returns messages that `write_messages` wrote, which were checked then."""
    return [Message(**value) for value in json.loads(text)]
