"""``penjing data inspect`` of a run without a corpus: its labelled rows, pairs, dialogues or events."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.text import Text

from penjing.cli.label_checks import one_line
from penjing.cli.output import print_json, result_console
from penjing.cli.tables import count_table, fact_table
from penjing.data.row_inspection import RowExample, RowInspection, inspect_rows, row_folders
from penjing.errors import UsageError
from penjing.pipeline.report.rows import removed_sentence
from penjing.pipeline.report.strings import Language
from penjing.pipeline.report.wording import Wording
from penjing.pipeline.store import stage_folder

_MOST_VALUES = 40  # of a table


def show_row_inspection(run: Path, examples: int, page: Path | None, language: Language, *, as_json: bool) -> None:
    """Shows counts, labels, lengths, histories and examples of the rows of a run.

    Raises:
        UsageError: there is no such run, or a page is asked for.
    """
    folder = stage_folder(run, "data")
    if page is not None:
        raise UsageError(
            "--html shows a corpus, and this run has none",
            where=str(run),
            do="Leave it out; the counts of its rows are in its report.html too.",
        )
    found = {name: inspect_rows(part, examples) for name, part in row_folders(folder).items()}
    if as_json:
        parts = {name: asdict(part) for name, part in found.items()}
        print_json({"rows": str(folder), **parts.get("", {"parts": parts})})
        return
    console, wording = result_console(), Wording(language)
    for name, part in found.items():
        if name:
            console.print(Text(f"\n{name}", style="bold"))
        _print_rows(console, part, wording)


def _print_rows(console: Console, found: RowInspection, wording: Wording) -> None:
    of = "event_split" if found.are_events else "split"
    rows = [(f"{wording.say('read_caption')}: {name}", wording.count(count)) for name, count in found.read.items()]
    rows += [(wording.name(of, split), wording.count(count)) for split, count in found.splits.items()]
    rows += [(wording.say(name), wording.count(count)) for name, count in found.counts.items() if count]
    console.print(fact_table(rows))
    if found.removed:
        console.print(removed_sentence(found.removed, wording), soft_wrap=True)
    if found.items_removed:
        items = removed_sentence(found.items_removed, wording)
        console.print(f"{wording.say('items_removed_of')} {items}", soft_wrap=True)
    for name, values in found.tables.items():
        if values:
            console.print(f"\n{wording.name('looked', name)}")
            console.print(count_table(dict(list(values.items())[:_MOST_VALUES])))
            if len(values) > _MOST_VALUES:
                console.print(Text(f"  … +{len(values) - _MOST_VALUES:,}", style="dim"))
    if found.examples:
        console.print(f"\n{wording.say('looked_users' if found.are_events else 'inspected_kept')}")
    for example in found.examples:
        _print_example(console, example, wording)


def _print_example(console: Console, example: RowExample, wording: Wording) -> None:
    if not example.part:
        console.print(Text(f"  {example.source}  {wording.say('looked_events', count=example.row)}", style="dim"))
    else:
        place = Text(f"  {example.source}:{example.row}  {wording.name('split', example.part)}", style="dim")
        labels = wording.say("comma").join(example.labels)
        console.print(place.append(f"  {labels}" if labels else "", style="bold"))
    console.print(Text(f"    {one_line(example.text)}"))
