"""How PyTorch's compiler is called."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from penjing.machine import has_cpp_compiler
from penjing.train.compiler import compiler_options

CPU = torch.device("cpu")
CAPABILITY = torch.backends.cpu.get_cpu_capability()
PICK = """
from torch._inductor import config
from torch._inductor.cpu_vec_isa import pick_vec_isa
config.cpp.vec_isa_ok = {given}
chosen = pick_vec_isa()
print(chosen, chosen.build_arch_flags(), chosen.build_macro(), chosen.bit_width())
"""


@pytest.mark.skipif(
    CAPABILITY not in ("AVX2", "AVX512") or not has_cpp_compiler(), reason="needs AVX2 and a C++ compiler"
)
def test_the_compiler_would_find_the_instructions_that_it_is_told() -> None:
    told = compiler_options(CPU)["cpp.vec_isa_ok"]
    chosen = [
        subprocess.run([sys.executable, "-c", PICK.format(given=given)], check=True, capture_output=True, text=True)
        for given in (told, None)
    ]
    assert chosen[0].stdout == chosen[1].stdout
    assert CAPABILITY.lower() in chosen[0].stdout


def test_the_compiler_finds_out_where_pytorch_has_no_wide_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    assert "cpp.vec_isa_ok" not in compiler_options(CPU)


def test_a_gpu_takes_the_same_sums_each_time() -> None:
    assert compiler_options(torch.device("cuda"))["deterministic"]
    assert "deterministic" not in compiler_options(CPU)
