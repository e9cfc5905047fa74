"""Content hashes (BLAKE2b, 128 bits, hexadecimal): what makes two inputs, or two settings, the same."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

_BLOCK_BYTES = 1 << 20


def hash_text(text: str) -> str:
    """Returns the hash of a text's UTF-8 bytes."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def hash_json(value: Any) -> str:
    """Returns the hash of a JSON value; the order of keys does not matter."""
    return hash_text(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


def hash_file(path: Path) -> str:
    """Returns the hash of a file's bytes, read in blocks."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def hash_folder(path: Path, *, leave_out: frozenset[str] = frozenset()) -> str:
    """Returns the hash of all files below a folder, by relative path and content.

    Args:
        path: the folder.
        leave_out: names of files that do not count (a record about the folder itself), and of folders right in it.
    """
    files = {file.relative_to(path): file for file in sorted(path.rglob("*")) if file.is_file()}
    counted = {at: file for at, file in files.items() if leave_out.isdisjoint((at.parts[0], at.name))}
    return hash_json({at.as_posix(): hash_file(file) for at, file in counted.items()})
