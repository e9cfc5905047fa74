"""Files on the web, from a real server: fetched once, gone on with after a break, refused where they cannot be had."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from penjing.data.sources import corpus_files, source_files
from penjing.data.sources.keeping import forget_unreachable
from penjing.data.sources.web import web_files
from penjing.errors import DataError, RecipeError

CONTENT = b"".join(b"line %d\n" % number for number in range(400_000))


class Handler(BaseHTTPRequestHandler):
    """Serves `CONTENT` in some ways that servers have."""

    asked: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        ranged = self.headers.get("Range")
        self.asked.append((self.path, ranged))
        times = sum(path == self.path for path, _ in self.asked)
        if self.path == "/missing.csv":
            self.send_error(404)
        elif self.path == "/secret.csv":
            self.send_error(403)
        elif self.path == "/moved.txt":
            self.send_response(302)
            self.send_header("Location", "/whole.txt")
            self.end_headers()
        elif self.path == "/busy.txt" and times < 3:
            self.send_error(503)
        elif self.path == "/stalls.txt":
            self._answer(CONTENT, len(CONTENT), "text/plain", sent=1000)
            time.sleep(5)
        elif self.path.startswith("/breaks"):
            is_same = self.headers.get("If-Range") == '"0"' and "changes" not in self.path
            start = int(ranged.removeprefix("bytes=").removesuffix("-")) if ranged and is_same else 0
            sent = 1_500_000 if times < 3 and "without" not in self.path else len(CONTENT) if times > 1 else 1000
            self._answer(CONTENT[start:], len(CONTENT) - start, "text/plain", sent=sent, status=206 if start else 200)
        elif self.path == "/feed":
            self._answer(b'{"text": "one"}\n', 16, "application/x-ndjson")
        elif self.path == "/picture":
            self._answer(b"PNG", 3, "image/png")
        else:
            self._answer(CONTENT, len(CONTENT), "text/plain")

    def _answer(self, data: bytes, length: int, kind: str, sent: int | None = None, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        if "without" not in self.path:
            self.send_header("ETag", f'"{int("changes" in self.path and len(self.asked) > 1)}"')
        self.end_headers()
        self.wfile.write(data[:sent])
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def serving() -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    asked: list[tuple[str, str | None]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Asked", (Handler,), {"asked": asked}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def kept(home: Path) -> list[str]:
    return [path.name for path in home.rglob("*") if path.is_file()]


def test_file_is_fetched_once_and_kept_for_the_user_alone(home: Path) -> None:
    with serving() as (server, asked):
        (path,) = source_files(f"{server}/whole.txt?version=2")
        assert source_files(f"{server}/whole.txt?version=2") == [path]
        assert len(asked) == 1
    assert (path.name, path.read_bytes()) == ("whole.txt", CONTENT)
    assert path.parent.stat().st_mode & 0o077 == 0


def test_redirection_is_followed_and_a_busy_server_asked_again(home: Path) -> None:
    with serving() as (server, asked):
        assert source_files(f"{server}/moved.txt")[0].read_bytes() == CONTENT
        assert source_files(f"{server}/busy.txt")[0].read_bytes() == CONTENT
    assert [path for path, _ in asked] == ["/moved.txt", "/whole.txt", *["/busy.txt"] * 3]


@pytest.mark.parametrize("name", ["breaks.txt", "breaks-without-ranges.txt", "breaks-and-changes.txt"])
def test_download_that_breaks_off_goes_on(home: Path, name: str) -> None:
    with serving() as (server, asked):
        assert source_files(f"{server}/{name}")[0].read_bytes() == CONTENT
    ranges = [ranged for _, ranged in asked]
    if name == "breaks.txt":
        assert ranges == [None, "bytes=1500000-", "bytes=3000000-"]
    elif "without" in name:
        assert ranges == [None, None]
    else:
        assert ranges[:2] == [None, "bytes=1500000-"]


def test_kind_comes_from_what_the_server_says_where_the_address_does_not(home: Path) -> None:
    with serving() as (server, _):
        assert source_files(f"{server}/feed")[0].name == "feed.jsonl"
        with pytest.raises(RecipeError, match="the file is image/png, which cannot be read"):
            source_files(f"{server}/picture")


def test_server_that_refuses_stalls_or_is_not_there_is_an_error_and_leaves_nothing(home: Path) -> None:
    with serving() as (server, _):
        with pytest.raises(RecipeError, match="there is no such file"):
            source_files(f"{server}/missing.csv")
        with pytest.raises(DataError, match="answers 403 Forbidden"):
            source_files(f"{server}/secret.csv")
        with pytest.raises(DataError, match=r"was silent for 0\.2 seconds"):
            web_files(f"{server}/stalls.txt", timeout_s=0.2)
    with pytest.raises(DataError, match="cannot be reached"):
        source_files(f"{server}/whole.txt")
    assert kept(home) == []


def test_corpus_lists_an_address_that_cannot_be_reached_and_does_not_wait_for_it_again(home: Path) -> None:
    with serving() as (server, asked):
        addresses = [f"{server}/secret.csv", f"{server}/whole.txt"]
        for _ in range(2):
            found = corpus_files(addresses)
            assert [path.name for path in found.files] == ["whole.txt"]
            assert [error.where for error in found.unread] == addresses[:1]
        assert [path for path, _ in asked] == ["/secret.csv", "/whole.txt"]
        forget_unreachable(addresses)
        corpus_files(addresses)
        assert [path for path, _ in asked][2:] == ["/secret.csv"]
        with pytest.raises(DataError, match="answers 403"):
            corpus_files(addresses[:1])
