"""``penjing data check``: what is wrong with labelled rows, before anything learns from them."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from penjing.cli.output import log_console, print_json, result_console
from penjing.cli.progress import TerminalProgress
from penjing.data.label_settings import LabelledData, MultilabelData
from penjing.data.labels.checking import CheckedLabels, check_labels
from penjing.data.labels.finding import Finding
from penjing.data.labels.table import WHOLE, LabelTable, TableRules, read_table, rules_of, split_files
from penjing.data.sources import Layout
from penjing.data.split_files import files_by_split
from penjing.data.splitting import SPLITS
from penjing.errors import UsageError
from penjing.pipeline.local_data import use_local_data
from penjing.pipeline.recipe import task_of
from penjing.pipeline.recipe_file import load_recipe, shipped_recipes
from penjing.pipeline.report.label_checks import (
    finding_row,
    group_by_text,
    say_balance,
    say_case,
    say_rows,
    shown_labels,
    write_checked_labels,
)
from penjing.pipeline.report.strings import Language
from penjing.pipeline.report.wording import Wording
from penjing.progress import Progress
from penjing.tasks.task import LabelTask, load_task

_SHOWN = 160  # characters of a text
_BAR = 30  # characters


def read_rules(
    text: str | None,
    label: str | None,
    columns: str | None,
    where: list[str],
    group: str | None = None,
    time: str | None = None,
    separator: str | None = None,
    encoding: str | None = None,
) -> TableRules:
    """Returns what the options of a command say of its file.

    Raises:
        UsageError: a condition is none.
    """
    conditions: dict[str, str | int | float | bool] = {}
    for condition in where:
        column, equals, value = condition.partition("=")
        if not equals or not column:
            raise UsageError(f'"{condition}" is no condition', where="--where", do="Write --where column=value.")
        conditions[column] = value
    names = tuple(name.strip() for name in columns.split(",")) if columns else None
    return TableRules(text or "text", label, group, time, conditions, {}, Layout(names, encoding=encoding), separator)


def show_check(
    address: str, rules: TableRules, rows: int, page: Path | None, language: Language, *, is_plain: bool, as_json: bool
) -> None:
    """Shows what is wrong with labelled rows, and writes it as a page.

    Args:
        address: a file, a folder or what else names files, or a recipe.
        rules: what the options say; of a recipe only group and time count.
        rows: how many cases of each check are shown.
        page: of the HTML file.
        language: of what is shown.
        is_plain: whether no option was given that a recipe says itself.
        as_json: whether one JSON document is printed instead.
    """
    progress = TerminalProgress(log_console())
    with progress.stopping_on_signals():
        found = check_labels(_read(address, rules, progress, is_plain=is_plain), progress)
    if page is not None:
        write_checked_labels(found, Path(address).name, page, rows, language)
    if as_json:
        print_json({"path": address, "page": str(page) if page else None, **asdict(found)})
        return
    console, wording = result_console(), Wording(language)
    _print_counts(console, found, wording)
    for finding in found.findings:
        if finding.cases and rows:
            _print_cases(console, finding, rows, wording)
    if page is not None:
        console.print(f"\n{wording.say('inspected_page')}  {page}")


def _read(address: str, rules: TableRules, progress: Progress, *, is_plain: bool) -> LabelTable:
    is_recipe = not Path(address).exists() and address in shipped_recipes()
    if not (is_recipe or address.endswith(".toml")):
        return read_table(split_files(address), rules, progress)
    recipe = use_local_data(load_recipe(Path(address)), progress)
    if not isinstance(recipe.data, LabelledData | MultilabelData):
        what = "the recipe has no [data], so no labels" if recipe.data is None else "its rows have no labels"
        raise UsageError(what, where=address, do="Give the path of labelled rows.")
    if isinstance(recipe.data, MultilabelData) and recipe.data.separator is None:
        raise UsageError(
            "its labels are lists, or columns of 0 and 1, and what is looked at is one column of texts",
            where=address,
            do="Look at one column of 0 and 1 at a time: penjing data check FILE --label COLUMN.",
        )
    if not is_plain:
        raise UsageError(
            "--text, --label, --columns, --where, --separator and --encoding are for files; a recipe says them in "
            "[data]",
            where=address,
            do="Leave them out, or give the path of the rows.",
        )
    files = files_by_split(recipe.data)
    named = {split: files[split] for split in SPLITS if split in files}
    of_recipe = rules_of(recipe.data, rules.group, rules.time)
    task = load_task(task_of(recipe))
    if isinstance(task, LabelTask) and recipe.data.labels is None:
        of_recipe = replace(of_recipe, known=task.label_names or (None if task.answers == "rank" else ()))
    return read_table(named if len(named) > 1 else {WHOLE: files["train"]}, of_recipe, progress)


def _print_counts(console: Console, found: CheckedLabels, wording: Wording) -> None:
    console.print(say_rows(found, wording), soft_wrap=True)
    console.print(f"\n{wording.say('checked_columns')}")
    console.print(_column_table(found, wording))
    console.print(f"\n{wording.say('checked_labels')}")
    table = _grid("left", "right", "right", "left")
    labels, more = shown_labels(found.balance, wording)
    most = max((count.rows for count in labels), default=1)
    for count in labels:
        bar = "█" * max(1, round(_BAR * count.rows / most))
        table.add_row(Text(f"  {count.label}"), wording.count(count.rows), wording.percent(count.share), bar)
    console.print(table)
    if more:
        console.print(Text(f"  {more}", style="dim"))
    console.print(f"  {say_balance(found.balance, wording)}")
    if found.separator is not None:
        console.print(f"  {wording.say('checked_several', separator=found.separator)}", soft_wrap=True)
    console.print(f"\n{wording.say('checked_findings')}")
    table = _grid("left", "right", "left")
    for row in (finding_row(finding, wording) for finding in found.findings):
        style = "dim" if row.is_clean else ""
        table.add_row(Text(f"  {row.name}", style=style), Text(row.found, style=style), Text(row.remark, style="dim"))
    console.print(table)


def _column_table(found: CheckedLabels, wording: Wording) -> Table:
    table = _grid("left", "left", "right", "right", "left")
    names = ("checked_column", "checked_kind", "checked_empty", "checked_distinct")
    table.add_row(*(Text(("  " if not place else "") + wording.say(key), "dim") for place, key in enumerate(names)), "")
    for column in found.columns:
        table.add_row(
            Text(f"  {column.name[:60]}"),
            wording.name("column_kind", column.kind),
            wording.count(column.empty),
            wording.count(column.distinct),
            Text(wording.name("looks_like", column.looks_like) if column.looks_like else "", style="dim"),
        )
    return table


def _grid(*justify: str) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for side in justify:
        table.add_column(justify="right" if side == "right" else "left")
    return table


def _print_cases(console: Console, finding: Finding, rows: int, wording: Wording) -> None:
    console.print(f"\n{wording.name('check', finding.check)}")
    console.print(Text(wording.name("check_note", finding.check), style="dim"))
    for number, case in enumerate(finding.cases[:rows]):
        sentence = say_case(finding, case, wording)
        if number and (sentence or len(case.rows) > 1):
            console.print()
        if sentence:
            console.print(f"  {sentence}", soft_wrap=True)
        for text, shown in group_by_text(case):
            for row in shown:
                place = Text(f"  {row.file}:{row.row}", style="dim")
                console.print(place.append(f"  {row.label}" if row.label else "", style="bold"))
            if text:
                console.print(Text(f"    {one_line(text)}"))
    left = len(finding.cases) - rows
    if left > 0:
        console.print(Text(f"  {wording.say('checked_more', count=wording.count(left))}", style="dim"))


def one_line(text: str) -> str:
    """Returns the beginning of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[:_SHOWN].rstrip() + " …"
