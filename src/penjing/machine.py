"""What this machine is: processor, cores, memory; and what the process has used of it."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import math
import os
import platform
import resource
import shutil
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from penjing.container import read_limits


def count_cores() -> int:
    """Returns the number of processor cores this process may use; of a container's share, rounded up."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = read_limits().cores
    return cores if share is None else max(1, min(cores, math.ceil(share)))


def _processor_facts() -> dict[str, str]:
    """Returns the first processor's entries of /proc/cpuinfo, empty where there is none."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return {}
    block = path.read_text(encoding="utf-8", errors="replace").split("\n\n", 1)[0]
    pairs = (line.split(":", 1) for line in block.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def name_processor() -> str:
    """Returns the processor's name as the system gives it."""
    return _processor_facts().get("model name") or platform.processor() or platform.machine()


def computes_bf16() -> bool:
    """Whether the processor multiplies bf16 matrices faster than fp32 ones: with AMX, Arm BF16 or AMD's AVX-512 BF16.

    Intel's AVX-512 BF16 by itself does not: its products take longer than those in fp32 (``benchmarks/precisions.py``).
    """
    flags = _processor_flags()
    return bool(flags & {"amx_bf16", "bf16"}) or ("avx512_bf16" in flags and not has_intel_avx512_bf16_alone())


def has_intel_avx512_bf16_alone() -> bool:
    """Whether this is an Intel processor with AVX-512 BF16 whose AMX is missing, or hidden by a virtual machine."""
    flags = _processor_flags()
    is_intel = _processor_facts().get("vendor_id") == "GenuineIntel"
    return is_intel and "avx512_bf16" in flags and "amx_bf16" not in flags


def _processor_flags() -> set[str]:
    facts = _processor_facts()
    return set((facts.get("flags", "") + " " + facts.get("Features", "")).split())


def has_cpp_compiler() -> bool:
    """Whether a C++ compiler is on the path; torch.compile needs one on a CPU."""
    return any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "g++", "clang++"))


def total_memory_mb() -> int:
    """Returns the machine's memory in MB (10^6 bytes), or what a container may use of it."""
    memory, limit = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), read_limits().memory_bytes
    return (memory if limit is None else min(memory, limit)) // 10**6


def peak_memory_mb() -> int:
    """Returns the largest resident memory of this process since `restart_peak_memory`, in MB (10^6 bytes)."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) * 1024 / 10**6)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / 10**6) if sys.platform == "darwin" else round(peak * 1024 / 10**6)


def read_energy_j() -> float | None:
    """Returns a counter of the energy that the processors have used, in joules; None where the system does not tell.

    Linux counts it for Intel and AMD processors, but often lets only root read it; memory and the rest of the machine
    are not in it.
    """
    try:
        counters = _energy_counters()
        return sum(int(path.read_text(encoding="ascii")) for path in counters) / 1e6 if counters else None
    except (OSError, ValueError):
        return None


def used_energy_j(before: float | None, after: float | None) -> float | None:
    """Returns the joules between two readings; None where there is no counter, or it began anew in between."""
    return None if before is None or after is None or after < before else after - before


@cache
def _energy_counters() -> tuple[Path, ...]:
    """Returns a file for each processor: intel-rapl:0 is one, intel-rapl:0:0 a part of it."""
    found = Path("/sys/class/powercap").glob("intel-rapl:*")
    return tuple(path / "energy_uj" for path in found if path.name.count(":") == 1)


def restart_peak_memory() -> None:
    """Lets `peak_memory_mb` begin anew, on Linux; elsewhere it goes on from the start of the process."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def keep_freed_memory() -> None:
    """Lets this process keep memory that it frees, where the C library is glibc; elsewhere nothing happens.

    Otherwise every large array goes back to the system when it is freed, and the next one, made a moment later, is
    cleared page by page again: 6 to 10% of a training step on a CPU.
    """
    trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
    with contextlib.suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(mmap_threshold, 32 << 20)  # the largest that glibc takes
        mallopt(trim_threshold, 2**31 - 1)


@contextlib.contextmanager
def set_objects_aside() -> Iterator[None]:
    """For a while Python's search for unused objects leaves out all that are there already.

    What is imported are hundreds of thousands, which each of its searches would visit and none finds unused.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def describe_machine() -> dict[str, str | int | bool]:
    """Returns processor, cores, memory (MB), system and Python, for reports."""
    return {
        "processor": name_processor(),
        "cores": count_cores(),
        "memory_mb": total_memory_mb(),
        "bf16": computes_bf16(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
