"""How PyTorch's compiler is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from penjing.machine import has_intel_avx512_bf16_alone

_WIDE = ("AVX2", "AVX512")


def compiler_options(device: torch.device) -> dict[str, str | int | bool | Callable[..., Any]]:
    """Returns the options of ``torch.compile`` for a device of this machine.

    On an Intel processor with AVX-512 BF16 and no AMX, as virtual machines show it, gcc 12 takes ``-march=native`` for
    a Cooper Lake and transposes bf16 wrongly: gradients are not numbers. For the processor before it, whose
    instructions are the same but for products that the compiled code does not make, it does it right.

    For a GPU the compiler tries several forms of a sum and takes the fastest, which is another one the next time; so
    that a run can go on to the bit it takes the one that it would take without trying.

    Where PyTorch itself computes with AVX2 or AVX-512, the processor is known to have it, as compilers of the last ten
    years do, and PyTorch's need not find out by compiling small programs, which takes seconds where nothing is cached.
    """
    options: dict[str, str | int | bool | Callable[..., Any]] = {}
    if has_intel_avx512_bf16_alone():
        options["cpp.march"] = "icelake-server"
    if device.type == "cpu" and torch.backends.cpu.get_cpu_capability() in _WIDE:
        options["cpp.vec_isa_ok"] = True
    if device.type == "cuda":
        options["deterministic"] = True
    return options
