"""Data sets of the Hugging Face hub, ``hf://datasets/OWNER/NAME``: read once, and kept as Parquet."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from penjing import errors
from penjing.errors import DataError, Interrupted, MissingExtraError, PenjingError, RecipeError
from penjing.files import folder_beside

HUB = "hf://"
_DATA_SETS = "hf://datasets"
_ADDRESS = re.compile(r"hf://datasets/(\w[\w.-]*)/(\w[\w.-]*)((?:/(?!\.\.?(?:/|$))[^/*?\[\]{}\\]+)*)/?", re.ASCII)
# Unless told otherwise before it is imported, Daft reports its use to its makers, draws bars on standard error, and
# moves to a Ray that is connected, without coming back when that ends.
DAFT_QUIET = {"DAFT_ANALYTICS_ENABLED": "0", "DAFT_PROGRESS_BAR": "0", "DAFT_RUNNER": "native"}


class HubAddress(NamedTuple):
    """``hf://datasets/OWNER/NAME/inner/path``.

    Attributes:
        owner: a user or an organization.
        name: the data set.
        inner: a file or folder inside of it, empty for the whole.
    """

    owner: str
    name: str
    inner: str


def parse_hub_address(address: str) -> HubAddress:
    """Returns the parts of an address on the hub.

    Raises:
        RecipeError: it names no data set.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise RecipeError(
            "this is no address of a data set on the hub",
            where=address,
            do="Write hf://datasets/OWNER/NAME, and for a file or a folder in it hf://datasets/OWNER/NAME/inner/path.",
        )
    owner, name, inner = found.groups()
    return HubAddress(owner, name, inner.lstrip("/"))


def kept_folder(address: str) -> Path:
    """Returns the folder in which the data set of an address is kept once it was read."""
    owner, *rest = parse_hub_address(address)
    return Path.home() / ".cache" / "penjing" / "hub" / owner / quote("/".join(filter(None, rest)), safe="")


def hub_files(address: str, data_sets: str = _DATA_SETS) -> list[Path]:
    """Returns local Parquet files with what an address on the hub stands for, reading it if it is not kept yet.

    A whole data set or a folder of it gives ``train.parquet``, ``validation.parquet`` and ``test.parquet``, as far as
    the names of its files tell them; a file gives one file of its name. What is kept is not compared with the hub
    again, so that a run stays the same; remove the folder to read it anew.

    Args:
        address: ``hf://datasets/OWNER/NAME``, or with ``/inner/path`` a file or folder in it.
        data_sets: where Daft finds ``OWNER/NAME``.

    Raises:
        RecipeError: the address is malformed, or there is no such public data set, or its files do not go together.
        DataError: the hub cannot be reached, or a file of the data set cannot be read.
        MissingExtraError: Daft is not installed.
        Interrupted: the user asked to stop.
    """
    owner, name, inner = parse_hub_address(address)
    kept = kept_folder(address)
    if not kept.is_dir():
        if find_spec("daft") is None:
            raise MissingExtraError("daft", "hub", "Reading a data set from the hub")
        with folder_beside(kept) as beside:
            _read_apart(address, f"{data_sets}/{owner}/{name}", inner, beside)
    return sorted(kept.iterdir())


def _read_apart(address: str, data_set: str, inner: str, out: Path) -> None:
    """Reads in a process of its own: when Python ends soon after Daft was used, Daft (0.7) at times crashes it."""
    command = [sys.executable, "-m", "penjing.data.sources.hub_reader", address, data_set, inner, str(out)]
    done = subprocess.run(
        command, env={**os.environ, **DAFT_QUIET}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return
    if done.returncode in (Interrupted.exit_code, -signal.SIGTERM):
        raise Interrupted("stopped as asked", do="Run the same command again to go on.")
    told = (done.stdout.strip().splitlines() or [""])[-1]
    if told.startswith("{"):
        error = json.loads(told)
        kind: type[PenjingError] = getattr(errors, error.pop("kind"))
        raise kind(**error)
    last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    raise DataError(f"the process that reads it ended with code {done.returncode} ({last})", where=address)
