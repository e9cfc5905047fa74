"""Addresses: a file, a folder, a glob, ``package:NAME/inner/path`` or ``hf://datasets/OWNER/NAME``, and their files."""

from __future__ import annotations

import difflib
import glob
import importlib.util
import re
from collections.abc import Iterable
from pathlib import Path

from penjing.data.sources.hub import HUB, hub_files
from penjing.data.sources.source import check_kind, kind_of
from penjing.errors import RecipeError
from penjing.registry import registered_names

_PACKAGE = "package:"
_SPLIT_OF_STEM = (
    ("train", re.compile(r"train(ing)?(?![a-z])", re.IGNORECASE)),
    ("validation", re.compile(r"(dev|val|valid|validation)(?![a-z])", re.IGNORECASE)),
    ("test", re.compile(r"test(?![a-z])", re.IGNORECASE)),
)


def source_files(address: str) -> list[Path]:
    """Returns the files that an address stands for, sorted by name.

    Args:
        address: a file; a folder (its files of known kinds, not those of folders below); a glob;
            ``package:NAME/inner/path``, a file or folder inside an installed Python package; or
            ``hf://datasets/OWNER/NAME``, also with ``/inner/path``, a data set of the hub, read if it is not kept yet.

    Raises:
        RecipeError: there is no such file (the nearest is named), or it is of a kind that cannot be read.
        DataError: the hub cannot be reached, or what it holds cannot be read.
        MissingExtraError: the address is on the hub, and Daft is not installed.
    """
    if address.startswith(HUB):
        return hub_files(address)
    known = registered_names("sources")
    path = locate_package_folder(address) if address.startswith(_PACKAGE) else Path(address).expanduser()
    if path.is_dir():
        return _known_files(path.iterdir(), known, address, "the folder holds no file that can be read")
    if not path.exists():
        if glob.has_magic(address):
            found = map(Path, glob.glob(str(path), recursive=True))
            return _known_files(found, known, address, "no file matches")
        raise _no_such_file(path, address)
    check_kind(path, known)
    return [path]


def _known_files(paths: Iterable[Path], known: list[str], address: str, complaint: str) -> list[Path]:
    files = [path for path in paths if path.is_file() and not path.name.startswith(".") and kind_of(path) in known]
    if not files:
        raise RecipeError(complaint, where=address, do=f"Known are {', '.join('.' + name for name in known)}.")
    return sorted(files)


def _no_such_file(path: Path, address: str) -> RecipeError:
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
