"""``penjing export`` and ``penjing import``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from penjing.cli.output import log_console, print_json, result_console
from penjing.cli.progress import TerminalProgress
from penjing.pipeline.exporting.exporting import ExportCall, Exported, export_model
from penjing.pipeline.exporting.importing import ImportCall, import_model
from penjing.pipeline.exporting.source import open_source


def show_export(model: Path, call: ExportCall, adapter: Path | None, *, as_json: bool) -> None:
    """Exports a model, and says what the proof found."""
    progress = TerminalProgress(log_console())
    with progress.stopping_on_signals():
        exported = export_model(open_source(model, adapter), call, progress)
    if as_json:
        given = {"model": str(model), "destination": str(exported.destination), "bytes": exported.bytes}
        print_json({**given, "parity": exported.parity})
        return
    _show(exported)


def show_import(source: str, destination: Path, base: Path | None, unproved: bool, *, as_json: bool) -> None:
    """Takes in a model, and says what the proof found."""
    call = ImportCall(source, destination, base, unproved)
    progress = TerminalProgress(log_console())
    with progress.stopping_on_signals():
        imported = import_model(call, progress)
    if as_json:
        given = {"source": source, "destination": str(imported.destination), "bytes": imported.bytes}
        print_json({**given, "parity": imported.parity})
        return
    _show(imported)


def _show(made: Exported) -> None:
    console = result_console()
    console.print(f"{made.destination}: {made.bytes / 1e6:,.1f} MB", soft_wrap=True)
    for line in describe_parity(made.parity):
        console.print(line, soft_wrap=True)


def describe_parity(parity: dict[str, Any]) -> list[str]:
    """Returns in words what a proof found."""
    if not parity["proved"]:
        return [f"not proved: {parity['reason']}"]
    tokens, lines = parity["tokens"], [f"proved by {parity['tool']}"]
    lines.append(f"tokens: {tokens['equal']:,} of {tokens['texts']:,} texts are the same")
    for name, found in (("scores", parity["scores"]), ("loss", parity["loss"])):
        if found is not None:
            lines.append(f"{name}: {_describe_scores(found)}")
    if parity["task"]:
        before, after = parity["task"]["before"], parity["task"]["after"]
        name = next(iter(before))
        lines.append(f"{name}: {before[name]:g} before, {after[name]:g} after")
    return [*lines, *parity["notes"]]


def _describe_scores(found: dict[str, Any]) -> str:
    parts = [f"largest difference {found['largest_difference']:.3g} ({found['relative_difference']:.3g} deviations)"]
    if found["mean_divergence"] is not None:
        parts.append(f"divergence {found['mean_divergence']:.3g} nats")
    if found["agreement"] is not None:
        parts.append(f"best the same at {found['agreement']:.2%} of {found['places']:,} places")
    return ", ".join(parts)
