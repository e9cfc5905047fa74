"""How vocabularies write bytes: as characters (Radford et al. 2019), or, to fall back to, as ``<0xE4>``."""

from __future__ import annotations

import re
from functools import cache

from tokenizers import pre_tokenizers

_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


@cache
def byte_characters() -> list[str]:
    """Returns the characters in which byte-level tokenizers spell the bytes: printable ones stand for themselves."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    own = {ord(character): character for character in alphabet if ord(character) < 256}
    others = iter([character for character in alphabet if ord(character) >= 256])
    return [own[byte] if byte in own else next(others) for byte in range(256)]


def is_byte(entry: str) -> bool:
    """Whether an entry is a byte that a character without an entry is written with, such as ``<0xE4>``."""
    return _BYTE.fullmatch(entry) is not None


def part_bytes(entry: str) -> bytes | None:
    """Returns the bytes of a vocabulary entry that is a part of a character; None where it does not say them."""
    if found := _BYTE.fullmatch(entry):
        return bytes([int(found[1], 16)])
    characters = byte_characters()
    return bytes(map(characters.index, entry)) if set(entry) <= set(characters) else None
