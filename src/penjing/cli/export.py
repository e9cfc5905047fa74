"""``penjing export`` and ``penjing import``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from penjing.cli.output import log_console, print_json, result_console
from penjing.cli.progress import TerminalProgress
from penjing.files import read_json
from penjing.pipeline.exporting.exporting import ExportCall, Exported, export_model
from penjing.pipeline.exporting.importing import ImportCall, import_model
from penjing.pipeline.exporting.source import open_source
from penjing.tasks.card import CARD


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


def show_import(call: ImportCall, *, as_json: bool) -> None:
    """Takes in a model, and says what the proof found, and what the model can do."""
    progress = TerminalProgress(log_console())
    with progress.stopping_on_signals():
        imported = import_model(call, progress)
    if as_json:
        given = {"source": call.source, "destination": str(imported.destination), "bytes": imported.bytes}
        print_json({**given, "parity": imported.parity})
        return
    _show(imported)
    result_console().print(_describe_use(imported.destination), soft_wrap=True)


def _describe_use(folder: Path) -> str:
    """Returns in words what can be done with a folder that was taken in."""
    card = read_json(folder / CARD) if (folder / CARD).is_file() else {}
    if "task" not in card:
        return "no task is known of it: [model] start in a recipe goes on from it; a language model can be served"
    use = "answer" if "answer" in card else "predict"
    labels = f" ({', '.join(card['labels'])})" if "labels" in card else ""
    return f"task {card['task']}{labels}: penjing {use} and penjing serve take it"


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
