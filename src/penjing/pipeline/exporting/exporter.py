"""What an export target is. The entry points ``penjing.exporters`` are one each, so that a plug-in can add another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import nn

from penjing.errors import UsageError, nearest
from penjing.pipeline.exporting.parity import Bounds
from penjing.pipeline.exporting.source import Row, Scores, Source
from penjing.progress import Progress


class Target(Protocol):
    """An export, opened by the tool it was made for.

    Attributes:
        tool: its name and version.
    """

    @property
    def tool(self) -> str: ...

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns each text as the tool reads it; what should be equal to `Source.render`."""

    def score(self, rows: Sequence[Row]) -> list[Scores]:
        """Returns the scores of each row, as `score_rows` does."""

    def close(self) -> None:
        """Lets its files go."""


@dataclass(frozen=True)
class Precision:
    """How numbers are held in an export, and what its proof allows.

    Attributes:
        same: between the tool and Penjing computing with the numbers that the export holds.
        loss: between the tool and the model as it was; None: the export holds its very numbers, and the two are one.
        worse: by how much the task's score may be worse than the model's as it was; see
            `penjing.pipeline.exporting.proving.compare_task`.
    """

    same: Bounds
    loss: Bounds | None = None
    worse: float = 0.005


class Exporter:
    """A target.

    Attributes:
        precisions: by the names that ``--type`` takes; the first is the default.
        suffix: of the file, where the export is a single one and may stand alone; else empty.
        takes_adapter: whether the model may come with an adapter.
    """

    precisions: Mapping[str, Precision] = {}
    suffix = ""
    takes_adapter = False

    def check(self, source: Source, precision: str) -> None:
        """Refuses a model that the target cannot hold.

        Raises:
            UsageError: it cannot.
        """

    def write(self, source: Source, precision: str, folder: Path, progress: Progress) -> None:
        """Writes the export into an empty folder."""
        raise NotImplementedError

    def open(self, source: Source, folder: Path, longest: int) -> Target:
        """Opens what `write` wrote by the tool that it is for.

        Args:
            source: what it was made of.
            folder: the one that `write` filled.
            longest: tokens of the longest row that will be scored.

        Raises:
            MissingExtraError: the tool is not installed.
        """
        raise NotImplementedError

    def reference(self, source: Source, precision: str, folder: Path) -> nn.Module:
        """Returns a network of ours with the very numbers that the export holds."""
        return source.network

    def readable(self, source: Source, texts: Sequence[str]) -> list[str]:
        """Returns texts in the form that the tool must be given them in; `notes` says so where it is another."""
        return list(texts)

    def notes(self, source: Source, precision: str) -> list[str]:
        """Returns what who uses the export must know."""
        return []

    def prove_more(self, source: Source, target: Target) -> list[str]:
        """Compares what only this target has; returns what differs, in words."""
        return []

    def finish(self, source: Source, precision: str, folder: Path, parity: Mapping[str, object]) -> None:
        """Writes into the export what the proof has measured."""


def choose_precision(exporter: Exporter, name: str, wanted: str | None) -> str:
    """Returns the precision that is asked for, or the default.

    Raises:
        UsageError: the target has no such one.
    """
    known = list(exporter.precisions)
    if wanted is None:
        return known[0]
    if wanted not in known:
        raise UsageError(f'{name} has no type "{wanted}"', where="--type", do=nearest(wanted, known))
    return wanted
