"""``penjing chat`` on a real terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from penjing.cli.chat_input import Said, read_said
from penjing.models.llama import LLAMA
from penjing.pipeline.model_folder import write_network
from penjing.text.chat_template import DEFAULT_TEMPLATE, MARKS, write_chat_template
from penjing.text.tokenizer import train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

BEGUN = r"\x1b\[\?2004l\r?(.|\n){6}"  # what was typed was taken, and a reply is being shown
CTRL_C, CTRL_D, UP = b"\x03", b"\x04", b"\x1b[A"


def said(*lines: str) -> list[Said]:
    waiting = iter(lines)

    def next_line(prompt: str) -> str:
        line = next(waiting, None)
        if line is None:
            raise EOFError
        if line == "^C":
            raise KeyboardInterrupt
        return line

    return list(read_said(next_line, lambda text: None))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["hello", " ", "/help "], [Said("hello", True), Said("/help", True)]),
        (["one\\", "two\\", "three", "four"], [Said("one\ntwo\nthree", False), Said("four", True)]),
        (['"""', "/one", "", "  two", '"""', "x"], [Said("/one\n\n  two", False), Said("x", True)]),
        (['"""one', 'two"""'], [Said("one\ntwo", False)]),
        (['"""one"""'], [Said("one", False)]),
        (['"""', "not closed"], [Said("not closed", False)]),
        (['"""', '"""'], []),
        (["a\nb"], [Said("a\nb", False)]),
        (["one\\", "^C", "two"], [Said("two", True)]),
        (['"""', "^C", "^C", "two"], [Said("two", True)]),
    ],
    ids=str,
)
def test_lines_become_messages(lines: list[str], expected: list[Said]) -> None:
    assert said(*lines) == expected


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model ``talker``, whose weights are random, and which may write thousands of tokens."""
    place = tmp_path_factory.mktemp("terminal")
    settings = TokenizerSettings(kind="bpe", vocab_size=320, reserved=4)
    tokenizer = train_tokenizer([["a lovely film"] * 3], settings).name_reserved(MARKS)
    shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = LLAMA.config_from_dict(
        {**shape, "vocab_size": tokenizer.vocab_size, "max_position_embeddings": 20000, "tie_word_embeddings": False}
    )
    network = LLAMA.language_model(config)
    LLAMA.initialize(network, config, 0)
    # What the first number of every token says is that letters come, and the text does not end.
    weights = dict(network.named_parameters())
    with torch.no_grad():
        weights["model.embed_tokens.weight"][:, 0] = 1.0
        weights["lm_head.weight"][:, 0] = -20.0
        for letter in "aeiou xyz":
            weights["lm_head.weight"][tokenizer.encode([letter])[0][-1], 0] = 1.0
    write_network(place / "talker", network, LLAMA, config, tokenizer, head="language")
    write_chat_template(place / "talker", DEFAULT_TEMPLATE)
    return place


class Terminal:
    """A program on a terminal, and what it shows."""

    def __init__(self, command: list[str], folder: Path, state: Path) -> None:
        self._master, slave = pty.openpty()
        environment = {**os.environ, "XDG_STATE_HOME": str(state), "TERM": "xterm", "OMP_NUM_THREADS": "1"}
        environment.pop("INPUTRC", None)
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: own_terminal(slave),
        )
        os.close(slave)
        self.shown = ""

    def type(self, keys: str | bytes) -> None:
        os.write(self._master, keys.encode() if isinstance(keys, str) else keys)

    def wait_for(self, pattern: str, timeout_s: float = 30) -> str:
        """Waits until something is shown, and returns all that was up to its end."""
        ends = time.monotonic() + timeout_s
        while not (found := re.search(pattern, self.shown)):
            assert time.monotonic() < ends, f"{pattern} was not shown; this was: {self.shown[-2000:]}"
            self._read(0.2)
        before, self.shown = self.shown[: found.end()], self.shown[found.end() :]
        return before

    def interrupt(self, pattern: str) -> None:
        """Presses Ctrl-C until something is shown: one that comes while another is being answered is not heard."""
        for _ in range(9):
            self.type(CTRL_C)
            with suppress(AssertionError):
                self.wait_for(pattern, 2)
                return
        self.type(CTRL_C)
        self.wait_for(pattern)

    def _read(self, wait_s: float) -> None:
        if select.select([self._master], [], [], wait_s)[0]:
            try:
                self.shown += os.read(self._master, 65536).decode(errors="replace")
            except OSError:  # the program has ended
                time.sleep(0.05)

    def end(self) -> int:
        """Waits for the end of the program, and returns its exit code."""
        ends = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < ends:
            self._read(0.1)
        return self.process.wait(1)


def own_terminal(slave: int) -> None:
    import fcntl
    import termios

    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)


Start = Callable[..., Terminal]


@pytest.fixture
def start(folder: Path, tmp_path: Path) -> Iterator[Start]:
    started: list[Terminal] = []

    def begin(*options: str, state: Path = tmp_path / "state") -> Terminal:
        command = [sys.executable, "-m", "penjing", "chat", "talker", *options]
        started.append(Terminal(command, folder, state))
        started[-1].wait_for(r"Ctrl-D ends\.\r\n.*> ")
        return started[-1]

    yield begin
    for terminal in started:
        if terminal.process.poll() is None:
            terminal.process.send_signal(signal.SIGKILL)
            terminal.process.wait()


def test_ctrl_c_stops_a_reply_and_never_the_program(start: Start) -> None:
    """However often and whenever it is pressed: in a reply, twice, on an empty line, in a line that is typed."""
    terminal = start("--max-tokens", "9000", "--verbose")
    terminal.type("hello\r")
    terminal.wait_for(BEGUN)
    for _ in range(3):
        terminal.type(CTRL_C)
        time.sleep(0.02)
    terminal.wait_for(r"\(stopped\)(.|\n)*\[stopped after .* s\](.|\n)*> ")
    terminal.interrupt("Ctrl-D or /exit ends(.|\n)*> ")
    terminal.type("half a li")
    terminal.wait_for("half a li")
    terminal.interrupt("Ctrl-D or /exit ends(.|\n)*> ")
    terminal.type("/undo\r")
    terminal.wait_for("Taken back: hello")
    terminal.type("again\r")
    terminal.wait_for(BEGUN)
    terminal.type(CTRL_C)
    terminal.wait_for(r"\(stopped\)(.|\n)*> ")
    assert terminal.process.poll() is None
    terminal.type(CTRL_D)
    assert terminal.end() == 0


def test_messages_of_several_lines_are_pasted_and_typed(start: Start, tmp_path: Path) -> None:
    terminal, file = start("--max-tokens", "3", "--verbose"), tmp_path / "said.jsonl"
    for keys in (
        "\x1b[200~/one\rtwo\r\rthree\x1b[201~\r",
        "four\\\rfive\r",
        '"""\rsix\r  seven\r"""\r',
        "电影🎬\r",
    ):
        terminal.type(keys)
        terminal.wait_for(r"\[\d+ tokens, [\d.]+ tokens/s, [\d.]+ s.*\](.|\n)*> ")
    terminal.type(f"/save {file}\r")
    terminal.wait_for("Saved: ")
    terminal.type("/exit\r")
    assert terminal.end() == 0
    messages = json.loads(file.read_text(encoding="utf-8"))["messages"]
    words = [message["content"] for message in messages if message["role"] == "user"]
    assert words == ["/one\ntwo\n\nthree", "four\nfive", "six\n  seven", "电影🎬"]


def test_lines_of_former_sessions_come_back(start: Start, tmp_path: Path) -> None:
    first = start("--max-tokens", "2", "--verbose")
    first.type("a film\r")
    first.wait_for(r"tokens/s(.|\n)*> ")
    first.process.kill()  # what was typed is kept at once
    first.process.wait()
    file = tmp_path / "state" / "penjing" / "chat_history"
    assert file.read_text(encoding="utf-8") == "a film\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    second = start("--max-tokens", "2", "--verbose")
    second.type(UP)
    second.wait_for("a film")
    second.type("s\r")
    second.wait_for(r"tokens/s(.|\n)*> ")
    second.type(CTRL_D)
    assert second.end() == 0
    assert file.read_text(encoding="utf-8") == "a film\na films\n"


@pytest.mark.parametrize("kind", ["no history", "not writable"])
def test_nothing_is_remembered_where_it_may_not_or_cannot_be(start: Start, tmp_path: Path, kind: str) -> None:
    state = tmp_path / "file"
    state.write_text("", encoding="utf-8")
    options = {"no history": ("--no-history",), "not writable": ()}[kind]
    place = tmp_path / "other" if kind == "no history" else state  # no folder can be made in a file
    terminal = start("--max-tokens", "2", "--verbose", *options, state=place)
    terminal.type("a film\r")
    terminal.wait_for(r"tokens/s(.|\n)*> ")
    terminal.type(CTRL_D)
    assert terminal.end() == 0
    assert not (tmp_path / "other").exists()
    assert state.read_text(encoding="utf-8") == ""


def test_fast_engine_is_talked_with_the_same_way(start: Start) -> None:
    terminal = start("--max-tokens", "9000", "--weights", "fp32", "--verbose")
    terminal.type("hello\r")
    terminal.wait_for(BEGUN)
    terminal.type(CTRL_C)
    terminal.wait_for(r"\(stopped\)(.|\n)*> ")
    terminal.type("/regenerate\r")
    terminal.wait_for(BEGUN)
    terminal.type(CTRL_C)
    terminal.wait_for(r"\(stopped\)(.|\n)*> ")
    terminal.type(CTRL_D)
    assert terminal.end() == 0
