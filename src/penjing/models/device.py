"""Where a network computes, and in which precision."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cache

import torch
from torch import Tensor

from penjing.errors import UsageError
from penjing.machine import computes_bf16, count_cores, name_processor

# What PyTorch gives to the vector functions of MKL, in ATen/cpu/vml.h.
_OF_MKL = (
    *(torch.acos, torch.asin, torch.atan, torch.cos, torch.erf, torch.erfc, torch.erfinv, torch.exp, torch.log),
    *(torch.log10, torch.log2, torch.sin, torch.sqrt, torch.tan, torch.tanh, torch.trunc),
)


def choose_device(name: str) -> torch.device:
    """Returns the device of that name, ready to compute; ``auto`` is a GPU where there is one.

    Raises:
        UsageError: there is no such device.
    """
    device = _find_device(name)
    if device.type == "cpu":
        keep_to_share()
        settle_functions()
    return device


@cache
def keep_to_share() -> None:
    """Lets PyTorch compute with as many threads as a container has cores, where it would with those of the machine."""
    if torch.get_num_threads() > count_cores():
        torch.set_num_threads(count_cores())


@cache
def settle_functions() -> None:
    """Lets MKL choose the code of its vector functions, exp and the like, before threads compute with them.

    It chooses at a function's first call. Where two threads make that together, one of them may compute its half of the
    numbers with less exact code, that one time: exponentials were off by a part in ten thousand, and a run that went on
    from a checkpoint was not the same to the bit (https://github.com/pytorch/pytorch/issues/188792).
    """
    for kind in (torch.float32, torch.float64):
        for function in _OF_MKL:
            function(torch.full((1,), 0.5, dtype=kind))


def _find_device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f'"{name}" is no device', do="Use auto, cpu or cuda.") from error
    if device.type not in ("cpu", "cuda"):
        raise UsageError(f'"{name}" is no device that is used here', do="Use auto, cpu or cuda.")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UsageError(f'the device "{name}" was asked for, but PyTorch sees no GPU', do="Use auto or cpu.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(
            f'the device "{name}" was asked for, but PyTorch sees {torch.cuda.device_count()} GPUs',
            do="Use auto or cuda; the first GPU is cuda:0.",
        )
    return device


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """Returns the precision of matrix products; ``auto`` is bf16 where the hardware multiplies it, else fp32."""
    wanted = ("bf16" if _multiplies_bf16(device) else "fp32") if name == "auto" else name
    return torch.bfloat16 if wanted == "bf16" else torch.float32


def _multiplies_bf16(device: torch.device) -> bool:
    if device.type == "cpu":
        return computes_bf16()
    with torch.cuda.device(device):  # PyTorch says it of the current card
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def autocast(device: torch.device, precision: torch.dtype) -> AbstractContextManager[object]:
    """Returns the context in which matrix products are computed in that precision; weights stay fp32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == torch.bfloat16)


def name_device(device: torch.device) -> str:
    """Returns the name of the processor or the card."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else name_processor()


def peak_device_memory_mb(device: torch.device) -> int | None:
    """Returns the most that PyTorch has allocated on a card since `restart_peak_device_memory`, in MB (10^6 bytes).

    None on a CPU, where a device has no memory of its own.
    """
    return round(torch.cuda.max_memory_allocated(device) / 10**6) if device.type == "cuda" else None


def restart_peak_device_memory(device: torch.device) -> None:
    """Lets `peak_device_memory_mb` begin anew."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def to_device(tensors: Sequence[Tensor | None], device: torch.device) -> tuple[Tensor | None, ...]:
    """Returns tensors on a device; what is not there stays None."""
    return tuple(None if tensor is None else tensor.to(device) for tensor in tensors)
