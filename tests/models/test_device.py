from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from penjing.errors import UsageError
from penjing.models import device
from penjing.models.device import autocast, choose_device, choose_precision


@pytest.mark.parametrize("name", ["mps", "meta", "gpu", "cuda:99", "cpu:x"])
def test_device_that_is_not_there_or_not_used_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f'"{name}"'):
        choose_device(name)


def test_auto_is_a_gpu_where_there_is_one() -> None:
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


# A forked child finds MKL as it is in a new process. What it computes before lets both threads come to exp together.
FIRST_EXPONENTIALS = """
import os, torch
from penjing.models import device
from penjing.models.device import choose_device
choose_device("cpu")

def are_exact():
    torch.manual_seed(0)
    words, lstm = torch.randn(4096, 128), torch.nn.LSTM(128, 128, batch_first=True)
    scores = torch.randn(1016, 128) @ words.T
    lstm(torch.randn(8, 128, 128))[0].sum().backward()
    shares = scores.log_softmax(-1)
    return torch.equal(shares.exp(), shares.exp())

wrong = 0
for _ in range(10):
    if (child := os.fork()) == 0:
        os._exit(0 if are_exact() else 1)
    wrong += os.waitpid(child, 0)[1] != 0
print(wrong)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_first_numbers_of_a_process_are_as_exact_as_later_ones() -> None:
    # Without choose_device, a third of the children are wrong where PyTorch uses MKL before 2025.
    threads = {**os.environ, "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-c", FIRST_EXPONENTIALS]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=threads)
    assert done.stdout.strip() == "0"


def test_precision_is_that_of_the_card_that_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    current = [torch.device("cuda:0")]

    @contextmanager
    def make_current(device: torch.device) -> Iterator[None]:
        current.append(device)
        yield
        current.pop()

    monkeypatch.setattr(torch.cuda, "device", make_current)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: current[-1].index == 1)
    assert choose_precision("auto", torch.device("cuda:1")) == torch.bfloat16
    assert choose_precision("auto", torch.device("cuda:0")) == torch.float32


def test_precision_is_what_was_asked_for() -> None:
    cpu = torch.device("cpu")
    for name, wanted in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
        precision = choose_precision(name, cpu)
        assert precision == wanted
        with autocast(cpu, precision):
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == wanted


def test_no_more_threads_compute_than_a_container_has_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    monkeypatch.setattr(device, "count_cores", lambda: 1)
    try:
        torch.set_num_threads(2)
        device.keep_to_share.cache_clear()
        device.choose_device("cpu")
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
