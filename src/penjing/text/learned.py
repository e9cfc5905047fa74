"""Which tokens of a shard are learned, kept beside it, a byte a token."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from penjing.text.renderer import Rendered

_LEARNED = "learned.bin"


def keep_learned(
    folder: Path, batches: Iterable[tuple[list[Rendered], list[int]]]
) -> Iterator[tuple[list[Rendered], list[int]]]:
    """Passes rendered rows on to `penjing.text.shards.write_shard`, and writes which of their tokens are learned.

    Args:
        folder: of the shard; it is there when the first batch is asked for.
        batches: as `penjing.text.shards.write_shard` takes them.
    """
    with (folder / _LEARNED).open("wb") as file:
        for rendered, labels in batches:
            flat = np.fromiter(chain.from_iterable(row.learned for row in rendered), dtype=np.bool_)
            file.write(flat.tobytes())
            yield rendered, labels


def open_learned(folder: Path) -> NDArray[np.bool_]:
    """Returns which tokens of a shard are learned, [tokens]; they stay on disk until they are read."""
    return np.asarray(np.memmap(folder / _LEARNED, dtype=np.bool_, mode="r"))
