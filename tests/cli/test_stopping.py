"""Runs that are stopped, and runs that meet: nothing is lost and the same command goes on."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.warm import WarmChild

_LONG = ("run", "small.toml", "--set", "finetune.epochs=150")
_ENDLESS = ("run", "small.toml", "--set", "finetune.epochs=1000000")


@pytest.fixture
def start(cli: Any) -> Iterator[Callable[..., WarmChild]]:
    """Starts a run and waits for the first checkpoint of its training; it is killed at the end."""
    processes = []

    def begin(place: Any, *args: str) -> WarmChild:
        process = cli.start(*args, "--set", "finetune.checkpoint_every_s=0.1", cwd=place.folder)
        processes.append(process)
        while not list(place.out.glob("stages/finetune-*.part/checkpoints/step-*")):
            assert process.poll() is None
            time.sleep(0.02)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def test_run_stopped_by_ctrl_c_and_again_by_sigterm_says_how_to_go_on_and_finishes(
    cli: Any, workplace: Any, start: Any
) -> None:
    saved = ("finetune: stopped as asked after step", "everything is saved", "Run the same command again to go on")
    before = workplace.published()
    process = start(workplace, *_LONG)
    process.send_signal(signal.SIGINT)
    cli.finish(process).assert_refused(130, *saved)

    process = start(workplace, *_LONG)
    assert any(line.startswith("finetune: going on from step") for line in process.stderr)
    process.send_signal(signal.SIGTERM)
    cli.finish(process).assert_refused(130, *saved)
    assert workplace.published() == before

    finished = cli.run(*_LONG, cwd=workplace.folder)
    assert finished.code == 0, finished.err
    assert "finetune: going on from step" in finished.err
    assert workplace.published() != before


def test_second_run_in_the_same_folder_is_refused_while_the_first_goes_on(cli: Any, workplace: Any, start: Any) -> None:
    first = start(workplace, *_ENDLESS)
    second = cli.run("run", "small.toml", cwd=workplace.folder)
    second.assert_refused(2, "runs/small: another run is working in this folder", "another --out")
    assert first.poll() is None
