"""What models are called in a server."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from penjing.data.sources import locate_package_folder
from penjing.errors import UsageError
from penjing.model_files import check_model_folder

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_USUAL = "model"  # what the folder of a run's model is called; the run says more
_PACKAGE = "package:"


def name_models(models: Sequence[str]) -> dict[str, Path]:
    """Returns model folders by name.

    Args:
        models: folders, also within an installed package (``package:NAME/FOLDER``), each alone or as ``NAME=FOLDER``.
            A folder is called by its own name; one that is called ``model`` by the name of what it lies in.

    Raises:
        UsageError: a folder is missing, or a name is impossible or there twice.
    """
    named: dict[str, Path] = {}
    for given in models:
        name, sign, address = given.partition("=")
        if not sign or "/" in name:
            name, address = "", given
        folder = _locate(address)
        name = name or _own_name(folder)
        if not _NAME.fullmatch(name):
            raise UsageError(
                f'a model cannot be called "{name}"',
                where=given,
                do="Use letters, digits, and . _ - in between: NAME=FOLDER.",
            )
        if name in named:
            raise UsageError(f"two models are called {name}", where=given, do="Name one of them: NAME=FOLDER.")
        named[name] = folder
    return named


def name_draft(draft: str | None) -> Path | Literal["lookup"] | None:
    """Returns what supposes the next tokens: ``lookup``, or the folder of a model.

    Raises:
        UsageError: there is no such folder, or no model in it.
    """
    if draft is None:
        return None
    return "lookup" if draft == "lookup" else _locate(draft)


def _locate(address: str) -> Path:
    folder = locate_package_folder(address) if address.startswith(_PACKAGE) else Path(address)
    if not (folder / "config.json").is_file() and (folder / _USUAL / "config.json").is_file():
        folder = folder / _USUAL
    check_model_folder(folder)
    return folder


def _own_name(folder: Path) -> str:
    whole = folder.resolve()
    name = whole.parent.name if whole.name == _USUAL else whole.name
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")
