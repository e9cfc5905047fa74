"""Rows of unlike length put together so that almost nothing is padding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def plan_by_length(
    lengths: NDArray[np.int64], max_tokens: int, max_rows: int, max_spread: int | None = None
) -> list[NDArray[np.int64]]:
    """Groups rows of like length into batches.

    Args:
        lengths: tokens in each row, [rows].
        max_tokens: the largest batch, padding included; a longer row is a batch of its own.
        max_rows: the most rows in a batch.
        max_spread: by how many tokens the longest row of a batch exceeds the shortest at most; None: by any number.

    Returns:
        For each batch the indices of its rows. Rows of one length keep the order in which they came.
    """
    order = np.argsort(lengths, kind="stable")
    spread = int(lengths.max(initial=0)) if max_spread is None else max_spread
    batches, start = [], 0
    while start < len(order):
        end, longest = start + 1, lengths[order[start]] + spread
        while (
            end < len(order)
            and end - start < max_rows
            and (end - start + 1) * lengths[order[end]] <= max_tokens
            and lengths[order[end]] <= longest
        ):
            end += 1
        batches.append(order[start:end])
        start = end
    return batches


def round_lengths(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns lengths rounded up to one of few: eight between a number and its double; none above the longest.

    For each shape of a batch a CPU's kernels are made anew, and kept, and what is freed between them fits nothing else:
    the memory of training would grow for as long as new lengths come. Rows become a sixteenth longer, by and large.

    Args:
        lengths: of all rows, 1 or more each.
    """
    exponents = np.frexp(lengths.astype(np.float64))[1] - 1  # 2 ** exponent is the largest power that is not above
    steps = 2 ** np.maximum(1, exponents - 3)
    rounded: NDArray[np.int64] = np.minimum(-(-lengths // steps) * steps, lengths.max(initial=0))
    return rounded


def pad_rows(
    rows: Sequence[NDArray[np.integer] | list[int]], pad_id: int, length: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Puts rows into one array, padded on the right.

    Args:
        rows: token ids.
        pad_id: fills shorter rows.
        length: of the array, at least.

    Returns:
        ids [batch, time] and the mask of real tokens [batch, time].
    """
    time = max(length, *(len(row) for row in rows))
    ids = np.full((len(rows), time), pad_id, dtype=np.int64)
    mask = np.zeros((len(rows), time), dtype=np.bool_)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
        mask[i, : len(row)] = True
    return ids, mask


def gather_rows(
    tokens: NDArray[np.integer], offsets: NDArray[np.int64], rows: NDArray[np.int64], pad_id: int, length: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Does what `pad_rows` does with rows that lie one after another, in less time.

    Args:
        tokens: of all rows.
        offsets: where each begins, and the last one ends, [all rows + 1].
        rows: which are wanted, [batch].
        pad_id: fills shorter rows.
        length: of the array, no less than that of any row.

    Returns:
        ids [batch, length] and the mask of real tokens [batch, length].
    """
    starts, place = offsets[rows, None], np.arange(length)
    mask = place < offsets[rows + 1, None] - starts
    ids = np.full(mask.shape, pad_id, dtype=np.int64)
    ids[mask] = tokens[(starts + place)[mask]]
    return ids, mask
