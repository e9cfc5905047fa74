"""Corpora that several processes clean: killed, stopped, and asked for in the wrong way."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_RECIPE = """\
name = "clean"

[corpus]
path = "texts.txt"
filters = ["gopher_repetition", "c4"]

[tokenizer]
kind = "bpe"
vocab_size = 300

[model]
family = "llama"
shape = { hidden_size = 32, num_hidden_layers = 1, num_attention_heads = 2, intermediate_size = 32 }

[pretrain]
objective = "causal"
window_tokens = 16
"""
_TEXTS = 20_000  # some seconds of work for the filters


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("engines"), random.Random(0)
    words = [f"word{number}" for number in range(500)]
    sentences = (" ".join(rng.choices(words, k=12)).capitalize() + ". " for _ in range(6 * _TEXTS))
    texts = ("".join(next(sentences) for _ in range(6)) + "\n" for _ in range(_TEXTS))
    (folder / "texts.txt").write_text("".join(texts), encoding="utf-8")
    (folder / "clean.toml").write_text(_RECIPE, encoding="utf-8")
    return folder


@pytest.fixture
def started(cli: Any, place: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A run with two workers that has just started them, and their ids."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = cli.command("run", "clean.toml", "--workers", "2")
    process = subprocess.Popen(command, cwd=place, env=cli.environment, **pipes)
    while len(workers := workers_of(process.pid)) < 2:
        assert process.poll() is None
        time.sleep(0.01)
    yield process, workers
    process.kill()
    process.communicate()


def workers_of(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if not children.exists():
        pytest.skip("there is no /proc that names the children of a process")
    return [int(child) for child in children.read_text("ascii").split() if b"spawn_main" in command_of(int(child))]


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_killed_worker_is_said_and_leaves_nothing_half_written(cli: Any, place: Path, started: Any) -> None:
    process, workers = started
    os.kill(workers[0], signal.SIGKILL)
    cli.finish(process).assert_refused(1, "a worker process was killed (SIGKILL)", "fewer --workers")
    assert not [pid for pid in workers if b"spawn_main" in command_of(pid)]
    assert [folder.name for folder in (place / "runs" / "clean" / "stages").iterdir() if folder.suffix != ".part"] == []


def test_ctrl_c_reaches_all_processes_and_none_is_left(cli: Any, place: Path, started: Any) -> None:
    process, workers = started
    for pid in (*workers, process.pid):  # as a terminal does
        os.kill(pid, signal.SIGINT)
    cli.finish(process).assert_refused(130, "stopped as asked", "Run the same command again to go on")
    assert not [pid for pid in workers if b"spawn_main" in command_of(pid)]
    assert not list((place / "runs" / "clean" / "stages").glob("corpus-*/lineage.json"))


def test_wrong_engine_is_refused_before_anything_is_read(cli: Any, tmp_path: Path) -> None:
    refused = cli.run("run", "nowhere.toml", "--engine", "spark", cwd=tmp_path)
    refused.assert_refused(2, '--engine: "spark" is no engine', "local, ray")
    refused = cli.run("run", "nowhere.toml", "--ray-address", "head:6379", cwd=tmp_path)
    refused.assert_refused(2, "--ray-address: only a Ray cluster has an address", "Add --engine ray")
