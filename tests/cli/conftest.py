"""The real command line in real processes: ``python -m penjing``, and one small trained model to ask."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.warm import WarmChild, warm_process

_PROGRESS = re.compile(
    r"\d/\d \w+: |plan: \w+$|data: |finetune: going on from step \d+$"
    r"|Stopping at the next safe point; what is done is kept …$"
    r"|lm: computed by torch \(this model's heads are not of 16 numbers or a multiple\), "
)

_WORDS = {
    "positive": ["lovely", "warm", "bright", "funny", "fine", "great", "charming", "moving"],
    "negative": ["dull", "bad", "slow", "empty", "gray", "weak", "tired", "clumsy"],
}
_THINGS = ["film", "plot", "scene", "actor", "story", "ending", "music", "camera"]

RECIPE = """\
name = "small"

[data]
path = "rows.csv"

[tokenizer]
kind = "word"
vocab_size = 300

[model]
family = "lstm"
shape = { embedding_size = 16, hidden_size = 16 }

[finetune]
epochs = 2
evaluations = 2
precision = "fp32"
compile = "off"

[evaluate]
resamples = 100
"""


@dataclass(frozen=True)
class Finished:
    """A process that has ended.

    Attributes:
        code: its exit code.
        out: its standard output.
        err: its standard error.
    """

    code: int
    out: str
    err: str

    def assert_refused(self, code: int, *words: str) -> None:
        """Asserts that nothing but one paragraph was said, after lines of progress if any, and that it holds words."""
        assert self.code == code, self.err
        assert self.out == ""
        *before, last = self.err.splitlines()
        assert [line for line in before if not _PROGRESS.match(line)] == []
        assert last.startswith("penjing: ")
        assert "a fault in Penjing itself" not in last
        for word in words:
            assert word in last


@dataclass(frozen=True)
class Call:
    """What is called, from which working folder, and with what on standard input."""

    cwd: Path
    args: Sequence[str]
    stdin: bytes = b""
    prefix: Sequence[str] = ()


class CommandLine:
    """Runs ``python -m penjing``.

    Attributes:
        environment: of the processes; one thread each, for two at a time share the cores, and pipes that are buffered,
            as they are for a user.
    """

    environment: Mapping[str, str] = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": ""}

    def command(self, *args: str) -> list[str]:
        """Returns the command for `subprocess`."""
        return [sys.executable, "-m", "penjing", *args]

    def start(self, *args: str, cwd: Path) -> WarmChild:
        """Starts a command whose standard output and error are pipes, as a fork of a warm process."""
        return warm_process().start(args, cwd, self.environment)

    def finish(self, process: WarmChild | subprocess.Popen[str]) -> Finished:
        """Waits for the end of a command that was started."""
        out, err = process.communicate(timeout=120)
        return Finished(process.returncode, out, err)

    def call(self, cwd: Path, args: Sequence[str], stdin: bytes = b"", prefix: Sequence[str] = ()) -> Call:
        """Returns a call for `run_all`."""
        return Call(cwd, args, stdin, prefix)

    def run(
        self,
        *args: str,
        cwd: Path,
        stdin: bytes = b"",
        prefix: Sequence[str] = (),
    ) -> Finished:
        """Runs a command to its end: a warm process, or, after a prefix, one of its own."""
        if not prefix:
            warm = warm_process().run(args, cwd, self.environment, stdin)
            return Finished(warm.returncode, warm.stdout.decode(), warm.stderr.decode())
        done = subprocess.run(
            [*prefix, *self.command(*args)],
            cwd=cwd,
            input=stdin,
            env=self.environment,
            capture_output=True,
            timeout=120,
            check=False,
        )
        return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())

    def run_all(self, calls: Mapping[str, Call]) -> dict[str, Finished]:
        """Runs commands, given by name, two at a time."""
        with ThreadPoolExecutor(2) as pool:
            waiting = {
                name: pool.submit(self.run, *call.args, cwd=call.cwd, stdin=call.stdin, prefix=call.prefix)
                for name, call in calls.items()
            }
            return {name: future.result() for name, future in waiting.items()}


@dataclass(frozen=True)
class Workplace:
    """A folder with ``rows.csv``, ``small.toml`` and what a good run of it left.

    Attributes:
        folder: the working folder.
    """

    folder: Path

    @property
    def out(self) -> Path:
        """The folder of the run."""
        return self.folder / "runs" / "small"

    @property
    def model(self) -> Path:
        """The model folder."""
        return self.out / "model"

    def published(self) -> dict[str, bytes]:
        """Returns what the good run published, file by file."""
        files = [*self.model.iterdir(), self.out / "report.html", self.out / "lineage.json"]
        return {str(file.relative_to(self.out)): file.read_bytes() for file in files}

    def copy_to(self, folder: Path) -> Workplace:
        """Returns a copy, to be spoiled."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return self.at(folder)

    def at(self, folder: Path) -> Workplace:
        """Returns the workplace of another folder."""
        return Workplace(folder)


def small_rows() -> str:
    """Returns 60 rows of two labels as CSV."""
    draw = random.Random(0)
    rows = ["text,label"]
    for number in range(30):
        for label, words in _WORDS.items():
            pairs = [f"{draw.choice(words)} {draw.choice(_THINGS)}" for _ in range(2)]
            rows.append(f"A {pairs[0]} and a {pairs[1]} in room {number},{label}")
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="session")
def cli() -> CommandLine:
    return CommandLine()


@pytest.fixture(scope="session")
def trained(cli: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> tuple[Workplace, Finished]:
    """A workplace whose run was made once, and what ``penjing run --json`` said; not to be changed."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "rows.csv").write_text(small_rows(), encoding="utf-8")
    (folder / "small.toml").write_text(RECIPE, encoding="utf-8")
    finished = cli.run("run", "small.toml", "--json", cwd=folder)
    assert finished.code == 0, finished.err
    return Workplace(folder), finished


@pytest.fixture
def workplace(trained: tuple[Workplace, Finished], tmp_path: Path) -> Workplace:
    """A copy of the workplace with the good run."""
    return trained[0].copy_to(tmp_path / "work")
