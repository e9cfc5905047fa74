"""Files in an object store, against a real server that speaks as S3 does."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from penjing.data.sources import corpus_files, source_files
from penjing.errors import DataError, RecipeError


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """Returns the options of an address by which a store is reached."""
    program = os.environ.get("MOTO_SERVER") or shutil.which("moto_server")
    if program is None:
        pytest.skip("there is no moto_server; make test installs one")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    server = subprocess.Popen([program, "-H", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL)
    try:
        put(port, "reviews", None)
        for name, content in {
            "train.csv": "text\none\n",
            "deep/a.txt": "two\n",
            "deep/b.jsonl": '{"text":"x"}\n',
        }.items():
            put(port, f"reviews/2026/{name}", content.encode())
        put(port, "reviews/2026/picture.png", b"PNG")
        yield f"endpoint_override=127.0.0.1:{port}&scheme=http&region=us-east-1"
    finally:
        server.kill()
        server.wait()


def put(port: int, path: str, content: bytes | None) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/{path}",
        data=content,
        method="PUT",
        headers={"Content-Type": "application/octet-stream"},
    )
    for _ in range(100):
        try:
            urllib.request.urlopen(request, timeout=10).close()
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the server does not start")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def test_object_is_fetched_and_kept(store: str) -> None:
    address = f"s3://reviews/2026/train.csv?{store}"
    (path,) = source_files(address)
    assert (path.name, path.read_text()) == ("train.csv", "text\none\n")
    path.write_text("kept")
    assert source_files(address)[0].read_text() == "kept"


def test_folder_gives_the_files_that_can_be_read_and_a_glob_those_that_match(store: str) -> None:
    names = list(corpus_files([f"s3://reviews/2026?{store}"]).names.values())
    assert sorted(names) == ["a.txt", "b.jsonl", "train.csv"]
    assert [path.name for path in source_files(f"s3://reviews/2026/deep/*.jsonl?{store}")] == ["b.jsonl"]


def test_missing_object_or_bucket_is_refused(store: str) -> None:
    with pytest.raises(RecipeError, match="there is no such bucket or folder"):
        source_files(f"s3://reviews/2027/train.csv?{store}")
    with pytest.raises((RecipeError, DataError), match=r"s3://nothing/a\.csv"):
        source_files(f"s3://nothing/a.csv?{store}")
