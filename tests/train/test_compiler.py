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


MAKE = """
import sys
from pathlib import Path
from pathlib import Path
import torch
from penjing.train.compiler import compiler_options, start_header
cpu = torch.device("cpu")
made = start_header(cpu)
made.join()
headers = set(Path(sys.argv[1]).rglob("*.gch"))
torch.compile(lambda x: x.sin() + 1, options=compiler_options(cpu))(torch.ones(64))
print(len(headers), headers == set(Path(sys.argv[1]).rglob("*.gch")))
"""


@pytest.mark.slow
@pytest.mark.skipif(not has_cpp_compiler(), reason="needs a C++ compiler")
def test_the_header_that_was_made_beside_other_work_is_the_one_that_loops_use(tmp_path: Path) -> None:
    fresh = {**os.environ, "TMPDIR": str(tmp_path), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", MAKE, str(tmp_path)], check=True, capture_output=True, text=True, env=fresh
    )
    assert done.stdout.split() == ["1", "True"]


def test_a_gpu_needs_no_header() -> None:
    assert start_header(torch.device("cuda")) is None
