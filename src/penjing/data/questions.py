"""Questions about texts: read, checked, references put together, split by document, without leaks; and read back.

They are held in memory: the largest sets of this kind have some hundred thousand questions.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from penjing.data.checks import check_counts, check_quotas
from penjing.data.dividing import COUNTS
from penjing.data.keys import normalize_text, text_ids
from penjing.data.measured import index_texts
from penjing.data.question_rows import Question, QuestionReader
from penjing.data.question_settings import QuestionData
from penjing.data.settings import exact_share
from penjing.data.split_files import files_by_split, name_files
from penjing.data.splitting import SPLITS, split_quotas
from penjing.errors import DataError
from penjing.files import disk_errors, write_json
from penjing.progress import Progress, stop_if_asked

QUESTION_SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("question", pa.string()),
        ("answers", pa.list_(pa.string())),
        ("starts", pa.list_(pa.int64())),
        ("document", pa.string()),
        ("source", pa.string()),
        ("row", pa.int64()),
    ]
)
#: How references were found, and what is not answered: counted, and shown by a plan.
COUNTED = ("unanswerable", "absent", "byte_offsets", "moved", "several_places", "apart")
_LEFT_OUT = ("read", "filtered", "empty", "removed", "duplicates")


def build_questions(settings: QuestionData, seed: int, out: Path, progress: Progress) -> dict[str, Any]:
    """Fills a folder with ``train.parquet``, ``validation.parquet``, ``test.parquet`` and ``counts.json``.

    Rows that ask the same of the same text are one question with several references. Documents are drawn whole: no two
    splits that are drawn have texts of one, and documents that share a text count as one. A training question whose
    normalized text is in validation or test, or contains a text of these (`penjing.data.measured`), is removed, and so
    is a validation question for what is in test.

    Args:
        settings: where the questions are and what they look like.
        seed: decides the split.
        out: an existing, empty folder.
        progress: told how far the reading is.

    Returns:
        What ``counts.json`` holds.

    Raises:
        RecipeError: a file or a column is missing.
        DataError: a row cannot be used, or there are too few documents.
        DiskFullError: the disk has no room.
        Interrupted: the user asked to stop.
    """
    files = files_by_split(settings)
    reader = QuestionReader(settings)
    given = {split: _read(reader, files[split], settings, progress) for split in SPLITS if split in files}
    where = name_files(files["train"])
    splits = _divide(given, settings, seed, where)
    overlap, containing = _drop_measured(splits)
    counts: dict[str, Any] = {name: reader.counts[name] for name in (*_LEFT_OUT, *COUNTED)}
    counts |= {
        "kept": sum(map(len, splits.values())),
        "characters": sum(_characters(questions) for questions in splits.values()),
        "overlap": overlap,
        "containing": containing,
        "files": {split: [file.name for file in files[split]] for split in SPLITS if split in files},
        "splits": {split: _describe(questions) for split, questions in splits.items()},
    }
    check_counts(counts["splits"], where, _optional(given, settings))
    if not any(question.is_learnable for question in splits["train"]):
        raise DataError("no training question has its answer in its text", where=where, do="Correct the answers.")
    with disk_errors(out):
        for split, questions in splits.items():
            _write(out / f"{split}.parquet", questions)
        write_json(out / COUNTS, counts)
    return counts


def read_questions(folder: Path, split: str) -> list[Question]:
    """Returns the questions of a split.

    Args:
        folder: filled by `build_questions`.
        split: train, validation or test.
    """
    table = pq.read_table(folder / f"{split}.parquet", use_threads=False)
    return [
        Question(**{**row, "answers": tuple(row["answers"]), "starts": tuple(row["starts"])})
        for row in table.to_pylist()
    ]


def merge_references(questions: Iterable[Question]) -> list[Question]:
    """Returns the questions, each once, with the references of all rows that ask the same of the same text.

    A row that says that there is no answer counts only where none of the others has one.
    """
    merged: dict[tuple[str, str], Question] = {}
    for question in questions:
        key = question.text, question.question
        known = merged.get(key)
        if known is None:
            merged[key] = question
            continue
        pairs = dict.fromkeys(
            (*zip(known.answers, known.starts, strict=True), *zip(question.answers, question.starts, strict=True))
        )
        merged[key] = replace(
            known, answers=tuple(answer for answer, _ in pairs), starts=tuple(start for _, start in pairs)
        )
    return list(merged.values())


def _read(reader: QuestionReader, files: list[Path], settings: QuestionData, progress: Progress) -> list[Question]:
    removed, found = set(settings.removed), []
    with progress.bar("reading", sum(file.stat().st_size for file in files), "bytes") as bar:
        for file in files:
            for number, question in enumerate(reader.read(file)):
                if number % 1000 == 0:
                    stop_if_asked(progress)
                if removed and text_ids([question.text])[0] in removed:
                    reader.counts["removed"] += 1
                    continue
                found.append(question)
            bar.advance(file.stat().st_size)
    if not found:
        raise DataError("there is no question", where=name_files(files), do="Put questions into it, or correct where.")
    merged = merge_references(found)
    reader.counts["duplicates"] += len(found) - len(merged)
    return merged


def _divide(
    given: dict[str, list[Question]], settings: QuestionData, seed: int, where: str
) -> dict[str, list[Question]]:
    """Returns the questions of each split; documents of the training files are drawn for those without files."""
    shares = [exact_share(settings.split.train)]
    for name, share in (("validation", settings.split.validation), ("test", settings.split.test)):
        shares.append(Fraction(0) if name in given else exact_share(share))
    shares = [share / sum(shares) for share in shares]
    groups = group_documents(given["train"])
    quotas = split_quotas([len(groups)], shares)
    counted = [quotas[0][0], *(quotas[0][n] or len(given.get(name, ())) for n, name in enumerate(SPLITS[1:], start=1))]
    check_quotas(
        [counted],
        [""],
        shares,
        given.keys() | _optional(given, settings),
        f"{where}, whose texts are of {len(groups):,} documents",
    )
    drawn: dict[str, list[Question]] = {split: list(given.get(split, ())) for split in SPLITS[1:]}
    order = random.Random(seed).sample(range(len(groups)), len(groups))
    taken, place = set(), 0
    for number, name in enumerate(SPLITS[1:], start=1):
        for index in sorted(order[place : place + quotas[0][number]]):
            drawn[name] += groups[index]
            taken.add(index)
        place += quotas[0][number]
    rest = [question for index, group in enumerate(groups) if index not in taken for question in group]
    return {"train": rest, **drawn}


def _optional(given: Collection[str], settings: QuestionData) -> frozenset[str]:
    """Returns the splits that may be without questions: test, where no share of it is asked for."""
    return frozenset() if "test" in given or settings.split.test else frozenset({"test"})


def group_documents(questions: Sequence[Question]) -> list[list[Question]]:
    """Returns the questions of each document, in the order of the first; documents that share a text are one."""
    parents: dict[str, str] = {}

    def root(name: str) -> str:
        while parents.setdefault(name, name) != name:
            name = parents[name]
        return name

    for question in questions:
        parents[root(f"t:{normalize_text(question.text)}")] = root(f"d:{question.document}")
    groups: dict[str, list[Question]] = {}
    for question in questions:
        groups.setdefault(root(f"d:{question.document}"), []).append(question)
    return list(groups.values())


def _drop_measured(splits: dict[str, list[Question]]) -> tuple[dict[str, int], dict[str, int]]:
    """Leaves out what may not be learned; returns how many of each split are measured on, and contain what is."""
    overlap, containing = dict[str, int](), dict[str, int]()
    for split, others in (("train", ("validation", "test")), ("validation", ("test",))):
        measured = index_texts(_distinct(splits[other]) for other in others)
        texts = _distinct(splits[split])
        found = measured.find(texts)
        equal, containers = ({texts[row] for row in np.flatnonzero(of)} for of in (found.is_equal, found.contains))
        overlap[split] = sum(question.text in equal for question in splits[split])
        containing[split] = sum(question.text in containers for question in splits[split])
        splits[split] = [question for question in splits[split] if question.text not in equal | containers]
    return overlap, containing


def _distinct(questions: Sequence[Question]) -> list[str]:
    return list(dict.fromkeys(question.text for question in questions))


def _characters(questions: Sequence[Question]) -> int:
    return sum(len(text) for text in {question.text for question in questions})


def _describe(questions: Sequence[Question]) -> dict[str, int]:
    return {
        "rows": len(questions),
        "characters": _characters(questions),
        "documents": len({question.document for question in questions}),
        "unanswerable": sum(not question.is_answerable for question in questions),
    }


def _write(path: Path, questions: Sequence[Question]) -> None:
    columns = {
        name: pa.array([getattr(question, name) for question in questions], QUESTION_SCHEMA.field(name).type)
        for name in QUESTION_SCHEMA.names
    }
    table = pa.table(columns, schema=QUESTION_SCHEMA)
    pq.write_table(table, path, compression="zstd", use_dictionary=["text", "document", "source"])
