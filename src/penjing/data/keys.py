"""Keys: 128-bit hashes that stand for texts, [rows] of 16 bytes each."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from penjing.data.scripts import UNSPACED_CHARACTER

KEY_BYTES = 16
ID_LENGTH = 16
#: An array of keys. NumPy leaves NUL bytes at an item's end out when it shows one, not when it compares or sorts.
Keys = NDArray[np.bytes_]

_NO_WORD = re.compile(r"[\W_]+")
_UNSPACED = UNSPACED_CHARACTER.pattern.strip("[]")
_WORD = re.compile(rf"(?![\W_])[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
_ASCII_LOWER = bytes(range(128)).lower() + bytes(range(128, 256))
_ASCII_NO_WORD = bytes(code for code in range(128) if not chr(code).isalnum())


def normalize_text(text: str) -> str:
    """Returns a text's letters and digits only, NFKC, case folded: what two texts share that differ only in form.

    A text without any (``!!!``, or emoji) stands for itself, without the space around it.
    """
    # In UTF-8 no ASCII byte is part of another character; what is left of most texts is then quick to fold.
    bare = text.encode().translate(_ASCII_LOWER, _ASCII_NO_WORD).decode()
    if not bare.isascii():
        bare = _NO_WORD.sub("", unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", bare).casefold()))
    return bare or text.strip()


def word_edges(text: str) -> NDArray[np.int64] | None:
    """Returns where words begin and end in the normalized form of a text, in bytes of UTF-8, rising, [edges].

    In scripts that set no spaces between words, each character is one. None where it cannot be told: in a text without
    letters and digits, and where a sign stood between a letter and its accent.
    """
    whole = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    normal = normalize_text(text)
    lengths = np.fromiter(_lengths_if_same(whole, normal), np.int64)
    if (lengths < 0).any() or lengths.sum() != len(normal.encode()):
        return None
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])


def _lengths_if_same(whole: str, normal: str) -> Iterator[int]:
    """Yields the bytes of each word, one at a time, for there may be millions; -1 where the normal form has another."""
    place = 0
    for found in _WORD.finditer(whole):
        word = found.group()
        yield len(word.encode()) if normal.startswith(word, place) else -1
        place += len(word)


def exact_keys(texts: Iterable[str], seed: int = 0) -> Keys:
    """Returns the keys of texts as they are, [texts]; with another seed their order is another."""
    salt = seed.to_bytes(8, "little")
    return _as_keys(blake2b(text.encode(), digest_size=KEY_BYTES, key=salt).digest() for text in texts)


def text_ids(texts: Iterable[str]) -> list[str]:
    """Returns the ids of texts: equal for equal texts, wherever they come from; ID_LENGTH hexadecimal digits."""
    return [blake2b(text.encode(), digest_size=ID_LENGTH // 2).hexdigest() for text in texts]


def normalized_keys(texts: Iterable[str]) -> Keys:
    """Returns the keys of normalized texts, [texts]."""
    return digest_keys(normalize_text(text).encode() for text in texts)


def digest_keys(parts: Iterable[bytes]) -> Keys:
    """Returns the keys of bytes: of a normalized text in UTF-8, what `normalized_keys` returns."""
    return _as_keys(blake2b(part, digest_size=KEY_BYTES).digest() for part in parts)


def _as_keys(digests: Iterable[bytes]) -> Keys:
    return np.frombuffer(b"".join(digests), dtype=f"S{KEY_BYTES}")


class KeySet:
    """A set of keys, held as one sorted array.

    Args:
        parts: arrays of keys, duplicates allowed.
    """

    def __init__(self, parts: Iterable[Keys]) -> None:
        every = list(parts)
        self._keys = np.unique(np.concatenate(every)) if every else np.empty(0, dtype=f"S{KEY_BYTES}")

    def __len__(self) -> int:
        return len(self._keys)

    def contains(self, keys: Keys) -> NDArray[np.bool_]:
        """Returns which of some keys are in the set, [keys]."""
        if not len(self._keys):
            return np.zeros(len(keys), dtype=np.bool_)
        places = np.searchsorted(self._keys, keys)
        places[places == len(self._keys)] = 0
        return np.asarray(self._keys[places] == keys, dtype=np.bool_)
