"""``penjing data``: what is in the corpus of a run, and where a text came from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from penjing.cli.output import print_json, result_console
from penjing.data.inspection import Document, DroppedDocument, Inspection, inspect_corpus
from penjing.errors import UsageError
from penjing.pipeline.report.difference import Stretch, mark_differences
from penjing.pipeline.report.inspection import (
    count_rows,
    detail_tables,
    length_rows,
    say_why,
    write_inspection,
)
from penjing.pipeline.report.strings import Language
from penjing.pipeline.report.wording import Wording
from penjing.pipeline.stage import RECORD
from penjing.pipeline.store import stage_folder
from penjing.pipeline.tracing import LEARNED, find_texts, has_stage

_SHOWN = 160  # characters of a text
_BAR = 30  # characters


def show_inspection(run: Path, examples: int, page: Path | None, language: Language, *, as_json: bool) -> None:
    """Shows counts, lengths, files and examples of the corpus of a run, and writes them as a page.

    Of a run without a corpus, its rows are shown.
    """
    if run.is_file():
        raise UsageError(
            "this is a file, and what is shown is what a run has made of its files",
            where=str(run),
            do=f"penjing data check {run} looks at labelled rows before a run, and penjing data show RECIPE at "
            "the first rows of any recipe as tokens.",
        )
    if not has_stage(run, "corpus") and has_stage(run, "data"):
        from penjing.cli.row_inspection import show_row_inspection

        show_row_inspection(run, examples, page, language, as_json=as_json)
        return
    folder = stage_folder(run, "corpus")
    found = inspect_corpus(folder, examples)
    if page is not None:
        write_inspection(found, run.resolve().name, page, language)
    if as_json:
        print_json({"corpus": str(folder), "page": str(page) if page else None, **asdict(found)})
        return
    console, wording = result_console(), Wording(language)
    _print_counts(console, found, wording)
    _print_lengths(console, found, wording)
    console.print(f"\n{wording.say('inspected_kept')}")
    for document in found.kept:
        _print_document(console, document)
    if found.dropped:
        console.print(f"\n{wording.say('inspected_dropped')}")
    for dropped in found.dropped:
        _print_dropped(console, dropped, wording)
    if page is not None:
        console.print(f"\n{wording.say('inspected_page')}  {page}")


def show_documents(run: Path, ids: Sequence[str], language: Language, *, as_json: bool) -> None:
    """Shows texts by their ids: where each came from, what it was for, and which models learned from it."""
    if not ids:
        do = f"penjing data inspect {run} shows some."
        raise UsageError("there is no id of a text to show", where="penjing data show", do=do)
    found = find_texts(run, set(ids))
    missing = [key for key in ids if key not in found]
    if missing:
        raise UsageError(
            f"the run has no text {', '.join(missing)}",
            where=str(run),
            do=f"penjing data inspect {run} --json shows ids.",
        )
    models = _models(run)
    if as_json:
        print_json([{**asdict(found[key]), "models": _fed(found[key], models)} for key in ids])
        return
    console, wording = result_console(), Wording(language)
    for key in ids:
        item = found[key]
        document = item.document if isinstance(item, DroppedDocument) else item
        console.print(f"{document.id}  {document.source}:{document.row}  {wording.name('part', document.part)}")
        if isinstance(item, DroppedDocument):
            console.print(_said_of(item, wording))
        for model in _fed(item, models):
            console.print(wording.say("fed_model", model=model))
        console.print(document.text)


def _models(run: Path) -> list[str]:
    """Returns the model folders of a run."""
    return [str(run / "model")] if (run / RECORD).is_file() and (run / "model").is_dir() else []


def _fed(item: Document | DroppedDocument, models: list[str]) -> list[str]:
    return models if isinstance(item, Document) and item.part in LEARNED else []


def _print_counts(console: Console, found: Inspection, wording: Wording) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(justify="left")
    table.add_column(justify="right")
    for row in count_rows(found, wording):
        table.add_row(*row)
    console.print(table)
    for heading, rows in detail_tables(found, wording):
        console.print(f"\n{heading}")
        for name, count in rows:
            console.print(f"  {count:>10}  {name}")
    files = ", ".join(f"{name} ({wording.count(count)})" for name, count in found.sources.items())
    console.print(f"\n{wording.say('inspected_sources')}  {files}")
    if found.faults:
        console.print(f"\n{wording.say('inspected_faults')}")
    for fault in found.faults:
        console.print(Text(f"  {fault.where}: ").append(f"{fault.what}. {fault.do}", style="dim"))
    if found.more_faults:
        console.print(f"  {wording.say('inspected_more_faults', count=wording.count(found.more_faults))}")


def _print_lengths(console: Console, found: Inspection, wording: Wording) -> None:
    rows = length_rows(found, wording)
    most = max(max(row.kept, row.dropped) for row in rows) if rows else 1
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading, justify in (("length", "right"), ("kept", "right"), ("", "left")):
        table.add_column(wording.say(f"inspected_{heading}_heading") if heading else "", justify=justify)  # type: ignore[arg-type]
    if found.dropped_lengths:
        table.add_column(wording.say("inspected_dropped_heading"), justify="right")
    for row in rows:
        bar = "█" * max(1 if row.kept else 0, round(_BAR * row.kept / most))
        cells = [row.range, wording.count(row.kept), bar]
        table.add_row(*cells, *([wording.count(row.dropped)] if found.dropped_lengths else []))
    console.print()
    console.print(table)


def _print_document(console: Console, document: Document) -> None:
    console.print(Text(f"  {document.id}  {document.source}:{document.row}", style="dim"))
    console.print(Text(f"    {_one_line(document.text)}"))


def _print_dropped(console: Console, dropped: DroppedDocument, wording: Wording) -> None:
    document = dropped.document
    console.print(Text(f"  {document.id}  {document.source}:{document.row}  {_said_of(dropped, wording)}", style="dim"))
    if dropped.like is None:
        console.print(Text(f"    {_one_line(document.text)}"))
        return
    for sign, side in zip("−+", mark_differences(document.text, dropped.like.text), strict=True):
        console.print(Text(f"    {sign} ").append(_marked(side)), soft_wrap=True)


def _said_of(dropped: DroppedDocument, wording: Wording) -> str:
    like = dropped.like
    reason = say_why(dropped, wording)
    return reason if like is None else wording.say("dropped_like", reason=reason, id=like.id, place=_place(like))


def _place(document: Document) -> str:
    return f"{document.source}:{document.row}"


def _marked(stretches: Sequence[Stretch]) -> Text:
    text = Text()
    for part, differs in stretches:
        text.append(re.sub(r"\s+", " ", part), style="bold underline" if differs else "")
    return text


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[:_SHOWN].rstrip() + " …"
