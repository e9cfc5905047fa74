"""``penjing new``: a recipe for files, written after a look at them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from penjing.cli.output import log_console, print_json, result_console
from penjing.cli.progress import TerminalProgress
from penjing.errors import UsageError, nearest, one_paragraph
from penjing.files import check_writable, write_text
from penjing.pipeline.recipe_names import as_name
from penjing.pipeline.report.strings import Language
from penjing.pipeline.starting.events import look_at_events
from penjing.pipeline.starting.finding import look_at_dialogues, look_at_label_sets, look_at_preferences
from penjing.pipeline.starting.looking import Found, look_at_pairs, look_at_rows, look_at_texts
from penjing.pipeline.starting.naming import check_names
from penjing.pipeline.starting.parts import look_at_parts, split_address
from penjing.pipeline.starting.questions import look_at_questions
from penjing.registry import registered_names
from penjing.tasks.task import load_task

LANGUAGE_MODEL, SEVERAL = "language-model", "multi"
_OF_TWO = ("text", "items")  # files of lines side by side; events and items
_PREFERENCES = ("preferred text", "preferred reply")
_HEADINGS = {
    "en": (
        "Written by penjing new {task}, for a run of about {minutes} min on this machine.",
        "Found: {found}.",
        "penjing plan {file}     what it takes        penjing run {file}     runs it",
        "Every setting: docs/recipe.md",
    ),
    "zh": (
        "由 penjing new {task} 写成，在这台机器上大约运行 {minutes} 分钟。",
        "文件中有：{found}。",
        "penjing plan {file}     需要多少时间和内存        penjing run {file}     运行",
        "所有设置：docs/recipe.md",
    ),
}
_UNCLEAR_HEADER = {
    "en": "the first line is taken for the names of the columns (if it is a row, put a line of names before it)",
    "zh": "首行当作列名（如果它也是一行数据，请在它前面加一行列名）",
}


def write_new_recipe(
    task: str,
    addresses: Sequence[str],
    *,
    texts: str | None,
    named: Mapping[str, str],
    start: str | None,
    teacher: str | None,
    minutes: float,
    out: Path | None,
    language: Language,
    as_json: bool,
) -> None:
    """Looks at files, and writes a recipe for them.

    Columns are named by the settings of ``[data]`` that they are for.

    Raises:
        UsageError: the task is not known or has no use for a column that is named, or the file of the recipe is there
            already.
    """
    known = [*registered_names("tasks"), LANGUAGE_MODEL]
    if task not in known:
        raise UsageError(f'there is no task "{task}"', where="penjing new", do=nearest(task, known))
    from penjing.pipeline.starting.proposing import propose  # brings torch
    from penjing.pipeline.starting.wanted import Wanted, name_of

    name = name_of(split_address(addresses[0])[1] if task == SEVERAL else addresses[0])
    name = as_name(out.stem) or name if out is not None else name
    file = out or Path(f"{name}.toml")
    check_writable(file, f"--out {file}")
    if file.exists():
        raise UsageError("this file is there already", where=str(file), do="Give another one with --out.")
    progress = TerminalProgress(log_console())
    with progress.stopping_on_signals():
        progress.say(f"new: looking at {' and '.join(addresses)}")
        found = _look(task, addresses, named)
        wanted = Wanted(name, task, tuple(addresses), texts, start, minutes, language, teacher)
        proposal = propose(wanted, found, _planner(progress), _measure_rate)
    shown = _say_found(found, language)
    heading = [
        line.format(task=task, minutes=math.ceil(proposal.plan.seconds / 60), found=shown, file=file)
        for line in _HEADINGS[language]
    ]
    from penjing.pipeline.starting.recipe_text import write_recipe

    write_text(file, write_recipe(proposal.document, heading, language))
    if as_json:
        print_json(_document(file, found, proposal))
    else:
        _show(file, found, proposal, minutes)


def _look(task: str, addresses: Sequence[str], named: Mapping[str, str]) -> Found:
    answers = None if task == LANGUAGE_MODEL else load_task(task).answers
    check_names(task, answers, named)
    if answers == "parts":
        return look_at_parts(addresses)
    if len(addresses) > (2 if answers in _OF_TWO else 1):
        raise UsageError(
            f"there are {len(addresses)} --data, and {task} takes {'one, or two' if answers in _OF_TWO else 'one'}",
            where="penjing new",
            do="Put the files into one folder, and give that.",
        )
    text, label, target = (named.get(key) for key in ("text", "label", "target"))
    if answers in (None, "continuation"):
        return look_at_texts(addresses[0], text)
    if answers == "text":
        return look_at_pairs(addresses, text, target, longer_first=task == "summarize")
    if answers == "items":
        return look_at_events(addresses, named)
    if answers == "reply":
        return look_at_dialogues(addresses[0], text, target)
    if answers in _PREFERENCES:
        return look_at_preferences(addresses[0], named)
    if answers == "span":
        return look_at_questions(addresses[0], named)
    look = look_at_label_sets if answers == "set" else look_at_rows
    return look(addresses[0], text, label)


def _planner(progress: TerminalProgress) -> Any:
    def plan(recipe: Any) -> Any:
        from penjing.pipeline.local_data import use_local_data
        from penjing.pipeline.plan import make_plan

        return make_plan(use_local_data(recipe, progress), Path("runs") / recipe.name, progress)

    return plan


def _measure_rate() -> float:
    from penjing.models.device import choose_device, choose_precision
    from penjing.train.ceiling import measure_matrix_rate

    device = choose_device("auto")
    return measure_matrix_rate(device, choose_precision("auto", device))


def _say_found(found: Found, language: str) -> str:
    """Returns what was found, in a sentence on one line; of several tasks, one for each."""
    if not found.parts:
        return one_paragraph(_say_rows(found, language))
    parts = [f"{name} ({part.task}): {_say_rows(part.found, language)}" for name, part in found.parts.items()]
    return one_paragraph("；".join(parts) if language == "zh" else "; ".join(parts))


def _say_rows(found: Found, language: str) -> str:
    labels = ", ".join(list(found.labels)[:10])
    is_named = "text" in found.section  # and is said with the rest of it
    if language == "zh":
        place = f"语种 {found.language}" if is_named else f"文本在 {found.text} 列（{found.language}）"
        parts = [f"{found.files} 个文件，约 {found.rows:,} 条", place]
        parts += [f"标签在 {found.label} 列（{labels}）"] if found.label else []
        parts += [f"要写出的在 {found.target} 列（{found.target_language}）"] if found.target else []
        parts += [f"{key}：{value}" for key, value in found.section.items()]
        shown = "，".join([*parts, f"平均 {found.words:.0f} 词"])
        return f"{shown}；{_UNCLEAR_HEADER['zh']}" if found.is_header_unclear else shown
    files = "1 file" if found.files == 1 else f"{found.files} files"
    place = f"language {found.language}" if is_named else f"in the column {found.text} ({found.language})"
    parts = [f"{files}, about {found.rows:,} texts", place]
    parts += [f"labels in {found.label} ({labels})"] if found.label else []
    parts += [f"what is written in {found.target} ({found.target_language})"] if found.target else []
    parts += [f"{key}: {value}" for key, value in found.section.items()]
    shown = ", ".join([*parts, f"{found.words:.0f} words on average"])
    return f"{shown}; {_UNCLEAR_HEADER['en']}" if found.is_header_unclear else shown


def _document(file: Path, found: Found, proposal: Any) -> dict[str, Any]:
    return {
        "recipe": str(file),
        "kind": proposal.kind,
        "found": asdict(found),
        "seconds": round(proposal.plan.seconds, 1),
        "peak_memory_mb": proposal.plan.peak_memory_mb,
        "fits": proposal.fits,
        "faults": [
            {
                "what": fault.what,
                "where": fault.where,
                "section": fault.section,
                "setting": dict([fault.setting]),
            }
            for fault in proposal.faults
        ],
        "document": proposal.document,
    }


def _show(file: Path, found: Found, proposal: Any, minutes: float) -> None:
    console = result_console()
    table = Table(show_header=False, box=None, pad_edge=False)
    document = proposal.document
    stage = "pretrain" if proposal.kind == "language_model" else "finetune"
    rows = {
        "found": _say_found(found, "en"),
        "model": document["model"].get("start")
        or " ".join(map(str, filter(None, (document["model"]["family"], document["model"].get("size"))))),
        "epochs": f"{document[stage]['epochs']:g}",
        "time": f"{proposal.plan.seconds / 60:.1f} minutes of {minutes:g}",
        "memory": f"{proposal.plan.peak_memory_mb:,} MB",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)
    for fault in proposal.faults:
        name, value = fault.setting
        console.print(
            f"\n{one_paragraph(f'{fault.where}: {fault.what}')}. "
            f'The recipe has {name} = "{value}" for such rows, under [{fault.section}].',
            soft_wrap=True,
            markup=False,
        )
    if not proposal.fits:
        console.print(
            "It takes longer than that; there is nothing quicker that would be worth its time.", soft_wrap=True
        )
    console.print(f"\nWritten: {file}\nNext:    penjing run {file}", soft_wrap=True)
