"""Folders of documents that questions can be put to; clients name them, and never a path."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from penjing.errors import UsageError
from penjing.progress import Silent
from penjing.serve.failures import RequestError

if TYPE_CHECKING:
    from penjing.tasks.passage_index import PassageIndex


class DocumentShelf:
    """Folders by name, each indexed when it is first asked for.

    Args:
        folders: by the names that clients call them.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = folders
        self._opened: dict[str, asyncio.Task[PassageIndex]] = {}

    @property
    def names(self) -> list[str]:
        """What the folders are called."""
        return list(self._folders)

    async def open(self, name: str) -> PassageIndex:
        """Returns the passages of a folder, as they were when it was first opened.

        Raises:
            RequestError: there is no such folder.
            PenjingError: it cannot be read.
        """
        if name not in self._folders:
            known = f" The folders are {', '.join(self.names)}." if self.names else " None is served."
            raise RequestError(404, f'There is no folder "{name[:80]}" of documents here.{known}', param="documents")
        task = self._opened.get(name)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = asyncio.create_task(asyncio.to_thread(_index, self._folders[name]))
            self._opened[name] = task
        return await asyncio.shield(task)


def name_documents(given: list[str]) -> dict[str, Path]:
    """Returns folders of documents by name, from ``NAME=FOLDER`` or folders alone.

    Raises:
        UsageError: there is no such folder, or two are called the same.
    """
    named: dict[str, Path] = {}
    for entry in given:
        name, sign, address = entry.partition("=")
        folder = Path(address if sign else entry)
        name = name if sign else folder.resolve().name
        if not folder.is_dir():
            raise UsageError("there is no such folder", where=f"--documents {entry}", do="Give a folder of documents.")
        if name in named:
            raise UsageError(f"two folders are called {name}", where=f"--documents {entry}", do="Give NAME=FOLDER.")
        named[name] = folder
    return named


def _index(folder: Path) -> PassageIndex:
    from penjing.tasks.passage_index import index_folder

    return index_folder(folder, Silent())
