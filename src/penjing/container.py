"""What a container lets a process use: the limits of its control groups, of both versions of Linux."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_GROUPS, _MEMBERSHIP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


class Limits(NamedTuple):
    """What may be used.

    Attributes:
        cores: of processor time, such as 1.5; None: no limit.
        memory_bytes: of memory; None: no limit.
    """

    cores: float | None
    memory_bytes: int | None


def read_limits(groups: Path = _GROUPS, membership: Path = _MEMBERSHIP) -> Limits:
    """Returns the narrowest limits of the control groups that this process is in; none where there are no such groups.

    Args:
        groups: where they are mounted.
        membership: the file that says in which of them the process is.
    """
    cores, memory = [], []
    for folder in _folders(groups, membership):
        quota = _numbers(folder / "cpu.max") or _numbers(folder / "cpu.cfs_quota_us", folder / "cpu.cfs_period_us")
        if len(quota) == 2 and min(quota) > 0:
            cores.append(quota[0] / quota[1])
        memory += _numbers(folder / "memory.max") or _numbers(folder / "memory.limit_in_bytes")
    return Limits(min(cores, default=None), min(memory, default=None))


def _folders(groups: Path, membership: Path) -> Iterator[Path]:
    """Yields the folders of the groups and of those above them; a container may see its own as the root."""
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        root = groups / controllers  # version 2 names none
        place = root / path.lstrip("/")
        yield from (folder for folder in (place, *place.parents) if folder == root or root in folder.parents)


def _numbers(*files: Path) -> list[int]:
    """Returns the whole numbers in files; none where one is missing or says that there is no limit."""
    try:
        words = [word for file in files for word in file.read_text(encoding="ascii").split()]
        return [int(word) for word in words]
    except (OSError, ValueError):
        return []
