"""Addresses on the Hugging Face hub: read once through Daft, kept as Parquet, and refused with what to do.

Daft has the hub's own address compiled in, and the certificates that it trusts, so that no test can stand in for
``https://huggingface.co``. What is read here is read by the same code and the same calls of Daft from a server on this
machine, which lists folders as pages of links. Of the hub itself only its absence is tested; how it lists and serves
files is not.
"""

from __future__ import annotations

import gzip
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from penjing.data.label_settings import LabelledData
from penjing.data.sources import source_files
from penjing.data.sources.hub import hub_files, kept_folder
from penjing.data.sources.hub_reader import group_files
from penjing.data.split_files import files_by_split
from penjing.errors import DataError, MissingExtraError, PenjingError, RecipeError

SST2 = "hf://datasets/SetFit/sst2"


class Server(ThreadingHTTPServer):
    """Serves a folder over HTTP, and notes what is asked, also what it is asked to connect to as a proxy."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.asked: list[str] = []
        self.breaks_off = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.path.startswith("/private/"):
            return self._answer(401, b"")  # as the hub answers for what is private or not there
        path = self.server.folder / self.path.strip("/")
        if path.is_dir():
            links = (
                f'<a href="/{entry.relative_to(self.server.folder)}{"/" * entry.is_dir()}">' for entry in path.iterdir()
            )
            return self._answer(200, "".join(links).encode(), {"Content-Type": "text/html"})
        if not path.is_file():
            return self._answer(404, b"")
        content = path.read_bytes()
        if asked := self.headers.get("Range"):
            start, end = asked.removeprefix("bytes=").split("-")
            first = int(start) if start else len(content) - int(end)
            part = content[first : int(end) + 1 if start and end else None]
            return self._answer(206, part, {"Content-Range": f"bytes {first}-{first + len(part) - 1}/{len(content)}"})
        return self._answer(200, content)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_CONNECT(self) -> None:
        self.server.asked.append(self.path)
        self._answer(502, b"")

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "Accept-Ranges": "bytes", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.server.breaks_off and self.path.endswith(".jsonl"):
            body = body[: len(body) // 2]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server of data sets, and a home of its own for what is kept."""
    pytest.importorskip("daft")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "hub").mkdir()
    with Server(tmp_path / "hub") as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def put(server: Server, path: str, content: str | bytes | pa.Table) -> None:
    file = server.folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, pa.Table):
        pq.write_table(content, file, row_group_size=100)
    else:
        file.write_bytes(content.encode() if isinstance(content, str) else content)


def put_sst2(server: Server) -> None:
    """Puts a data set in the form of SetFit/sst2: JSON lines, the validation file named dev."""
    for name in ("train", "dev", "test"):
        rows = [
            {"text": f"{name} {n}", "label": n % 2, "label_text": ("negative", "positive")[n % 2]} for n in range(9)
        ]
        put(server, f"SetFit/sst2/{name}.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    put(server, "SetFit/sst2/README.md", "# Stanford Sentiment Treebank")
    put(server, "SetFit/sst2/.gitattributes", "*.jsonl filter=lfs")


def rows_of(file: Path) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = pq.read_table(file).to_pydict()
    return columns


def refused(error: type[PenjingError], address: str, data_sets: str, *words: str) -> None:
    """Checks that an address is refused in one paragraph that holds some words, and that nothing is kept of it."""
    with pytest.raises(error) as caught:
        hub_files(address, data_sets)
    message = str(caught.value)
    assert message.startswith(f"{address}: ")
    assert "\n" not in message
    for word in words:
        assert word in message
    assert not any(kept_folder(address).parent.iterdir())


# What is read


def test_json_lines_are_kept_as_one_parquet_file_a_split(hub: Server) -> None:
    put_sst2(hub)
    files = hub_files(SST2, hub.address)
    assert [file.name for file in files] == ["test.parquet", "train.parquet", "validation.parquet"]
    assert rows_of(files[2]) == {
        "text": [f"dev {n}" for n in range(9)],
        "label": [n % 2 for n in range(9)],
        "label_text": [("negative", "positive")[n % 2] for n in range(9)],
    }
    found = files_by_split(LabelledData(path=SST2))
    assert {split: [file.name for file in files] for split, files in found.items()} == {
        split: [f"{split}.parquet"] for split in ("train", "validation", "test")
    }


def test_what_is_kept_is_used_without_the_hub_and_does_not_change(hub: Server) -> None:
    put_sst2(hub)
    before = {file: file.read_bytes() for file in hub_files(SST2, hub.address)}
    hub.asked.clear()
    put(hub, "SetFit/sst2/train.jsonl", '{"text": "new"}\n')
    assert {file: file.read_bytes() for file in source_files(SST2)} == before
    assert source_files(f"{SST2}/") == list(before)
    assert hub.asked == []


def test_shards_are_joined_in_the_order_of_their_numbers(hub: Server) -> None:
    for shard in range(3):
        numbers = range(shard * 700, shard * 700 + 700)
        table = pa.table({"text": [str(n) for n in numbers], "label": list(numbers)})
        put(hub, f"O/N/data/train-0000{shard}-of-00003-0f1e2d3c4b5a6978.parquet", table)
    put(hub, "O/N/dataset_infos.json", "{}")
    (file,) = hub_files("hf://datasets/O/N", hub.address)
    assert rows_of(file) == {"text": [str(n) for n in range(2100)], "label": list(range(2100))}


def test_cells_of_csv_and_tsv_are_text_as_in_a_local_file(hub: Server) -> None:
    put(hub, "O/N/train.csv.gz", gzip.compress(b'text,label\n"one\ntwo, ""three""",01\n12,true\nNA,\n'))
    put(hub, "O/T/train.tsv", 'text\tlabel\n"so bad\t0\n""\t1\n')
    (comma,) = hub_files("hf://datasets/O/N", hub.address)
    assert rows_of(comma) == {"text": ['one\ntwo, "three"', "12", "NA"], "label": ["01", "true", ""]}
    (tab,) = hub_files("hf://datasets/O/T", hub.address)
    assert rows_of(tab) == {"text": ['"so bad', '""'], "label": ["0", "1"]}


def test_folder_or_file_of_a_data_set_is_read_alone(hub: Server) -> None:
    for configuration in ("en", "zh"):
        for split in ("train", "test"):
            put(hub, f"O/N/{configuration}/{split}-00000-of-00001.parquet", pa.table({"text": [configuration + split]}))
    files = hub_files("hf://datasets/O/N/zh", hub.address)
    assert [(file.name, rows_of(file)["text"]) for file in files] == [
        ("test.parquet", ["zhtest"]),
        ("train.parquet", ["zhtrain"]),
    ]
    (file,) = hub_files("hf://datasets/O/N/en/test-00000-of-00001.parquet", hub.address)
    assert (file.name, rows_of(file)["text"]) == ("test-00000-of-00001.parquet", ["entest"])


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["data/train-00000-of-00002.parquet", "data/test-00000-of-00001.parquet"], {"train", "test"}),
        (["plain_text/train-00000-of-00001.parquet", "plain_text/unsupervised-00000-of-00001.parquet"], {"train"}),
        (["train/0000.parquet", "validation/0000.parquet"], {"train", "validation"}),
        (["sst2_train.csv", "sst2_dev.csv", "sst2_testing.csv", "labels.csv"], {"train", "validation", "test"}),
        (["Training.jsonl", "VAL.jsonl"], {"train", "validation"}),
        (["reviews-2020.csv", "reviews-2021.csv", "constraints.txt"], {"train"}),
        (["latest.csv"], {"train"}),
    ],
)
def test_words_in_the_names_of_files_tell_their_splits(names: list[str], splits: set[str]) -> None:
    assert set(group_files(names, "hf://datasets/O/N")) == splits


