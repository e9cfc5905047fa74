from __future__ import annotations

import pytest
import torch

from penjing.errors import UsageError
from penjing.models.device import autocast, choose_device, choose_precision


@pytest.mark.parametrize("name", ["mps", "meta", "gpu", "cuda:99", "cpu:x"])
def test_device_that_is_not_there_or_not_used_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f'"{name}"'):
        choose_device(name)


def test_auto_is_a_gpu_where_there_is_one() -> None:
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_precision_is_what_was_asked_for() -> None:
    cpu = torch.device("cpu")
    for name, wanted in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
        precision = choose_precision(name, cpu)
        assert precision == wanted
        with autocast(cpu, precision):
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == wanted
