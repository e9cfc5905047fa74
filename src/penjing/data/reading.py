"""Reading back what was built, and rows of any file for prediction and evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from penjing.data.checks import check_any
from penjing.data.label_cells import LabelRules
from penjing.data.rows import RowReader, RowRules, TextRows
from penjing.data.sources import Layout, group_by_split, line_file, source_files
from penjing.errors import RecipeError


class SplitRows(NamedTuple):
    """The rows of a split.

    Attributes:
        texts: [rows].
        labels: [rows].
    """

    texts: list[str]
    labels: list[str]


class LabelSetRows(NamedTuple):
    """The rows of a split, with any number of labels each.

    Attributes:
        texts: [rows].
        labels: of each row, [rows].
    """

    texts: list[str]
    labels: list[tuple[str, ...]]


class PairRows(NamedTuple):
    """The pairs of a split.

    Attributes:
        texts: what is read, [rows].
        targets: what is to be written, [rows]; of several texts that will do, the first.
        references: all that will do, [rows].
    """

    texts: list[str]
    targets: list[str]
    references: list[list[str]]

    def take(self, rows: int) -> PairRows:
        """Returns the first rows."""
        return PairRows(self.texts[:rows], self.targets[:rows], self.references[:rows])

    def add(self, more: PairRows) -> None:
        """Adds rows."""
        self.texts.extend(more.texts)
        self.targets.extend(more.targets)
        self.references.extend(more.references)

    def examples(self) -> Iterator[tuple[str, str]]:
        """Yields each text with each that is to be written to it: what is learned."""
        for text, references in zip(self.texts, self.references, strict=True):
            for reference in references:
                yield text, reference


def iter_texts(path: Path, batch_rows: int = 1024, column: str = "text") -> Iterator[list[str]]:
    """Yields a column of texts of a Parquet file that was built here, in batches.

    Args:
        path: for example ``texts.parquet`` of a corpus or ``train.parquet`` of labelled texts.
        batch_rows: the most texts in a batch.
        column: ``text``, or ``target`` of pairs.
    """
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=batch_rows, columns=[column], use_threads=False):
            yield batch.column(0).to_pylist()


def iter_traced(path: Path, batch_rows: int = 1024) -> Iterator[pa.RecordBatch]:
    """Yields the columns ``text``, ``source`` and ``row`` of a Parquet file that was built here, in batches.

    Args:
        path: as in `iter_texts`.
        batch_rows: the most texts in a batch.
    """
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(batch_size=batch_rows, columns=["text", "source", "row"], use_threads=False)


def iter_split(folder: Path, split: str, batch_rows: int = 1024) -> Iterator[SplitRows]:
    """Yields a split's rows in batches.

    Args:
        folder: filled by `penjing.data.labelled.build_labelled`.
        split: train, validation or test.
        batch_rows: the most rows in a batch.
    """
    with pq.ParquetFile(folder / f"{split}.parquet") as file:
        for batch in file.iter_batches(batch_size=batch_rows, columns=["text", "label"], use_threads=False):
            yield SplitRows(batch.column("text").to_pylist(), batch.column("label").to_pylist())


def iter_label_sets(folder: Path, split: str, batch_rows: int = 1024) -> Iterator[LabelSetRows]:
    """Yields a split's rows in batches.

    Args:
        folder: filled by `penjing.data.label_sets.build_label_sets`.
        split: train, validation or test.
        batch_rows: the most rows in a batch.
    """
    with pq.ParquetFile(folder / f"{split}.parquet") as file:
        for batch in file.iter_batches(batch_size=batch_rows, columns=["text", "labels"], use_threads=False):
            yield LabelSetRows(batch.column("text").to_pylist(), list(map(tuple, batch.column("labels").to_pylist())))


def read_label_sets(folder: Path, split: str) -> LabelSetRows:
    """Returns all rows of a split; arguments as for `iter_label_sets`."""
    rows = LabelSetRows([], [])
    for batch in iter_label_sets(folder, split):
        rows.texts.extend(batch.texts)
        rows.labels.extend(batch.labels)
    return rows


def read_label_set_rows(
    address: str,
    rules: LabelRules,
    text: str = "text",
    *,
    columns: tuple[str, ...] | None = None,
    encoding: str | None = None,
) -> Iterator[TextRows]:
    """Yields the checked rows of any file, with the labels of each, in batches, for evaluation.

    Args:
        address: as `penjing.data.sources.source_files` takes it.
        rules: where the labels are.
        text: column of the text.
        columns: names for the columns of a CSV or TSV file without a header line.
        encoding: as in `read_rows`.

    Raises:
        RecipeError: a file or a column is missing, or a folder holds training and test files side by side.
        DataError: a row cannot be used, or there is none.
    """
    reader = RowReader(RowRules(text, layout=Layout(columns, encoding=encoding), label_sets=rules))
    found = 0
    for rows in reader.read(files_of_one_split(address)):
        found += len(rows.texts)
        yield rows
    check_any(reader, found, address)


def iter_pairs(folder: Path, split: str, batch_rows: int = 1024) -> Iterator[PairRows]:
    """Yields a split's pairs in batches.

    Args:
        folder: filled by `penjing.data.pairs.build_pairs`.
        split: train, validation or test.
        batch_rows: the most pairs in a batch.
    """
    with pq.ParquetFile(folder / f"{split}.parquet") as file:
        names = ["text", "target", "references"]
        for batch in file.iter_batches(batch_size=batch_rows, columns=names, use_threads=False):
            yield PairRows(*(batch.column(name).to_pylist() for name in names))


def read_pairs(folder: Path, split: str) -> PairRows:
    """Returns all pairs of a split; arguments as for `iter_pairs`."""
    rows = PairRows([], [], [])
    for batch in iter_pairs(folder, split):
        rows.add(batch)
    return rows


def read_split(folder: Path, split: str) -> SplitRows:
    """Returns all rows of a split; for a large one, `iter_split` holds a batch at a time.

    Args:
        folder: filled by `penjing.data.labelled.build_labelled`.
        split: train, validation or test.
    """
    rows = SplitRows([], [])
    for batch in iter_split(folder, split):
        rows.texts.extend(batch.texts)
        rows.labels.extend(batch.labels)
    return rows


def read_pair_rows(
    address: str,
    text: str = "text",
    target: str | Sequence[str] = "target",
    *,
    columns: tuple[str, ...] | None = None,
    beside: Path | None = None,
    encoding: str | None = None,
) -> Iterator[PairRows]:
    """Yields the checked pairs of any file, in batches, for evaluation.

    Args:
        address: as `penjing.data.sources.source_files` takes it; with ``beside``, a file of lines.
        text: column of what is read.
        target: column of what should be written, or of a list of texts that will all do, or several such columns.
        columns: names for the columns of a CSV or TSV file without a header line.
        beside: a file of what should be written, line by line.
        encoding: as in `read_rows`.

    Raises:
        RecipeError: a file or a column is missing, or a folder holds training and test files side by side.
        DataError: a row cannot be used, there is none, or files side by side have not as many lines.
    """
    files = files_of_one_split(address) if beside is None else [line_file(address)]
    aligned = {} if beside is None else {files[0]: line_file(str(beside))}
    first, *others = [target] if isinstance(target, str) else target
    rules = RowRules(
        text, target=first, references=tuple(others), layout=Layout(columns, encoding=encoding), aligned=aligned
    )
    reader = RowReader(rules)
    found = 0
    for rows in reader.read(files):
        found += len(rows.texts)
        yield PairRows(rows.texts, rows.targets, rows.references)
    check_any(reader, found, address)


def files_of_one_split(address: str) -> list[Path]:
    """Returns the files of an address.

    Raises:
        RecipeError: one is missing, or they are of several splits.
    """
    files = source_files(address)
    groups = group_by_split(files)
    if len(groups) > 1:
        names = ", ".join(file.name for group in groups.values() for file in group)
        raise RecipeError(f"it holds files of several splits ({names})", where=address, do="Name one of them.")
    return files


def read_rows(
    address: str,
    text: str = "text",
    label: str | None = None,
    *,
    columns: tuple[str, ...] | None = None,
    where: Mapping[str, str | int | float | bool] | None = None,
    max_line_mb: float = 8,
    quotes: bool | None = None,
    encoding: str | None = None,
) -> Iterator[TextRows]:
    """Yields the checked rows of any file, in batches, for prediction or evaluation.

    Args:
        address: as `penjing.data.sources.source_files` takes it.
        text: column of the text.
        label: column of the label; None reads none.
        columns: names for the columns of a CSV or TSV file without a header line.
        where: keep only the rows whose column has this value.
        max_line_mb: the longest line in MB.
        quotes: whether cells may stand in double quotes; None: yes in CSV, no in TSV.
        encoding: of text files; None: UTF-8; ``auto``: found by how the bytes look.

    Raises:
        RecipeError: a file or a column is missing, or a folder holds training and test files side by side.
        DataError: a row cannot be used, or there is none.
    """
    files = files_of_one_split(address)
    labels = None if label is None else LabelRules((label,))
    layout = Layout(columns, max_line_mb, quotes, encoding=encoding)
    reader = RowReader(RowRules(text, labels, where or {}, layout=layout))
    found = 0
    for rows in reader.read(files):
        found += len(rows.texts)
        if rows.texts:
            yield rows
    check_any(reader, found, address)
