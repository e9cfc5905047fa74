"""Penjing's commands, as the benchmarks call them: each in a process of its own, answering in JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def ask(*command: str) -> dict[str, Any]:
    """Runs a command of Penjing's with ``--json``; returns what it prints.

    Raises:
        subprocess.CalledProcessError: the command failed; what it had to say stands on stderr.
    """
    done = subprocess.run([sys.executable, "-m", "penjing", *command, "--json"], check=True, stdout=subprocess.PIPE)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def set_arguments(settings: Iterable[str]) -> list[str]:
    """Returns the arguments that change settings of a recipe, each ``a.b=c``."""
    return [part for setting in settings for part in ("--set", setting)]


def run(recipe: str | Path, settings: Iterable[str], out: Path) -> dict[str, Any]:
    """Runs a recipe with settings changed, and returns what it prints."""
    return ask("run", str(recipe), *set_arguments(settings), "--out", str(out))


def minutes(document: dict[str, Any], *stages: str) -> float:
    """Returns the minutes that a run's stages took, rounded to a tenth; those named, or all."""
    seconds = (stage["seconds"] for stage in document["stages"] if not stages or stage["name"] in stages)
    return round(sum(seconds) / 60, 1)