def test_use_is_reported_to_nobody(hub: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    put_sst2(hub)
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, hub.address)
    for name in ("NO_PROXY", "no_proxy", "DAFT_ANALYTICS_ENABLED", "DO_NOT_TRACK", "SCARF_NO_ANALYTICS"):
        monkeypatch.delenv(name, raising=False)
    assert len(hub_files(SST2, hub.address)) == 3
    assert [asked for asked in hub.asked if not asked.startswith("/SetFit/sst2")] == []


# What is refused


@pytest.mark.parametrize(
    "address",
    [
        "hf://models/google/bert",
        "hf://datasets/imdb",
        "hf://datasets/O/N@main",
        "hf://datasets/../N",
        "hf://datasets/O/N/../../x.csv",
        "hf://datasets/O/N/*.csv",
        "hf://datasets//N",
        "hf://",
    ],
)
def test_malformed_address_is_refused_with_what_to_write(address: str) -> None:
    with pytest.raises(RecipeError, match="no address of a data set") as caught:
        source_files(address)
    assert "hf://datasets/OWNER/NAME" in str(caught.value)
    assert caught.value.exit_code == 2


def test_hub_that_cannot_be_reached_is_one_paragraph_with_the_way_out(
    hub: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, hub.address)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    refused(DataError, SST2, "hf://datasets", "cannot be reached", "--set data.path=", "PENJING_DATA", "lies as sst2")
    assert set(hub.asked) == {"huggingface.co:443"}


@pytest.mark.parametrize("address", ["hf://datasets/O/None", "hf://datasets/O/N/none.csv", "hf://datasets/private/N"])
def test_what_the_hub_does_not_have_is_refused(hub: Server, address: str) -> None:
    put(hub, "O/N/train.csv", "text,label\na,b\n")
    refused(RecipeError, address, hub.address, "no such public data set", "Correct the address", "PENJING_DATA")


@pytest.mark.parametrize(
    ("name", "content"),
    [("train.jsonl", b'{"text": "a"}\n{"text":\n'), ("train.parquet", b"PAR1 no Parquet"), ("train.csv", b"a,b\n1\n")],
)
def test_file_that_cannot_be_read_is_refused_and_nothing_is_kept(hub: Server, name: str, content: bytes) -> None:
    put(hub, f"O/N/{name}", content)
    refused(DataError, "hf://datasets/O/N", hub.address, "cannot be read from the hub", "Look at its files")


@pytest.mark.slow  # Daft tries for 14 seconds
def test_file_that_breaks_off_on_its_way_is_refused_and_nothing_is_kept(hub: Server) -> None:
    put_sst2(hub)
    hub.breaks_off = True
    refused(DataError, SST2, hub.address)
    hub.breaks_off = False
    assert len(hub_files(SST2, hub.address)) == 3


@pytest.mark.parametrize(
    "names",
    [
        ["cola/train-0.parquet", "sst2/train-0.parquet"],
        ["data/en_train.csv", "data/de_train.csv"],
        ["train.csv", "train.jsonl"],
        ["train_small.csv", "train_large.csv"],
        ["reviews.csv", "users.csv"],
    ],
)
def test_files_that_are_not_of_one_table_are_refused_with_their_forms(names: list[str]) -> None:
    with pytest.raises(RecipeError, match="do not belong to one table") as caught:
        group_files(names, "hf://datasets/O/N")
    assert "hf://datasets/O/N/FOLDER" in str(caught.value)


def test_missing_daft_is_named_with_its_extra(hub: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "daft", None)
    with pytest.raises(MissingExtraError, match=r"penjing\[hub\]"):
        hub_files(SST2, hub.address)
    assert not kept_folder(SST2).exists()
