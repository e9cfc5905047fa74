"""How PyTorch's compiler is called."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from penjing.machine import has_cpp_compiler
from penjing.train.compiler import compiler_options, start_header

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


START = """
import torch
from penjing.train.compiler import start_header
start_header(torch.device("cpu"))
"""
USE = """
import torch
from penjing.train.compiler import compiler_options
torch.compile(lambda x: x.sin() + 1, options=compiler_options(torch.device("cpu")))(torch.ones(64))
"""


@pytest.mark.slow
@pytest.mark.skipif(not has_cpp_compiler(), reason="needs a C++ compiler")
def test_the_header_is_whole_when_the_process_ends_and_is_the_one_that_loops_use(tmp_path: Path) -> None:
    fresh = {**os.environ, "TMPDIR": str(tmp_path), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache")}
    headers = []
    for code in (START, USE):
        subprocess.run([sys.executable, "-c", code], check=True, env=fresh)
        headers.append([(file, file.stat().st_size, file.stat().st_mtime_ns) for file in tmp_path.rglob("*.gch")])
    assert len(headers[0]) == 1
    assert headers[0] == headers[1]


def test_a_gpu_needs_no_header() -> None:
    assert start_header(torch.device("cuda")) is None
