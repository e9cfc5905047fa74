"""Registries by entry point: what ships with Penjing and what a plug-in adds are found the same way."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from penjing.errors import UsageError, nearest


def registered_names(kind: str) -> list[str]:
    """Returns the names registered under ``penjing.<kind>``, sorted."""
    return sorted({entry.name for entry in _entries(kind)})


def load_registered(kind: str, name: str) -> Any:
    """Imports and returns what is registered as ``name`` under ``penjing.<kind>``.

    Raises:
        UsageError: nothing is registered under that name; the nearest known name is given.
    """
    for entry in _entries(kind):
        if entry.name == name:
            return entry.load()
    raise UsageError(f'"{name}" is not one of the {kind}', do=nearest(name, registered_names(kind)))


@cache
def _entries(kind: str) -> tuple[EntryPoint, ...]:
    """Returns what is registered; asking reads the metadata of every installed package, and a corpus has many files."""
    return tuple(entry_points(group=f"penjing.{kind}"))
