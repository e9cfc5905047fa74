"""``penjing data label`` for real: a server process, a browser with a keyboard, and what is left when it is killed."""

from __future__ import annotations

import csv
import json
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.serve.browsing import open_browser
from tests.warm import WarmChild

TEXTS = [f"a {word} film with number {n}" for n, word in enumerate(("lovely", "dull", "warm", "gray", "fine", "bad"))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with ``rows.csv``: six texts without labels, and ``<b>`` in the last."""
    with (tmp_path / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text"], *([text] for text in TEXTS[:5]), ["<b>bad</b> & 'so'"]])
    return tmp_path


@contextmanager
def serving(cli: Any, folder: Path, *args: str) -> Iterator[tuple[WarmChild, str]]:
    """Starts the command, and yields it and the address that it says."""
    process = cli.start("data", "label", *args, cwd=folder)
    try:
        said = []
        for line in process.stderr:
            said.append(line)
            if found := re.match(r"Open (\S+)", line):
                break
        else:
            pytest.fail("".join(said))
        yield process, found[1]
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real Chromium."""
    with open_browser() as opened:
        yield opened


class Desk:
    """The page, as someone at the keyboard sees it; what is not as it should be within five seconds fails."""

    def __init__(self, page: Any, address: str) -> None:
        from playwright.sync_api import expect

        self.page, self._expect = page, expect
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        page.goto(address)

    def press(self, key: str, progress: str, text: str | None = None) -> None:
        self.page.keyboard.press(key)
        self.sees(progress, text)

    def sees(self, progress: str, text: str | None = None) -> None:
        self._expect(self.page.locator("#progress")).to_have_text(progress)
        if text is not None:
            self._expect(self.page.locator("#text")).to_have_text(text)


def labels_in(path: Path) -> dict[str, str | None]:
    """Returns the last label of each row."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {line["row"]: line["label"] for line in lines}


ARGS = ("rows.csv", "--labels", "positive,negative", "--order", "file", "--out", "answers.jsonl")


def test_keys_label_skip_go_back_and_undo(cli: Any, folder: Path, browser: Any) -> None:
    with serving(cli, folder, *ARGS) as (process, address):
        desk = Desk(browser.new_page(), address)
        desk.sees("0 of 6 texts", TEXTS[0])
        desk.press("1", "1 of 6 texts", TEXTS[1])
        desk.press("2", "2 of 6 texts", TEXTS[2])
        desk.press(" ", "2 of 6 texts", TEXTS[3])
        desk.press("1", "3 of 6 texts", TEXTS[4])
        desk.press("ArrowLeft", "3 of 6 texts", TEXTS[3])
        desk.press("2", "3 of 6 texts", TEXTS[4])  # corrected
        desk.press("u", "3 of 6 texts", TEXTS[3])  # positive again
        desk.press("ArrowRight", "3 of 6 texts", TEXTS[4])
        desk.press("1", "4 of 6 texts", "<b>bad</b> & 'so'")
        desk.press("2", "5 of 6 texts", TEXTS[2])  # the skipped one
        desk.press("1", "6 of 6 texts")
        desk.page.get_by_text("All texts have an answer.").wait_for()
        assert labels_in(folder / "answers.jsonl") == {
            2: "positive",
            3: "negative",
            4: "positive",
            5: "positive",
            6: "positive",
            7: "negative",
        }
        assert desk.complaints == []
        assert desk.hosts == {urlsplit(address).netloc}
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert re.search(
            r"Answered +6 / 6\npositive +4\nnegative +2\nAnswers +answers.jsonl", re.sub(" +\n", "\n", out)
        )


def test_killed_server_loses_nothing_and_the_page_says_that_it_is_gone(cli: Any, folder: Path, browser: Any) -> None:
    with serving(cli, folder, *ARGS) as (process, address):
        desk = Desk(browser.new_page(), address)
        desk.sees("0 of 6 texts", TEXTS[0])
        for number, key in enumerate("121", start=1):
            desk.press(key, f"{number} of 6 texts", TEXTS[number])
        process.kill()
        process.wait()
        assert labels_in(folder / "answers.jsonl") == {2: "positive", 3: "negative", 4: "positive"}
        desk.press("1", "3 of 6 texts", TEXTS[3])  # not counted, and not passed over
        desk.page.get_by_text("The command does not answer.").wait_for()
    with (folder / "answers.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"id": "half an ans')
    with serving(cli, folder, *ARGS, "--lang", "zh") as (process, address):
        desk = Desk(browser.new_page(), address)
        desk.sees("已答 3 篇，共 6 篇", TEXTS[3])
        desk.press("u", "已答 2 篇，共 6 篇", TEXTS[2])  # answers of the killed server can be undone
        desk.press("2", "已答 3 篇，共 6 篇", TEXTS[3])
    assert labels_in(folder / "answers.jsonl") == {2: "positive", 3: "negative", 4: "negative"}


def test_labels_of_a_file_are_shown_and_the_suspected_ones_first(cli: Any, tmp_path: Path, browser: Any) -> None:
    pytest.importorskip("cleanlab")
    words = (("lovely", "warm"), ("dull", "gray"))
    rows = [[f"a {words[n % 2][n // 2 % 2]} film, seen {n} times", str(n % 2)] for n in range(120)]
    rows[31][1] = "0"
    with (tmp_path / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text", "label"], *rows])
    with serving(cli, tmp_path, "rows.csv", "--label", "label") as (process, address):
        desk = Desk(browser.new_page(), address)
        desk.sees("0 of 120 texts", rows[31][0])
        assert desk.page.locator("#remark").inner_text() == "in the file: 0 · the other rows contradict it"
        desk.press("1", "1 of 120 texts")
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
    assert labels_in(tmp_path / "rows.answers.jsonl") == {33: "1"}
    done = cli.run(
        "data", "label", "rows.csv", "--apply", "rows.answers.jsonl", "--to", "new.csv", "--json", cwd=tmp_path
    )
    assert json.loads(done.out) | {"file": "", "to": ""} == {
        "file": "",
        "to": "",
        "rows": 120,
        "answered": 1,
        "changed": 1,
        "left_out": 0,
        "strange": 0,
    }
    with (tmp_path / "new.csv").open(encoding="utf-8", newline="") as file:
        written = list(csv.reader(file))[1:]
    rows[31][1] = "1"
    assert written == rows


def post(address: str, path: str = "next", **headers: str) -> tuple[int, dict[str, Any]]:
    """Sends what a page sends, with other headers."""
    parts = urlsplit(address)
    connection = HTTPConnection(parts.netloc, timeout=10)
    own = {"Origin": f"http://{parts.netloc}", "Content-Type": "application/json"}
    connection.request("POST", parts.path + path, "{}", {**own, **headers})
    reply = connection.getresponse()
    return reply.status, json.loads(reply.read())


def test_only_the_page_itself_can_ask_and_answer(cli: Any, folder: Path) -> None:
    with serving(cli, folder, *ARGS) as (_, address):
        host = urlsplit(address).netloc
        assert post(address)[0] == 200
        assert post(address, Host=f"localhost:{host.split(':')[1]}", Origin=f"http://{host}")[0] == 200
        assert post(f"http://{host}/guessed-token-of-mine/")[0] == 404
        assert post(f"http://{host}/")[0] == 404
        assert post(address, "nothing")[0] == 404
        assert post(address, Origin="http://evil.example")[0] == 403
        assert post(address, Origin="null")[0] == 403
        assert post(address, Host="evil.example")[0] == 404
        assert post(address, **{"Content-Type": "text/plain"})[0] == 415
        assert post(address, **{"Content-Length": "99999999"})[0] == 413
        status, said = post(address, "answer")
        assert (status, said["error"]) == (400, 'there is no text "". Reload the page.')
    assert (folder / "answers.jsonl").read_text(encoding="utf-8") == ""


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["rows.csv"], ["no labels to choose from", "--labels positive,negative"]),
        (["rows.csv", "--labels", "a,b", "--order", "random"], ['no order "random"', "uncertain or file"]),
        (["rows.csv", "--labels", "a,b", "--text", "txt"], ['no column "txt"', "Its columns are: text."]),
        (["nowhere.csv", "--labels", "a,b"], ["no such file"]),
        ([".", "--labels", "a,b"], ["several files", "Name one of them"]),
        (["rows.csv", "--apply", "answers.jsonl"], ["--to", "--apply needs a new file"]),
        (["rows.csv", "--apply", "no.jsonl", "--to", "new.csv"], ["no.jsonl: there is no such file of answers"]),
    ],
)
def test_wrong_calls_are_refused(cli: Any, folder: Path, args: list[str], said: list[str]) -> None:
    (folder / "more.csv").write_text("text\nx\n", encoding="utf-8")
    cli.run("data", "label", *args, cwd=folder).assert_refused(2, *said)


def test_a_port_in_use_and_answers_of_others_are_refused(cli: Any, folder: Path) -> None:
    with serving(cli, folder, *ARGS) as (_, address):
        port = str(urlsplit(address).port)
        other = [*ARGS[:-1], "other.jsonl", "--port", port]
        cli.run("data", "label", *other, cwd=folder).assert_refused(2, f"port {port} is in use", "Give another")
        cli.run("data", "label", *ARGS, cwd=folder).assert_refused(2, "another penjing data label is writing")
        assert post(address)[1]["question"]["row"] == 2
    line = '{"id": "0", "file": "old.csv", "row": 2, "label": "positive", "time": "2026-03-02T14:05:00+00:00"}\n'
    (folder / "answers.jsonl").write_text(line, encoding="utf-8")
    cli.run("data", "label", *ARGS, cwd=folder).assert_refused(1, "that rows.csv does not have", "given for old.csv")
    (folder / "answers.jsonl").write_text(line.replace("positive", "good"), encoding="utf-8")
    cli.run("data", "label", *ARGS, cwd=folder).assert_refused(
        1, 'the label is "good"', "--labels are positive, negative"
    )


def test_a_page_for_one_label_refuses_cells_of_several(cli: Any, tmp_path: Path) -> None:
    rows = [f"a text of number {n},{('film', 'film|plot', 'plot')[n % 3]}" for n in range(12)]
    (tmp_path / "sets.csv").write_text("\n".join(["text,label", *rows, ""]), encoding="utf-8")
    done = cli.run("data", "label", "sets.csv", "--label", "label", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert 'holds several labels a text ("film|plot")' in done.err
    assert "--labels 1,0 --out film.jsonl" in done.err
    assert not list(tmp_path.glob("*.jsonl"))
