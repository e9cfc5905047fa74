"""``penjing data show RECIPE``: the first rows, token by token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.text import Text

from penjing.cli.output import log_console, print_json, result_console
from penjing.cli.progress import TerminalProgress
from penjing.errors import UsageError
from penjing.pipeline.local_data import use_local_data
from penjing.pipeline.recipe import Recipe, has_data
from penjing.pipeline.recipe_file import load_recipe
from penjing.pipeline.report.strings import Language
from penjing.pipeline.report.wording import Wording
from penjing.text.showing import ShownRow, ShownToken, State

_STYLES: Mapping[State, tuple[str, str]] = {  # of two tokens beside each other
    "read": ("cyan", "blue"),
    "learned": ("bold green", "bold yellow"),
    "cut": ("strike red", "strike magenta"),
}
_MARKS: Mapping[State, tuple[str, str]] = {"read": ("", ""), "learned": ("{+", "+}"), "cut": ("[-", "-]")}


def show_first_rows(
    recipe_file: Path, ids: Sequence[str], rows: int, overrides: list[str], language: Language, *, as_json: bool
) -> None:
    """Shows the first training rows of a recipe as tokens: read, learned, and cut.

    Raises:
        UsageError: there are ids, which belong to a run.
    """
    if ids:
        do = "Name the run's folder, such as runs/NAME, or leave the ids out."
        raise UsageError("ids of texts are for a run, and this is a recipe", where=str(recipe_file), do=do)
    progress = TerminalProgress(log_console())
    recipe = use_local_data(load_recipe(recipe_file, overrides), progress)
    with progress.stopping_on_signals():
        from penjing.pipeline.samples import show_rows  # brings torch

        shown = show_rows(recipe, Path("runs") / recipe.name, rows, progress)
    if as_json:
        print_json({"rows": [asdict(row) for row in shown]})
        return
    _print(recipe, shown, Wording(language))


def _print(recipe: Recipe, rows: Sequence[ShownRow], wording: Wording) -> None:
    console = result_console()
    is_colored = console.color_system is not None
    for row in rows:
        counts = {state: wording.count(count) for state, count in row.counts.items()}
        console.print(wording.say("rows_counts", **counts))
        console.print(_line(row.tokens, is_colored=is_colored), soft_wrap=True)
        if row.answer is not None:
            console.print(Text(wording.say("rows_answer", answer=row.answer)))
        console.print()
    console.print(wording.say("rows_colors" if is_colored else "rows_marks"), soft_wrap=True)
    if not has_data(recipe) and recipe.pretrain is not None and recipe.pretrain.objective != "causal":
        console.print(wording.say("rows_drawn", objective=recipe.pretrain.objective), soft_wrap=True)


def _line(tokens: Sequence[ShownToken], *, is_colored: bool) -> Text:
    """Returns tokens in a line: colored in turn, or with a bar between and marks around what is learned or cut."""
    line, state_before = Text(), "read"
    for number, token in enumerate(tokens):
        shown = token.text.replace("\n", "⏎")
        if is_colored:
            style = _STYLES[token.state][number % 2]
            line.append(shown, style=f"{style} reverse" if token.is_special else style)
            continue
        if token.state != state_before:
            line.append(_MARKS[state_before][1] + _MARKS[token.state][0])  # type: ignore[index]
        elif number:
            line.append("|")
        line.append(shown)
        state_before = token.state
    return line if is_colored else line.append(_MARKS[state_before][1])  # type: ignore[index]
