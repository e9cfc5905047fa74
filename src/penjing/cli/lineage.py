"""``penjing lineage``."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from penjing.cli.output import print_json, result_console
from penjing.tasks.card import read_lineage


def show_lineage(model: Path, *, as_json: bool) -> None:
    """Shows from which files, by which stages, a model was made."""
    entries = read_lineage(model)
    if as_json:
        print_json(entries)
        return
    table = Table(box=None)
    for heading in ("stage", "content", "made from", "finished"):
        table.add_column(heading)
    for entry in entries:
        files = [f"{name} ({content[:12]})" for name, content in entry["files"]]
        inputs = [f"{name} {content[:12]}" for name, content in entry["inputs"].items()]
        table.add_row(entry["stage"], entry["content"][:12], ", ".join(files + inputs), entry["finished"])
    result_console().print(table)
