"""Exports a model: checked, written beside, proved, and only then put where it was wanted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import penjing
from penjing.errors import GateError, MissingExtraError, UsageError
from penjing.files import disk_errors, folder_beside, fsync_folder, process_mark, write_json
from penjing.pipeline.exporting.exporter import Exporter, choose_precision
from penjing.pipeline.exporting.proving import prove
from penjing.pipeline.exporting.sample import SampleData, read_sample
from penjing.pipeline.exporting.source import Source
from penjing.progress import Progress
from penjing.registry import load_registered

PARITY = "parity.json"


@dataclass(frozen=True)
class ExportCall:
    """What is asked for.

    Attributes:
        target: name of an exporter.
        destination: folder, or file where the target is one.
        precision: one of the exporter's; None: its default.
        data: rows that the task is scored on; None: it is not.
        unproved: whether an export is kept whose tool is not installed.
    """

    target: str
    destination: Path
    precision: str | None = None
    data: SampleData | None = None
    unproved: bool = False


@dataclass(frozen=True)
class Exported:
    """What was made.

    Attributes:
        destination: where it lies.
        parity: what ``parity.json`` says.
        bytes: of its files.
    """

    destination: Path
    parity: dict[str, Any]
    bytes: int


def export_model(source: Source, call: ExportCall, progress: Progress) -> Exported:
    """Exports a model.

    Raises:
        UsageError: the target or precision is not known, it cannot hold the model, a model of this kind is not scored
            on rows, or something is there already.
        DataError: there are no rows, or one cannot be used.
        MissingExtraError: the tool that would prove it is not installed.
        GateError: the proof found more than is allowed; nothing is left behind.
        Interrupted: the user asked to stop; nothing is left behind.
    """
    exporter: Exporter = load_registered("exporters", call.target)
    precision = choose_precision(exporter, call.target, call.precision)
    check_free(call.destination, exporter.suffix)
    if source.adapter is not None and not exporter.takes_adapter:
        raise UsageError(
            f"{call.target} takes no adapter", where="--adapter", do="Merge it first: --to merged, and export that."
        )
    exporter.check(source, precision)
    sample = None if call.data is None else read_sample(source, call.data)
    with put_beside(call.destination, exporter.suffix) as folder:
        progress.say(f"export: writing {call.target} {precision}")
        exporter.write(source, precision, folder, progress)
        progress.say("export: proving it")
        parity: dict[str, Any] = {"target": call.target, "type": precision, "penjing": penjing.__version__}
        try:
            proof = prove(exporter, source, precision, folder, sample, progress)
        except MissingExtraError as error:
            if not call.unproved:
                do = f"{error.do}, or keep the export without a proof: --unproved."
                raise MissingProofError(error.what, do=do) from error
            parity |= {"proved": False, "reason": f"{error.what}."}
        else:
            parity |= {"proved": True, **proof.document, "notes": exporter.notes(source, precision)}
            if proof.faults:
                raise GateError(
                    f"the export is not equal to the model: {'; '.join(proof.faults)}",
                    where=str(call.destination),
                    do="Nothing is left behind. docs/export.md has the bounds; report it if the model is a plain one.",
                )
        exporter.finish(source, precision, folder, parity)
        write_json(folder / PARITY, parity)
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return Exported(call.destination, parity, size)


class MissingProofError(UsageError):
    """The tool that would prove an export is not installed."""


def check_free(destination: Path, suffix: str = "") -> None:
    """Refuses a destination where something is already.

    Raises:
        UsageError: there is.
    """
    taken = [path for path in (destination, *_files(destination, suffix)) if path.exists()]
    if taken:
        raise UsageError("there is something already", where=str(taken[0]), do="Remove it, or choose another name.")


@contextmanager
def put_beside(destination: Path, suffix: str = "") -> Iterator[Path]:
    """Yields an empty folder to fill; on success it, or the one file in it, is put in place, else it is removed."""
    if not (suffix and destination.suffix == suffix):
        with folder_beside(destination) as beside:
            yield beside
        return
    beside = destination.with_name(f".{destination.name}.{process_mark()}.part")
    with disk_errors(destination):
        try:
            beside.mkdir(parents=True)
            yield beside
            (file,) = beside.glob(f"*{suffix}")
            with file.open("rb") as written:
                os.fsync(written.fileno())
            (beside / PARITY).replace(_files(destination, suffix)[0])
            file.replace(destination)
            fsync_folder(destination.parent)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def _files(destination: Path, suffix: str) -> list[Path]:
    """Returns the files beside an export that is a file."""
    is_file = suffix and destination.suffix == suffix
    return [destination.with_name(f"{destination.stem}.{PARITY}")] if is_file else []
