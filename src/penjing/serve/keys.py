"""Keys of those who may use a server: made, listed and revoked in a file, which holds salted hashes alone.

A key is ``pj-ID-SECRET``. The id finds the entry; the secret, 256 random bits, is compared as its scrypt hash (Percival
& Josefsson 2016, RFC 7914). A server remembers a key that was right under a hash with a secret of the process, so that
each request after the first costs microseconds.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from penjing.errors import UsageError
from penjing.files import write_text

_KEY = re.compile(r"pj-([0-9a-f]{12})-([A-Za-z0-9_-]{43})")
_COST = 1 << 13  # of scrypt (N; r = 8, p = 1): 8 MB and about 20 ms
_LOOK_S = 1.0  # between two looks at the file
_MOST_REMEMBERED = 10_000


class StoredKey(BaseModel):
    """A key as the file holds it; the secret cannot be had from it.

    Attributes:
        id: the part of the key that is no secret.
        name: whose it is.
        created: when it was made.
        salt: of the hash, hexadecimal.
        hash: scrypt of the secret, hexadecimal.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern="^[0-9a-f]{12}$")
    name: str
    created: str
    salt: str = Field(pattern="^[0-9a-f]{32}$")
    hash: str = Field(pattern="^[0-9a-f]{64}$")


class _KeyFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keys: list[StoredKey] = []


def create_key(path: Path, name: str) -> tuple[str, StoredKey]:
    """Makes a key and adds it to a file, which only its owner may read; a file that is not there is made.

    Args:
        path: of the file.
        name: whose it is.

    Returns:
        The key, which is shown once and kept nowhere; and its entry.

    Raises:
        UsageError: the file is no file of keys.
    """
    key_id, secret, salt = secrets.token_hex(6), secrets.token_urlsafe(32), secrets.token_bytes(16)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    entry = StoredKey(id=key_id, name=name, created=created, salt=salt.hex(), hash=_hash(secret, salt).hex())
    with _alone(path):
        _write(path, [*(read_keys(path) if path.exists() else []), entry])
    return f"pj-{key_id}-{secret}", entry


def revoke_key(path: Path, key_id: str) -> StoredKey:
    """Takes a key out of a file; servers that use the file refuse it within seconds.

    Args:
        path: of the file.
        key_id: the id, or the name where only one key has it.

    Raises:
        UsageError: the file is no file of keys, or there is no such key.
    """
    read_keys(path)  # one that is not there is not changed
    with _alone(path):
        entries = read_keys(path)
        found = [entry for entry in entries if key_id in (entry.id, entry.name)]
        if len(found) != 1:
            what = f"there are {len(found)} keys called {key_id}" if found else f"there is no key {key_id}"
            raise UsageError(what, where=str(path), do="Give an id, as penjing serve key list shows it.")
        _write(path, [entry for entry in entries if entry is not found[0]])
    return found[0]


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Lets no other process change the file meanwhile: two would each write what they read, and lose a key.

    Raises:
        UsageError: nothing can be written beside the file.
    """
    beside = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o660)
    except OSError as error:
        do = "Let whoever manages the keys write in its folder."
        raise UsageError(f"the file of keys cannot be changed ({error.strerror})", where=str(beside), do=do) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def read_keys(path: Path) -> list[StoredKey]:
    """Returns the entries of a file.

    Raises:
        UsageError: it is missing, or no file of keys.
    """
    try:
        return _KeyFile.model_validate_json(path.read_bytes()).keys
    except FileNotFoundError as error:
        do = "Make one with: penjing serve key create --keys FILE"
        raise UsageError("there is no such file of keys", where=str(path), do=do) from error
    except (ValidationError, OSError) as error:
        do = "Take it from a copy, or make a new one with: penjing serve key create --keys FILE"
        raise UsageError("this is no file of keys", where=str(path), do=do) from error


def _write(path: Path, entries: list[StoredKey]) -> None:
    before = os.umask(0o077)
    try:
        write_text(path, _KeyFile(keys=entries).model_dump_json(indent=2) + "\n")
    finally:
        os.umask(before)


def _hash(secret: str, salt: bytes) -> bytes:
    return hashlib.scrypt(secret.encode(), salt=salt, n=_COST, r=8, p=1, maxmem=64 << 20, dklen=32)


@dataclass(frozen=True)
class _State:
    entries: dict[str, StoredKey]
    mark: tuple[int, int, int] | None  # of the file


class KeyRing:
    """Says whose a key is; follows the file, which may change under way.

    Args:
        path: of the file.

    Raises:
        UsageError: it is missing, or no file of keys.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state = _State({entry.id: entry for entry in read_keys(path)}, _mark(path))
        self._looked = time.monotonic()
        self._process_secret = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, str] = OrderedDict()  # marks of keys that were right, with their ids
        self._checking = threading.Lock()

    def remember(self, key: str) -> str | None:
        """Returns the id of a key that was right before and still is; costs microseconds."""
        self._look()
        key_id = self._known.get(self._mark_of(key))
        return key_id if key_id in self._state.entries else None

    def check(self, key: str) -> str | None:
        """Returns the id of a key, None where it is wrong; costs some 20 ms where the id is right, one at a time."""
        found = _KEY.fullmatch(key)
        entry = self._state.entries.get(found[1]) if found else None
        if entry is None or found is None:
            return None
        with self._checking:
            hashed = _hash(found[2], bytes.fromhex(entry.salt))
        if not hmac.compare_digest(hashed, bytes.fromhex(entry.hash)):
            return None
        self._known[self._mark_of(key)] = entry.id
        while len(self._known) > _MOST_REMEMBERED:
            self._known.popitem(last=False)
        return entry.id

    def _mark_of(self, key: str) -> bytes:
        return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), key=self._process_secret, digest_size=32).digest()

    def _look(self) -> None:
        """Reads the file again where it changed: without one no key is right; a broken one changes nothing."""
        if time.monotonic() - self._looked < _LOOK_S:
            return
        self._looked = time.monotonic()
        mark = _mark(self._path)
        if mark == self._state.mark:
            return
        try:
            entries = read_keys(self._path) if mark is not None else []
        except UsageError:
            return
        before, self._state = self._state.entries, _State({entry.id: entry for entry in entries}, mark)
        now = self._state.entries
        changed = [key for key, key_id in list(self._known.items()) if now.get(key_id) != before.get(key_id)]
        for key in changed:  # the others stay known: whoever has one is not kept waiting for a change of another
            self._known.pop(key, None)


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns
