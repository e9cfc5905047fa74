"""Addresses: a file, a folder, a glob, or something that a registered scheme fetches; and their files."""

from __future__ import annotations

import difflib
import glob
import importlib.util
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from penjing.data.sources.dispatch import check_kind, known_kinds, table_kinds
from penjing.data.sources.faults import readable_name
from penjing.data.sources.keeping import note_unreachable, unreachable
from penjing.data.sources.source import kind_of
from penjing.errors import DataError, RecipeError
from penjing.registry import load_registered, registered_names

#: Returns local files with what an address of its scheme stands for, fetching it if it is not kept yet.
Fetcher: TypeAlias = Callable[[str], list[Path]]

_PACKAGE = "package:"
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):")
_PASSWORD_SETTING = re.compile(r"[?&]password=", re.IGNORECASE)
_SPLIT_OF_STEM = (
    ("train", re.compile(r"train(ing)?(?![a-z])", re.IGNORECASE)),
    ("validation", re.compile(r"(dev|val|valid|validation)(?![a-z])", re.IGNORECASE)),
    ("test", re.compile(r"test(?![a-z])", re.IGNORECASE)),
)


def source_files(address: str) -> list[Path]:
    """Returns the files of rows that an address stands for, sorted by name.

    Args:
        address: a file; a folder (its tables, not those of folders below); a glob; ``package:NAME/inner/path``, a file
            or folder inside an installed Python package; or what a registered scheme fetches, such as
            ``hf://datasets/OWNER/NAME``, ``https://…``, ``s3://BUCKET/KEY`` or ``sqlite:FILE?SELECT …``, if it is not
            kept yet.

    Raises:
        RecipeError: there is no such file (the nearest is named), or it is of a kind that cannot be read.
        DataError: what is to be fetched cannot be reached or read.
        MissingExtraError: fetching needs a package that is not installed.
    """
    fetched = _fetch(address)
    if fetched is not None:
        return fetched
    path = _local_path(address)
    if path.is_dir():
        return _of_kinds(path.iterdir(), table_kinds(), address, "the folder holds no file that can be read")
    return _files_at(path, address)


def line_file(address: str) -> Path:
    """Returns the one file of lines that an address stands for, whatever its extension.

    Raises:
        RecipeError: there is no such file, or it is several.
        DataError: what is to be fetched cannot be reached or read.
    """
    fetched = _fetch(address)
    found = [_local_path(address)] if fetched is None else fetched
    if len(found) != 1 or found[0].is_dir():
        do = "Name one file; of two that are read side by side, each."
        raise RecipeError("this is not one file of lines", where=address, do=do)
    if not found[0].exists():
        raise _no_such_file(found[0], address)
    return found[0]


class CorpusFiles(NamedTuple):
    """The files that addresses of texts stand for.

    Attributes:
        files: each once, in the order of the addresses, those of one address sorted.
        names: what each is called in a corpus: its own name, with folders before it where two have the same.
        left_out: files of folders that no reader knows, by extension.
        unread: folders that may not be read, and addresses that cannot be reached, each with why.
    """

    files: list[Path]
    names: dict[Path, str]
    left_out: Counter[str]
    unread: list[DataError]

    def name_of(self, file: Path) -> str:
        """Returns what a file is called, also one in an archive."""
        if file in self.names:
            return readable_name(self.names[file])
        for parent in file.parents:
            if parent in self.names:
                return readable_name(f"{self.names[parent]}/{file.relative_to(parent).as_posix()}")
        return readable_name(file.name)


def corpus_files(addresses: Iterable[str]) -> CorpusFiles:
    """Returns the files of texts that addresses stand for: tables, documents and archives, folders with all below.

    Raises: as `source_files`; but an address that cannot be reached is listed, unless there is nothing else.
    """
    files: dict[Path, None] = {}
    left_out: Counter[str] = Counter()
    unread: list[DataError] = []
    for address in addresses:
        try:
            found = _fetch_once(address)
        except DataError as error:
            unread.append(error)
            continue
        if found is None:
            path = _local_path(address)
            found = _walk(path, address, left_out, unread) if path.is_dir() else _files_at(path, address)
        files.update(dict.fromkeys(found))
    if not files and unread:
        raise unread[0]
    return CorpusFiles(list(files), _distinct_names(list(files)), left_out, unread)


def is_fetched(address: str) -> bool:
    """Returns whether an address has a registered scheme.

    Raises:
        RecipeError: a password stands in it.
    """
    scheme = _SCHEME.match(address)
    if scheme is None or scheme[1] not in registered_names("addresses"):
        return False
    if _has_password(address):
        raise RecipeError(
            "a password stands in the address, and so in the recipe, the report and the run's folder",
            where=f"{scheme[1]}:…",
            do="Leave it out: PostgreSQL reads PGPASSWORD or ~/.pgpass, S3 AWS_SECRET_ACCESS_KEY or ~/.aws.",
        )
    return True


def _has_password(address: str) -> bool:
    """Returns whether there is something between a colon and an @, or a setting of that name."""
    if _PASSWORD_SETTING.search(address):
        return True
    host = re.split("[/?#]", address.partition("://")[2], maxsplit=1)[0]
    user, at, _ = host.rpartition("@")
    if at:
        return ":" in user
    _, colon, port = re.sub(r"\[.*?\]", "", host).partition(":")
    return bool(colon) and not port.isdigit() and "@" in address  # a slash in the password


