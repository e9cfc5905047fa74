"""The rows of several parts as one table: what is read, and what is to be written to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from penjing.data.dividing import COUNTS
from penjing.data.measured import MeasuredTexts, index_texts
from penjing.data.question_rows import written_answer
from penjing.data.splitting import SPLITS
from penjing.files import disk_errors, write_json

Holds = Literal["label", "pair", "question"]
MIXED_SCHEMA = pa.schema(
    [*((name, pa.string()) for name in ("part", "text", "question", "target", "source")), ("row", pa.int64())]
)
_COUNTED = ("read", "filtered", "empty", "unlabelled", "unknown", "removed", "duplicates", "conflicts")
_AT_ONCE = 1024


def mix_rows(folder: Path, holds: Mapping[str, Holds], counts: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Writes the rows of all parts as one table a split, and returns what was counted.

    A text that any part is measured on is learned by none: it is left out of the training rows of the others, and so is
    a text that contains it (`penjing.data.measured`).

    Args:
        folder: has a folder for each part, with its rows.
        holds: what the rows of each part are.
        counts: of each part.
    """
    measured = index_texts(
        [row["text"] for row in rows]
        for name, kind in holds.items()
        for split in SPLITS[1:]
        for rows in _read(folder / name, split, kind)
    )
    splits, overlap, containing = dict[str, Any](), dict.fromkeys(holds, 0), dict.fromkeys(holds, 0)
    with disk_errors(folder):
        for split in SPLITS:
            found: Counter[str] = Counter()
            with pq.ParquetWriter(folder / f"{split}.parquet", MIXED_SCHEMA, compression="zstd") as writer:
                for name, kind in holds.items():
                    for rows in _read(folder / name, split, kind):
                        kept, equal = _without(rows, measured) if split == "train" else (rows, 0)
                        overlap[name] += equal
                        containing[name] += len(rows) - len(kept) - equal
                        found[name] += len(kept)
                        writer.write_table(pa.Table.from_pylist([{"part": name, **row} for row in kept], MIXED_SCHEMA))
            splits[split] = {"rows": sum(found.values()), "parts": {name: found[name] for name in holds}}
    document = {
        **{key: sum(part.get(key, 0) for part in counts.values()) for key in _COUNTED},
        "files": _join_files(counts),
        "splits": splits,
        "overlap": _add_up("overlap", counts, overlap),
        "containing": _add_up("containing", counts, containing),
        "between_parts": {name: overlap[name] + containing[name] for name in holds},
        "parts": dict(counts),
    }
    write_json(folder / COUNTS, document)
    return {**document, "kept": sum(split["rows"] for split in splits.values())}


def read_mixed(folder: Path, split: str, part: str, batch_rows: int = _AT_ONCE) -> Iterator[list[dict[str, str]]]:
    """Yields rows of a part, with ``text``, ``question`` (empty where none is asked) and ``target``, in batches.

    Args:
        folder: filled by `mix_rows`.
        split: train, validation or test.
        part: its name.
        batch_rows: the most rows in a batch.
    """
    with pq.ParquetFile(folder / f"{split}.parquet") as file:
        columns = ["part", "text", "question", "target"]
        for batch in file.iter_batches(batch_size=batch_rows, columns=columns, use_threads=False):
            rows = [row for row in batch.to_pylist() if row.pop("part") == part]
            if rows:
                yield rows


def _read(folder: Path, split: str, holds: Holds) -> Iterator[list[dict[str, Any]]]:
    """Yields the rows of a part's own table as those of the mixed one."""
    path = folder / f"{split}.parquet"
    if not path.is_file():
        return
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_AT_ONCE, use_threads=False):
            if batch.num_rows:
                yield [one for row in batch.to_pylist() for one in _as_mixed(row, holds)]


def _as_mixed(row: dict[str, Any], holds: Holds) -> list[dict[str, Any]]:
    """Returns a row once for each text that is to be written to it."""
    shared = {"text": row["text"], "question": "", "source": row["source"], "row": row["row"]}
    if holds == "label":
        return [{**shared, "target": row["label"]}]
    if holds == "pair":
        return [{**shared, "target": reference} for reference in row["references"]]
    # What is not in the text is no answer that is learned.
    return [{**shared, "question": row["question"], "target": written_answer(row["answers"], row["starts"])}]


def _without(rows: Sequence[dict[str, Any]], measured: MeasuredTexts) -> tuple[list[dict[str, Any]], int]:
    """Returns the rows that may be learned from, and how many of the others are measured texts themselves."""
    found = measured.find([row["text"] for row in rows])
    kept = [row for row, is_measured in zip(rows, found.is_measured, strict=True) if not is_measured]
    return kept, int(found.is_equal.sum())


def _add_up(reason: str, counts: Mapping[str, dict[str, Any]], between: Mapping[str, int]) -> dict[str, int]:
    """Returns the rows of each split that were left out for a reason, for what the part itself or another measures."""
    left_out: Counter[str] = Counter({"train": sum(between.values())})
    for part in counts.values():
        left_out.update(part[reason])
    return dict(left_out)


def _join_files(counts: Mapping[str, dict[str, Any]]) -> dict[str, list[str]]:
    joined: dict[str, list[str]] = {}
    for part in counts.values():
        for split, names in part["files"].items():
            joined[split] = list(dict.fromkeys([*joined.get(split, []), *names]))
    return joined
