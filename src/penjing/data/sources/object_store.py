"""Files in an object store, ``s3://BUCKET/KEY``: fetched once, and kept."""

from __future__ import annotations

import fnmatch
import re
import shutil
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from penjing.data.sources.dispatch import known_kinds
from penjing.data.sources.keeping import keep, kept_place
from penjing.data.sources.source import kind_of
from penjing.errors import DataError, RecipeError

_MAGIC = frozenset("*?[")
_OPTIONS = re.compile(r"\?(?:endpoint_override|scheme|region|allow_bucket_creation|anonymous)=.*")


def object_files(address: str) -> list[Path]:
    """Returns the files at an address of an object store, fetched if they are not kept yet.

    Keys and the region come from where Amazon's own tools look for them (``AWS_ACCESS_KEY_ID`` …, ``~/.aws``). Another
    store that speaks the same language is named in the address: ``s3://BUCKET/KEY?endpoint_override=HOST:PORT``, with
    ``&scheme=http`` where it has no encryption.

    Args:
        address: ``s3://BUCKET/KEY``, a folder ``s3://BUCKET/FOLDER/``, or a glob in the last part.

    Raises:
        RecipeError: there is no such file, or none of a kind that can be read.
        DataError: the store cannot be reached, or refuses.
    """
    return keep(kept_place(address, urlsplit(address).hostname or ""), lambda folder: _fetch(address, folder))


def _fetch(address: str, folder: Path) -> None:
    from pyarrow import fs  # takes a quarter of a second, and most runs need none

    base, pattern = _split_glob(address)
    try:
        store, path = fs.FileSystem.from_uri(base)
        found = store.get_file_info(path)
        if found.type == fs.FileType.File:
            files = [found]
        else:
            files = [
                info for info in store.get_file_info(fs.FileSelector(path, recursive=pattern is None)) if info.is_file
            ]
            files = [info for info in files if pattern is None or fnmatch.fnmatchcase(info.base_name, pattern)]
            files = [info for info in files if kind_of(Path(info.base_name)) in known_kinds()]
        if not files:
            raise RecipeError(
                "there is no file that can be read", where=address, do="Correct the address; its case counts."
            )
        for info in files:
            _copy(store, info.path, folder / PurePosixPath(info.path).relative_to(_folder_of(path, found.is_file)))
    except FileNotFoundError as error:
        raise RecipeError("there is no such bucket or folder", where=address, do="Correct the address.") from error
    except ValueError as error:  # Arrow's word for an address that it cannot take apart
        raise RecipeError(
            f"this is no address of an object store ({error})", where=address, do="Write s3://BUCKET/KEY."
        ) from error
    except OSError as error:
        raise DataError(
            f"the store cannot be read ({str(error).splitlines()[0][:300]})",
            where=address,
            do="Check the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the region, and the network.",
        ) from error


def _split_glob(address: str) -> tuple[str, str | None]:
    """Returns an address without a glob in its last part, and that."""
    found = _OPTIONS.search(address)
    path, options = (address[: found.start()], found[0]) if found else (address, "")
    folder, _, last = path.rpartition("/")
    return (folder + options, last) if _MAGIC & set(last) else (path.rstrip("/") + options, None)


def _folder_of(path: str, is_file: bool) -> PurePosixPath:
    return PurePosixPath(path).parent if is_file else PurePosixPath(path)


def _copy(store: Any, path: str, out: Path) -> None:
    if ".." in out.parts:
        raise DataError("the key leads out of its folder", where=path, do="Leave it out.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with store.open_input_stream(path) as source, out.open("wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
