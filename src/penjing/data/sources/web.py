"""Files on the web, ``https://…``: fetched once, and kept."""

from __future__ import annotations

import http.client
import socket
import time
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

from penjing.data.sources.dispatch import known_kinds
from penjing.data.sources.keeping import keep, kept_place
from penjing.data.sources.source import kind_of
from penjing.errors import DataError, RecipeError

_BLOCK_BYTES = 1 << 20
_TIMEOUT_S = 30.0
_TRIES = 4
_LONGEST_NAME = 100  # characters
_KINDS = {
    "text/html": ".html",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/json": ".json",
    "application/jsonl": ".jsonl",
    "application/x-ndjson": ".jsonl",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
}


def web_files(address: str, timeout_s: float = _TIMEOUT_S) -> list[Path]:
    """Returns the file at an address of the web, fetched if it is not kept yet. It is not compared with the web again.

    A download that breaks off goes on where it stopped, if the server can do that.

    Args:
        address: ``https://…`` or ``http://…``.
        timeout_s: how long the server may be silent.

    Raises:
        RecipeError: there is no such file, or it is of a kind that cannot be read.
        DataError: the server cannot be reached, refuses, stalls or sends too little.
    """
    place = kept_place(address, _checked(address).hostname or "")
    return keep(place, lambda folder: _fetch(address, folder, timeout_s))


def _checked(address: str) -> SplitResult:
    """Returns the parts of an address.

    Raises:
        RecipeError: it is none.
    """
    try:
        parts = urlsplit(address)
        if parts.hostname and parts.port != 0:
            return parts
    except ValueError:
        pass
    raise RecipeError("this is no address of the web", where=address, do="Write https://HOST/PATH.")


def _fetch(address: str, folder: Path, timeout_s: float) -> None:
    part = folder / "download"
    name = ""
    download = _Download(quote(address, safe="%/:=&?~#+!$,;'@()*[]"), part, timeout_s)
    for attempt in range(_TRIES):
        try:
            name = download.go_on()
            break
        except urllib.error.HTTPError as error:
            if error.code in (404, 410):
                raise RecipeError("there is no such file", where=address, do="Correct the address.") from error
            if error.code < 500 or attempt == _TRIES - 1:
                raise DataError(
                    f"the server answers {error.code} {error.reason}", where=address, do="Look at it in a browser."
                ) from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            if attempt == _TRIES - 1 or isinstance(getattr(error, "reason", None), socket.gaierror):
                raise _unreachable(address, error, timeout_s) from error
        time.sleep(0.2 * 2**attempt)
    part.rename(folder / name)


class _Download:
    """A file that is being fetched.

    Args:
        address: of the file.
        part: where it is written.
        timeout_s: how long the server may be silent.
    """

    def __init__(self, address: str, part: Path, timeout_s: float) -> None:
        self._address, self._part, self._timeout_s = address, part, timeout_s
        self._version: str | None = None  # what the server calls the file that was begun

    def go_on(self) -> str:
        """Writes the rest of the file, or all of it if it has changed or the server cannot go on; returns its name."""
        have = self._part.stat().st_size if self._part.exists() and self._version else 0
        headers = {"User-Agent": "penjing", "Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": str(self._version)}
        request = urllib.request.Request(self._address, headers=headers)
        with urllib.request.urlopen(request, timeout=self._timeout_s) as answer:
            name = _file_name(self._address, answer.headers)
            self._version = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
            goes_on = have > 0 and answer.status == http.client.PARTIAL_CONTENT
            with self._part.open("ab" if goes_on else "wb") as file:
                wrote = _copy(answer, file)
            wanted = answer.headers.get("Content-Length")
            if wanted is not None and wrote < int(wanted):
                raise http.client.IncompleteRead(b"", int(wanted) - wrote)
        return name


def _copy(answer: Any, file: Any) -> int:
    size = 0
    while data := answer.read(_BLOCK_BYTES):
        size += file.write(data)
    return size


def _file_name(address: str, headers: Message) -> str:
    """Returns the name of a file on the web, with the extension of its kind.

    Raises:
        RecipeError: it is of a kind that cannot be read.
    """
    name = headers.get_filename() or unquote(PurePosixPath(urlsplit(address).path).name)
    name = PurePosixPath(name.replace("\\", "/")).name or "page"
    if kind_of(Path(name)) not in known_kinds():
        extension = _KINDS.get(headers.get_content_type())
        if extension is None:
            raise RecipeError(
                f"the file is {headers.get_content_type()}, which cannot be read",
                where=address,
                do=f"Known are {', '.join('.' + kind for kind in known_kinds())}.",
            )
        name += extension
    return name.lstrip(".")[-_LONGEST_NAME:]


def _unreachable(address: str, error: Exception, timeout_s: float) -> DataError:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        what = f"the server was silent for {timeout_s:g} seconds"
    elif isinstance(error, http.client.IncompleteRead):
        what = "the file ends too early, each time"
    else:
        what = f"the server cannot be reached ({reason})"
    return DataError(what, where=address, do="Try again later, or fetch the file by other means and name it.")
