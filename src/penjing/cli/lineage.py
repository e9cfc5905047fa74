"""``penjing lineage``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from penjing.cli.output import print_json, result_console
from penjing.pipeline.tracing import documents_of
from penjing.tasks.card import read_lineage

_SHOWN = 160  # characters of a text


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


def show_model_documents(model: Path, *, as_json: bool) -> None:
    """Shows every text that a model was pretrained on; as JSON, with its beginning."""
    documents = documents_of(model)
    if as_json:
        print_json([{**asdict(document), "text": document.text[:_SHOWN]} for document in documents])
        return
    for document in documents:
        print(f"{document.id}  {document.source}:{document.row}")  # noqa: T201 - millions of lines, which rich makes slow
