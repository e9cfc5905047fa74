"""Token shards: rows of token ids in one memory-mapped file, so that training memory does not grow with the corpus."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from penjing.errors import DataError
from penjing.files import disk_errors, read_json, write_json
from penjing.text.renderer import Rendered

_TOKENS, _OFFSETS, _LABELS, _RECORD = "tokens.bin", "offsets.bin", "labels.bin", "shard.json"


@dataclass(frozen=True)
class TokenShard:
    """Rows of token ids on disk.

    Attributes:
        tokens: all rows one after another, [tokens], memory-mapped.
        offsets: where each row starts, and the end of the last, [rows + 1].
        labels: the class of each row, [rows]; empty for a corpus without labels.
        fingerprint: of the renderer that wrote it.
        cut_tokens: tokens left out because rows were too long.
        cut_rows: rows of which something was left out.
        unknown_tokens: tokens that the vocabulary does not know.
    """

    tokens: NDArray[np.uint16] | NDArray[np.uint32]
    offsets: NDArray[np.int64]
    labels: NDArray[np.int64]
    fingerprint: str
    cut_tokens: int
    cut_rows: int
    unknown_tokens: int

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The length of each row in tokens, [rows]."""
        return np.diff(self.offsets)

    def row(self, index: int) -> NDArray[np.uint16] | NDArray[np.uint32]:
        """Returns the token ids of one row."""
        return self.tokens[self.offsets[index] : self.offsets[index + 1]]

    def take(self, rows: NDArray[np.int64]) -> TokenShard:
        """Returns some rows as a shard of their own, in memory; nothing is counted as cut."""
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(self.lengths[rows])])
        tokens = np.concatenate([self.tokens[:0], *(self.row(row) for row in rows.tolist())])
        labels = self.labels[rows] if len(self.labels) else self.labels
        return TokenShard(tokens, offsets, labels, self.fingerprint, cut_tokens=0, cut_rows=0, unknown_tokens=0)


def join_shards(first: TokenShard, second: TokenShard) -> TokenShard:
    """Returns the rows of two shards, one after the other, in memory.

    Args:
        first: written by some renderer.
        second: written by the same.

    Raises:
        DataError: another renderer has written it.
    """
    if first.fingerprint != second.fingerprint:
        raise DataError("two shards were rendered in different ways", do="Make them again by one recipe.")
    return TokenShard(
        tokens=np.concatenate([first.tokens, second.tokens]),
        offsets=np.concatenate([first.offsets, first.offsets[-1] + second.offsets[1:]]),
        labels=np.concatenate([first.labels, second.labels]),
        fingerprint=first.fingerprint,
        cut_tokens=first.cut_tokens + second.cut_tokens,
        cut_rows=first.cut_rows + second.cut_rows,
        unknown_tokens=first.unknown_tokens + second.unknown_tokens,
    )


def write_shard(
    folder: Path,
    batches: Iterable[tuple[list[Rendered], list[int]]],
    *,
    vocab_size: int,
    unknown_id: int,
    fingerprint: str,
) -> TokenShard:
    """Writes batches of rendered rows, with the class of each row where there is one, as a shard.

    Args:
        folder: an existing folder to write into.
        batches: rendered rows and their labels (an empty list for a corpus without labels).
        vocab_size: decides 2 or 4 bytes for a token.
        unknown_id: the id counted as unknown; -1 where nothing is.
        fingerprint: the renderer's.

    Raises:
        DataError: there was no row.
        DiskFullError: the disk has no room.
    """
    dtype = np.dtype(np.uint16 if vocab_size <= 1 << 16 else np.uint32)
    rows = end = cut_tokens = cut_rows = unknown = 0
    with (
        disk_errors(folder),
        (folder / _TOKENS).open("wb") as tokens,
        (folder / _OFFSETS).open("wb") as offsets,
        (folder / _LABELS).open("wb") as labels_file,
    ):
        offsets.write(np.int64(0).tobytes())
        for rendered, labels in batches:
            ends = end + np.cumsum([len(row.ids) for row in rendered], dtype=np.int64)
            count = int(ends[-1]) - end if len(ends) else 0
            flat = np.fromiter(chain.from_iterable(row.ids for row in rendered), dtype=dtype, count=count)
            tokens.write(flat.tobytes())
            offsets.write(ends.tobytes())
            labels_file.write(np.array(labels, dtype=np.int64).tobytes())
            end = int(ends[-1]) if len(ends) else end
            rows += len(rendered)
            cut_tokens += sum(row.cut_tokens for row in rendered)
            cut_rows += sum(row.cut_tokens > 0 for row in rendered)
            unknown += int((flat == unknown_id).sum())
    if rows == 0:
        raise DataError("there is no row to turn into tokens", do="Check [data] and [corpus].")
    record = {
        "dtype": dtype.name,
        "rows": rows,
        "tokens": end,
        "cut_tokens": cut_tokens,
        "cut_rows": cut_rows,
        "unknown_tokens": unknown,
        "fingerprint": fingerprint,
    }
    write_json(folder / _RECORD, record)
    return open_shard(folder)


def open_shard(folder: Path) -> TokenShard:
    """Opens a shard; the tokens stay on disk until they are read."""
    record = read_json(folder / _RECORD)
    labels = np.fromfile(folder / _LABELS, dtype=np.int64)
    return TokenShard(
        # As plain arrays over the same memory: a slice of a np.memmap takes ten times as long.
        tokens=np.asarray(np.memmap(folder / _TOKENS, dtype=record["dtype"], mode="r")),
        offsets=np.asarray(np.memmap(folder / _OFFSETS, dtype=np.int64, mode="r")),
        labels=labels,
        fingerprint=record["fingerprint"],
        cut_tokens=record["cut_tokens"],
        cut_rows=record["cut_rows"],
        unknown_tokens=record["unknown_tokens"],
    )
