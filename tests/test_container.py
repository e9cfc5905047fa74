"""Limits of control groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from penjing.container import Limits, read_limits


def lay(root: Path, files: dict[str, str], membership: str) -> Limits:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "membership").write_text(membership)
    return read_limits(root, root / "membership")


def test_narrowest_limit_of_version_2_counts(tmp_path: Path) -> None:
    files = {
        "cpu.max": "max 100000",
        "pod/cpu.max": "400000 100000",
        "pod/own/cpu.max": "150000 100000\n",
        "pod/memory.max": "2147483648",
        "pod/own/memory.max": "max",
    }
    assert lay(tmp_path, files, "0::/pod/own\n") == Limits(1.5, 2**31)


def test_limits_of_version_1_are_read(tmp_path: Path) -> None:
    files = {
        "cpu,cpuacct/box/cpu.cfs_quota_us": "200000",
        "cpu,cpuacct/box/cpu.cfs_period_us": "100000",
        "cpu,cpuacct/cpu.cfs_quota_us": "-1",
        "cpu,cpuacct/cpu.cfs_period_us": "100000",
        "memory/box/memory.limit_in_bytes": "1073741824",
        "memory/memory.limit_in_bytes": "9223372036854771712",
    }
    assert lay(tmp_path, files, "4:memory:/box\n2:cpu,cpuacct:/box\n0::/\n") == Limits(2.0, 2**30)


@pytest.mark.parametrize("membership", ["0::/\n", "0::/../elsewhere\n", ""])
def test_without_limits_there_are_none(tmp_path: Path, membership: str) -> None:
    assert lay(tmp_path, {"cpu.max": "max 100000"}, membership) == Limits(None, None)
    assert read_limits(tmp_path, tmp_path / "missing") == Limits(None, None)
