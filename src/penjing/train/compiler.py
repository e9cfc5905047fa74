"""How PyTorch's compiler is called."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Any

import torch

from penjing.machine import has_intel_avx512_bf16_alone

_WIDE = ("AVX2", "AVX512")
_SMALLEST = """#include <torch/csrc/inductor/cpp_prefix.h>
extern "C" void kernel(float* out) {}
"""
#: What `_make_header` needs; modules that import each other must not be imported by two threads at a time.
_NEEDED = ("torch._inductor.compile_fx", "torch.utils._filelock", "torch.utils.cpp_extension")


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


def start_header(device: torch.device) -> Thread | None:
    """Has the header that all compiled loops share made beside other work, where it is not there yet.

    The C++ compiler takes seconds for it on a machine where nothing was compiled before. PyTorch begins it when the
    first loop is to be compiled, and everything waits; before that a core has nothing to do. Whoever needs the header
    before it is finished waits for the same file, under PyTorch's own lock; so that this is not let go before the file
    is whole, a process that ends waits for it, too.

    Args:
        device: where the compiled code is to run; a GPU needs no such header.

    Returns:
        The thread that has it made; None where none is needed.
    """
    if device.type != "cpu":
        return None
    for name in _NEEDED:
        importlib.import_module(name)
    thread = Thread(target=_make_header, args=(compiler_options(device),), name="header")  # waited for at the end
    thread.start()
    return thread


def _make_header(options: dict[str, Any]) -> None:
    # This is PyTorch's own, and may be elsewhere in another version: then the first loop has the header made, as usual.
    with suppress(Exception):
        from torch._inductor import config
        from torch._inductor.codecache import CppPythonBindingsCodeCache

        with config.patch(options):  # for this thread alone
            CppPythonBindingsCodeCache.load_pybinding_async(["float*"], _SMALLEST, submit_fn=lambda work: None)
