"""The baseline that is no language model at all: a general compressor that has read the end of the training texts."""

from __future__ import annotations

import lzma
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from penjing.errors import DataError

_PARTING = b"\n"  # one byte says that a text ends, as the end-of-text token does
_PRIMING_BYTES = 8 << 20
_TEST_BYTES = 4 << 20
_SMALLEST_DICTIONARY = 1 << 16


@dataclass(frozen=True)
class Compression:
    """How small texts become.

    Attributes:
        bits_per_byte: bits that the texts add to the packed training texts, for each of their bytes in UTF-8. The line
            end after each text is packed too, and is no byte of it.
        bytes: of the texts that were packed; the rest were left out for time.
        priming_bytes: of the training texts that were read before.
    """

    bits_per_byte: float
    bytes: int
    priming_bytes: int


def compress_texts(
    training_texts: Iterable[str],
    texts: Sequence[str],
    *,
    priming_bytes: int = _PRIMING_BYTES,
    test_bytes: int = _TEST_BYTES,
) -> Compression:
    """Packs texts with LZMA (xz) behind the end of the training texts, and counts what they add.

    Bits per byte are 8 · (C(training + texts) - C(training)) / bytes of the texts, with C the size of a raw LZMA2
    stream at the highest preset, whose dictionary holds everything (as the conditional complexity of Cilibrasi &
    Vitanyi 2005, arXiv cs/0312044). It takes about a second a megabyte, and 12 times their size in memory.

    Args:
        training_texts: in order; the last ``priming_bytes`` are used. None at all is allowed.
        texts: what is measured; the first ``test_bytes``, at least one text.
        priming_bytes: most bytes of training texts.
        test_bytes: most bytes of texts.

    Raises:
        DataError: there is no text, or all are empty.
    """
    tail = bytearray()
    for text in training_texts:
        tail += text.encode("utf-8", "surrogatepass") + _PARTING
        if len(tail) > 2 * priming_bytes + (1 << 16):
            del tail[:-priming_bytes]
    priming = bytes(tail[-priming_bytes:]) if priming_bytes else b""
    packed, counted = bytearray(), 0
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        if counted and counted + len(encoded) > test_bytes:
            break
        packed += encoded + _PARTING
        counted += len(encoded)
    if not counted:
        raise DataError("there is no text to measure", do="Give at least one text that is not empty.")
    dictionary = max(_SMALLEST_DICTIONARY, len(priming) + len(packed))
    added = _packed_size(priming + bytes(packed), dictionary) - _packed_size(priming, dictionary)
    return Compression(8.0 * max(0, added) / counted, counted, len(priming))


def _packed_size(data: bytes, dictionary: int) -> int:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": dictionary}]
    return len(lzma.compress(data, format=lzma.FORMAT_RAW, filters=filters))
