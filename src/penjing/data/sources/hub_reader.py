"""The process that reads a data set of the hub with Daft and writes it as Parquet; `hub.py` starts it.

python -m penjing.data.sources.hub_reader ADDRESS DATA_SET INNER OUT
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from penjing.data.sources.source import kind_of
from penjing.data.storing import ParquetRows
from penjing.errors import DataError, Interrupted, PenjingError, RecipeError
from penjing.files import disk_errors

_KINDS = ("parquet", "jsonl", "json", "csv", "tsv")
# The hub's own rule: a word that stands alone in the path of a file names its split.
_SPLIT = re.compile(
    r"(?:^|[-._/ \d])(?:(?P<train>train(?:ing)?)|(?P<validation>dev|val(?:id(?:ation)?)?)|(?P<test>test(?:ing)?))"
    r"(?=[-._/ \d]|$)",
    re.IGNORECASE,
)
_SHARD = re.compile(r"[-_.]?\d+(?:-of-\d+)?(?:-[0-9a-f]+)?")
_SHOWN = 6


def read_data_set(address: str, data_set: str, inner: str, out: Path) -> None:
    """Writes what an address stands for into a folder, one Parquet file for each split, or for the one file named.

    Args:
        address: as the recipe has it, for errors.
        data_set: the data set as Daft finds it, ``hf://datasets/OWNER/NAME``.
        inner: a file or folder in it, empty for the whole.
        out: an existing, empty folder.

    Raises:
        RecipeError: there is no such public data set, or its files do not go together.
        DataError: the hub cannot be reached, or a file cannot be read.
    """
    reader = _Reader()
    place = f"{data_set}/{inner}".rstrip("/")
    with disk_errors(out), _daft_errors(address):
        if kind_of(Path(inner)) in _KINDS:
            groups = {PurePosixPath(inner).name.split(".")[0]: [place]}
        else:
            found = group_files(reader.list_files(place), address)
            groups = {split: [f"{place}/{path}" for path in paths] for split, paths in found.items()}
        for name, files in groups.items():
            frame = reader.read(files)
            with ParquetRows(out / f"{name}.parquet", frame.schema().to_pyarrow_schema()) as rows:
                for batch in frame.to_arrow_iter():
                    rows.write(batch)


def group_files(paths: Iterable[str], address: str) -> dict[str, list[str]]:
    """Returns the data files of each split, sorted; without any split in their names they are for training.

    Raises:
        RecipeError: there is none, or they differ in more than split and shard, as the files of several
            configurations do.
    """
    found = sorted(path for path in paths if kind_of(Path(path)) in _KINDS)
    words = {path: match for path in found for match in _SPLIT.finditer(path)}  # the last word of each counts
    groups: dict[str, list[str]] = {}
    forms: dict[str, None] = {}
    for path in words or found:
        word = words.get(path)
        split = (word and word.lastgroup) or "train"
        folder, _, name = path.rpartition("/")
        start, rest = (path[: word.start(split)], path[word.end(split) :]) if word else (folder, name)
        groups.setdefault(split, []).append(path)
        forms.setdefault(f"{start}*{_SHARD.sub('', rest)}")
    if not groups:
        raise _not_there(address)
    if len(forms) > 1:
        shown = ", ".join(list(forms)[:_SHOWN]) + (f" and {len(forms) - _SHOWN} more" if len(forms) > _SHOWN else "")
        raise RecipeError(
            f"its files do not belong to one table ({shown})",
            where=address,
            do=f"Name one folder, as in {address.rstrip('/')}/FOLDER, or files, with path, validation and test.",
        )
    return groups


class _Reader:
    """Daft, with the settings under which it reads the hub."""

    def __init__(self) -> None:
        import daft

        self._daft: Any = daft
        # Xet is for large files, asks more hosts than a firewall may let through, and gives the same bytes.
        self._io: Any = daft.io.IOConfig(
            hf=daft.io.HuggingFaceConfig(use_xet=False),
            http=daft.io.HTTPConfig(num_tries=2, connect_timeout_ms=10_000),
        )

    def list_files(self, place: str) -> list[str]:
        """Returns the files in a folder and those below it, relative to it."""
        frame = self._daft.from_glob_path(f"{place}/**/*", io_config=self._io)
        paths = [path for batch in frame.to_arrow_iter() for path in batch.column("path").to_pylist()]
        return [path.removeprefix(f"{place}/") for path in paths]

    def read(self, files: list[str]) -> Any:
        """Returns the rows of files of one kind, in order, as a data frame of Daft."""
        kind = kind_of(Path(files[0]))
        if kind == "parquet":
            return self._daft.read_parquet(files, io_config=self._io)
        if kind in ("json", "jsonl"):
            return self._daft.read_json(files, io_config=self._io)
        # Cells are text and quotes are characters in TSV, as in a local file.
        layout = {"delimiter": "\t", "quote": "\0"} if kind == "tsv" else {}
        columns = self._daft.read_csv(files[0], io_config=self._io, **layout).column_names
        schema = dict.fromkeys(columns, self._daft.DataType.string())
        return self._daft.read_csv(files, infer_schema=False, schema=schema, io_config=self._io, **layout)


@contextmanager
def _daft_errors(address: str) -> Iterator[None]:
    from daft.exceptions import DaftCoreException, DaftTransientError

    try:
        yield
    except (DaftCoreException, OSError) as error:
        reason = re.sub(r"^\d+: ", "", str(error).strip().splitlines()[-1].strip())
        if isinstance(error, DaftTransientError):
            what = f"the hub cannot be reached ({reason})"
            raise DataError(what, where=address, do=f"Try later, or {_take_copy(address)}") from error
        if isinstance(error, FileNotFoundError) or "nauthorized" in reason:
            raise _not_there(address) from error
        what = f"it cannot be read from the hub ({reason})"
        raise DataError(what, where=address, do=f"Look at its files there, or {_take_copy(address)}") from error


def _not_there(address: str) -> RecipeError:
    return RecipeError(
        "the hub has no such public data set, or there is no such Parquet, JSON, CSV or TSV file in it",
        where=address,
        do=f"Correct the address, or {_take_copy(address)}",
    )


def _take_copy(address: str) -> str:
    return (
        "take a local copy: name it with --set data.path=… (or corpus.path), or set PENJING_DATA to the folder in "
        f"which it lies as {address.split('/')[4]}."
    )


def _main(address: str, data_set: str, inner: str, out: str) -> int:
    # Daft takes Ctrl-C for the end of the rows; a handler set before it is imported still comes first.
    signal.signal(signal.SIGINT, lambda number, frame: os._exit(Interrupted.exit_code))
    try:
        read_data_set(address, data_set, inner, Path(out))
    except PenjingError as error:
        told = {"kind": type(error).__name__, "what": error.what, "where": error.where, "do": error.do}
        sys.stdout.write(f"\n{json.dumps(told)}\n")
        sys.stdout.flush()
        return 1
    return 0


if __name__ == "__main__":
    os._exit(_main(*sys.argv[1:]))  # not by the usual way, on which Daft's threads may crash Python
