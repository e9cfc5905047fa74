"""How PyTorch's compiler is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penjing.machine import has_intel_avx512_bf16_alone


def compiler_options() -> dict[str, str | int | bool | Callable[..., Any]]:
    """Returns the options of ``torch.compile`` on this machine.

    On an Intel processor with AVX-512 BF16 and no AMX, as virtual machines show it, gcc 12 takes ``-march=native`` for
    a Cooper Lake and transposes bf16 wrongly: gradients are not numbers. For the processor before it, whose
    instructions are the same but for products that the compiled code does not make, it does it right.
    """
    return {"cpp.march": "icelake-server"} if has_intel_avx512_bf16_alone() else {}
