"""What was fetched from elsewhere is kept, so that a run stays the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from penjing.errors import DataError
from penjing.files import folder_beside, process_mark, read_json, remove_abandoned, write_json
from penjing.hashing import hash_text

#: Where it is kept, as it is shown.
FETCHED = "~/.cache/penjing/fetched"
_SHOWN = 24


def kept_place(address: str, title: str = "") -> Path:
    """Returns the folder in which what an address stands for is kept once it was fetched.

    Args:
        address: the address.
        title: makes the folder's name readable.
    """
    named = "".join(character if character.isalnum() else "-" for character in title[:_SHOWN]).strip("-")
    name = "-".join(part for part in (named, hash_text(address)[:16]) if part)
    return Path(FETCHED).expanduser() / name


def keep(place: Path, fill: Callable[[Path], None]) -> list[Path]:
    """Returns the files of a folder, filling it first if it is empty or not there; it appears whole or not at all.

    Only the user can look into it, for what is fetched may be private.

    Args:
        place: the folder.
        fill: writes files into an empty folder.
    """
    files = _files(place)
    if files:
        return files
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    remove_abandoned(place.parent)
    with folder_beside(place) as beside:
        beside.chmod(0o700)
        fill(beside)
    return _files(place)


def note_unreachable(address: str, error: DataError) -> None:
    """Notes for the rest of this process that an address cannot be reached, so that it is not waited for again."""
    note = {"process": process_mark(), "what": error.what, "where": error.where, "do": error.do}
    file = _note_of(address)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_json(file, note)


def unreachable(address: str) -> DataError | None:
    """Returns why this process could not reach an address; None where it did not try, or could."""
    try:
        note = read_json(_note_of(address))
    except FileNotFoundError:
        return None
    if note["process"] != process_mark():
        return None
    return DataError(note["what"], where=note["where"], do=note["do"])


def forget_unreachable(addresses: Iterable[str]) -> None:
    """Makes addresses be tried again."""
    for address in addresses:
        _note_of(address).unlink(missing_ok=True)


def _note_of(address: str) -> Path:
    return Path(FETCHED).expanduser() / "unreachable" / f"{hash_text(address)[:16]}.json"


def _files(place: Path) -> list[Path]:
    return sorted(path for path in place.rglob("*") if path.is_file())
