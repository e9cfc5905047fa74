"""Engines: results in order, errors as they are, and never a process that stays or a wait without end."""

from __future__ import annotations

import multiprocessing
import operator
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from penjing.data.engine import AUTOMATIC, EngineSettings, LocalEngine, check_engine, make_engine
from penjing.errors import MissingExtraError, PenjingError, UsageError
from penjing.machine import count_cores

# What goes to other processes comes from modules that they can import: `work(x)` is prepare()(x).
THRICE = partial(partial, operator.mul, 3)
SLEEP = partial(partial, time.sleep)
SUM = partial(partial, sum)
DIVIDE_ONE = partial(partial, operator.truediv, 1)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_results_come_in_the_order_of_the_batches(workers: int) -> None:
    assert list(LocalEngine(workers).map(THRICE, range(20))) == list(range(0, 60, 3))
    ranges = [range(10**7), range(10**6), range(4), range(2)]  # the last are done before the first
    assert list(LocalEngine(workers).map(SUM, ranges)) == list(map(sum, ranges))
    assert list(LocalEngine(workers).map(THRICE, [])) == []


def test_so_many_batches_are_in_flight_and_no_more() -> None:
    taken = []

    def batches() -> Iterator[int]:
        for number in range(50):
            taken.append(number)
            yield number

    results = LocalEngine(2).map(THRICE, batches())
    assert next(results) == 0
    assert len(taken) == 4
    results.close()


def test_no_more_processes_are_started_than_there_are_batches() -> None:
    results = LocalEngine(8).map(THRICE, range(2))
    next(results)
    started = multiprocessing.active_children()
    results.close()
    assert len(started) <= 2
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("workers", [1, 2])
def test_error_of_the_work_comes_after_the_results_before_it_and_ends_the_workers(workers: int) -> None:
    results = LocalEngine(workers).map(DIVIDE_ONE, [1, 2, 0, 4])
    assert [next(results), next(results)] == [1, 0.5]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert not multiprocessing.active_children()


def test_errors_of_ours_stay_what_they_are_when_they_are_pickled() -> None:
    for error in (
        UsageError("it is wrong", where="here.toml", do="Change it."),
        MissingExtraError("daft", "corpus", "Finding near duplicates"),
    ):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert (str(again), again.what, again.where, again.do) == (str(error), error.what, error.where, error.do)


def test_preparation_that_fails_says_so_itself() -> None:
    missing = partial(make_engine, EngineSettings("ray"), wrong=True)
    with pytest.raises(TypeError, match="wrong"):
        list(LocalEngine(2).map(missing, range(4)))


@pytest.mark.parametrize(
    ("prepare", "batch", "said"),
    [
        (partial(partial, signal.raise_signal), signal.SIGKILL, r"was killed \(SIGKILL\)"),
        (partial(partial, os._exit), 3, "ended by itself, with code 3"),
    ],
)
def test_death_of_a_worker_is_said_at_once(prepare: Any, batch: Any, said: str) -> None:
    with pytest.raises(PenjingError, match=f"a worker process {said}.*--workers"):
        list(LocalEngine(2).map(prepare, [batch] * 8))
    assert not multiprocessing.active_children()


def test_large_batches_and_results_never_wait_for_each_other() -> None:
    large = "x" * (4 << 20)  # far more than a pipe holds
    same = partial(partial, str.replace, large, "y")  # large on both ways, and in the preparation
    assert [len(found) for found in LocalEngine(2).map(same, ["z" * (4 << 20)] * 8)] == [4 << 20] * 8


def test_workers_hear_neither_ctrl_c_nor_sigterm() -> None:
    results = LocalEngine(2).map(SLEEP, [0.0, 1.0, 0.0, 0.0])
    next(results)
    for process in multiprocessing.active_children():
        assert process.pid
        os.kill(process.pid, signal.SIGINT)
        os.kill(process.pid, signal.SIGTERM)
    assert list(results) == [None] * 3


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="there is no /proc to look for processes in")
def test_workers_end_with_their_process_even_if_it_is_killed() -> None:
    script = (
        "import multiprocessing, time; from functools import partial; from penjing.data.engine import LocalEngine\n"
        "if __name__ == '__main__':\n"
        "    results = LocalEngine(2).map(partial(partial, time.sleep), [0.0, 0.0, 0.2, 0.2])\n"
        "    next(results), next(results)\n"
        "    print(*[child.pid for child in multiprocessing.active_children()], flush=True)\n"
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    workers = [int(pid) for pid in process.stdout.readline().split()]
    assert workers
    process.kill()
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 20
    while any(is_running(pid) for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_workers_are_as_many_as_cores_where_that_is_worth_it() -> None:
    engines = [make_engine(AUTOMATIC, is_worth_workers=worth) for worth in (False, True)]
    assert [engine.workers for engine in engines if isinstance(engine, LocalEngine)] == [1, count_cores()]


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(UsageError, match=r'--engine: "rai" is no engine. Did you mean "ray"'):
        EngineSettings("rai")
    with pytest.raises(UsageError, match="--ray-address: only a Ray cluster has an address"):
        EngineSettings(address="head:6379")


def test_missing_ray_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ray", raising=False)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(MissingExtraError, match=r"The engine ray needs the package ray.*penjing\[cluster\]"):
        check_engine(EngineSettings("ray"))