def _fetch(address: str) -> list[Path] | None:
    """Returns the files of an address with a registered scheme; None where it has none."""
    if not is_fetched(address):
        return None
    fetch: Fetcher = load_registered("addresses", address.partition(":")[0])
    return fetch(address)


def _fetch_once(address: str) -> list[Path] | None:
    """Fetches as `_fetch`; an address that could not be reached is not waited for a second time."""
    known = unreachable(address)
    if known is not None:
        raise known
    try:
        return _fetch(address)
    except DataError as error:
        note_unreachable(address, error)
        raise


def _local_path(address: str) -> Path:
    return locate_package_folder(address) if address.startswith(_PACKAGE) else Path(address).expanduser()


def _files_at(path: Path, address: str) -> list[Path]:
    if not path.exists():
        if glob.has_magic(address):
            return _of_kinds(map(Path, glob.glob(str(path), recursive=True)), known_kinds(), address, "no file matches")
        raise _no_such_file(path, address)
    check_kind(path, known_kinds())
    return [path]


def _of_kinds(paths: Iterable[Path], known: Sequence[str], address: str, complaint: str) -> list[Path]:
    files = [path for path in paths if path.is_file() and not path.name.startswith(".") and kind_of(path) in known]
    if not files:
        raise RecipeError(complaint, where=address, do=f"Known are {', '.join('.' + name for name in known)}.")
    return sorted(files)


def _walk(folder: Path, address: str, left_out: Counter[str], unread: list[DataError]) -> list[Path]:
    """Returns the files of a folder and all below it that can be read, sorted; others are counted."""
    known = known_kinds()
    files = []
    for path in _below(folder, unread):
        if kind_of(path) in known:
            files.append(path)
        else:
            left_out[path.suffix.lower()] += 1
    if not files:
        if unread:
            raise unread[0]
        shown = ", ".join("." + name for name in known)
        raise RecipeError("the folder holds no file that can be read", where=address, do=f"Known are {shown}.")
    return sorted(files)


def _below(folder: Path, unread: list[DataError]) -> Iterator[Path]:
    """Yields the files below a folder; hidden ones are left out, and a folder is entered once, whatever links to it."""
    entered = set()

    def note(error: OSError) -> None:
        what = f"the folder cannot be read ({error.strerror})"
        unread.append(DataError(what, where=str(error.filename), do="Allow it, or leave it out."))

    for place, folders, names in os.walk(folder, followlinks=True, onerror=note):
        status = os.stat(place)
        if (status.st_dev, status.st_ino) in entered:
            folders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            path = Path(place, name)
            if not name.startswith(".") and path.is_file():
                yield path


def _distinct_names(files: Sequence[Path]) -> dict[Path, str]:
    """Returns a name for each file, of as few of its last folders as set it apart from the others."""
    names = {file: file.name for file in files}
    waiting, depth = list(files), 1
    while waiting:
        depth += 1
        counts = Counter(names[file] for file in waiting)
        waiting = [file for file in waiting if counts[names[file]] > 1 and depth <= len(file.parts)]
        names.update({file: "/".join(file.parts[-depth:]) for file in waiting})
    return names


def _no_such_file(path: Path, address: str) -> RecipeError:
    scheme = _SCHEME.match(address)
    if scheme is not None and "/" not in address.split(":")[0] and ("://" in address or "?" in address):
        known = ", ".join(f"{name}:" for name in [*registered_names("addresses"), "package"])
        return RecipeError(f'the scheme "{scheme[1]}:" is not known', where=address, do=f"Known are {known}.")
    folder = path.parent
    if not folder.is_dir():
        return RecipeError("there is no such file, nor its folder", where=address, do="Correct the path.")
    names = [entry.name for entry in folder.iterdir()]
    close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.6)
    do = f'Did you mean "{folder / close[0]}"?' if close else f"Look into {folder} for its name."
    return RecipeError("there is no such file", where=address, do=do)


def locate_package_folder(address: str) -> Path:
    """Returns the path of ``package:NAME/inner/path``; the package is found, not imported.

    Raises:
        RecipeError: the package is not installed.
    """
    name, _, inner = address.removeprefix(_PACKAGE).partition("/")
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is None:
        distribution = name.replace("_", "-")
        raise RecipeError(
            f"the Python package {name} is not installed",
            where=address,
            do=f"Install it with: pip install {distribution}" if name else "Write package:NAME/path/inside.",
        )
    if spec.submodule_search_locations:
        folder = Path(next(iter(spec.submodule_search_locations)))
    else:
        raise RecipeError(f"{name} is a single module and holds no files", where=address, do="Correct the name.")
    return folder / inner


def group_by_split(files: Iterable[Path]) -> dict[str, list[Path]]:
    """Returns the files named ``train*``, ``dev*`` or ``valid*``, and ``test*`` by split; others are left out."""
    groups: dict[str, list[Path]] = {}
    for file in files:
        for split, pattern in _SPLIT_OF_STEM:
            if pattern.match(file.name):
                groups.setdefault(split, []).append(file)
    return groups
