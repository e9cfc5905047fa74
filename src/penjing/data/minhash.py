"""MinHash signatures of texts: how alike two texts are, told by a few hundred bytes of each (Broder 1997)."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from penjing.data.scripts import UNSPACED
from penjing.data.sources.hub import DAFT_QUIET
from penjing.errors import MissingExtraError

#: Numbers of a signature. The share of equal ones estimates the similarity with a deviation of at most 0.044.
SIGNATURE = 128
SHINGLE = 5
#: The signatures of a batch of texts, as its column; null where one has to be made.
SIGNATURES = pa.field("signature", pa.list_(pa.uint32(), SIGNATURE))


def spaced_words(texts: Sequence[str]) -> pa.Array:
    """Returns what of texts is compared, words between single spaces, [texts] strings.

    Case, punctuation and the form of letters (NFKD) do not count. In scripts that set no spaces between words, such as
    Chinese, Japanese and Thai, every character is a word. A text without any (``!!!``) stands for itself.
    """
    # NFKC would do as well, but what PyArrow calls so is NFKD.
    words = pc.utf8_lower(pc.utf8_normalize(pa.array(texts, pa.large_string()), form="NFKD"))
    words = pc.replace_substring_regex(words, r"[^\p{L}\p{N}\p{M}]+", " ")
    words = pc.replace_substring_regex(words, rf"({UNSPACED}\p{{M}}*)", r" \1 ")
    words = pc.utf8_trim_whitespace(pc.replace_substring_regex(words, "  +", " "))  # " +" would write each one anew
    without = pc.utf8_trim_whitespace(pa.array(texts, pa.large_string()))
    return pc.if_else(pc.equal(words, ""), without, words)


def sign_texts(texts: Sequence[str]) -> NDArray[np.uint32]:
    """Returns the signatures of texts, [texts, SIGNATURE].

    The share of equal numbers in two of them estimates the Jaccard similarity of the sets of runs of five words of the
    texts (`spaced_words`); texts of fewer words are one run.
    """
    if not len(texts):
        return np.empty((0, SIGNATURE), dtype=np.uint32)
    # By a series, not a table: no plan is made and no thread started, and a worker on Ray stays by itself.
    words = _import_daft().Series.from_arrow(spaced_words(texts))
    found = words.minhash(SIGNATURE, SHINGLE, hash_function="xxhash3_64").to_arrow()
    return cast("NDArray[np.uint32]", found.flatten().to_numpy().reshape(len(texts), SIGNATURE))


def sign_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Returns a batch of texts with the column `SIGNATURES`."""
    numbers = sign_texts(batch.column("text").to_pylist())
    column = pa.FixedSizeListArray.from_arrays(numbers.ravel(), type=SIGNATURES.type)
    return batch.append_column(SIGNATURES, column)


def unsign_batch(batch: pa.RecordBatch, is_changed: Sequence[bool]) -> pa.RecordBatch:
    """Returns a batch without the signatures of texts that were changed, [texts]; one without the column, as it is."""
    place = batch.schema.get_field_index(SIGNATURES.name)
    if place < 0:
        return batch
    none = pa.scalar(None, SIGNATURES.type)
    column = pc.if_else(pa.array(is_changed, pa.bool_()), none, batch.column(place))
    return batch.set_column(place, SIGNATURES, column)


def sign_rest(texts: Sequence[str], column: pa.Array) -> NDArray[np.uint32]:
    """Returns the signatures of texts, [texts, SIGNATURE], and makes only those that a column of theirs has not."""
    made: NDArray[np.uint32] = column.flatten().to_numpy().reshape(-1, SIGNATURE)  # nulls are left out of it
    if not column.null_count:
        return made
    is_made = column.is_valid().to_numpy(zero_copy_only=False)
    signatures = np.empty((len(texts), SIGNATURE), dtype=np.uint32)
    signatures[is_made] = made
    signatures[~is_made] = sign_texts([texts[int(row)] for row in np.flatnonzero(~is_made)])
    return signatures


def signing_versions() -> list[str]:
    """Returns what decides signatures beside the texts: those of other versions may not be compared."""
    return [f"{SIGNATURE}/{SHINGLE}", f"pyarrow {pa.__version__}", f"daft {version('daft')}"]


def check_daft() -> None:
    """Checks that what signs texts is installed.

    Raises:
        MissingExtraError: it is not.
    """
    if importlib.util.find_spec("daft") is None:
        raise MissingExtraError("daft", "corpus", "Finding near duplicates")


def _import_daft() -> Any:
    for name, value in DAFT_QUIET.items():
        os.environ.setdefault(name, value)
    import daft

    return daft
