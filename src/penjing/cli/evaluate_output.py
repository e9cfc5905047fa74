"""What ``penjing evaluate`` shows: scores, and how many of the rows the model learned from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from penjing.cli.output import print_json, result_console
from penjing.cli.tables import score_table
from penjing.pipeline.learned_rows import count_learned


def find_learned(model: Path, texts: Sequence[str], part: str | None = None) -> dict[str, int | None]:
    """Returns how many rows a model learned from as ``learned_rows``; None where that is not known."""
    return {"learned_rows": count_learned(model, [(text,) for text in texts], part=part)}


def say_learned(console: Console, found: dict[str, int | None], rows: int) -> None:
    """Warns where the model learned from some of so many rows."""
    if count := found["learned_rows"]:
        console.print(
            f"{count:,} of {rows:,} rows were learned from: but for case, spaces and punctuation, this model was "
            "trained on their text. Scores of such rows say little about new ones.",
            soft_wrap=True,
        )


def show_measured(
    model: Path, data: str, measured: dict[str, Any], learned: dict[str, int | None], rows: int, *, as_json: bool
) -> None:
    """Shows the scores of a model as a table, and what `say_learned` says; or all of it as JSON.

    Args:
        model: its folder.
        data: the address of the rows.
        measured: with the scores.
        learned: from `find_learned`.
        rows: how many were measured.
        as_json: show JSON.
    """
    if as_json:
        print_json({"model": str(model), "data": data, **measured, **learned})
        return
    console = result_console()
    console.print(score_table(measured))
    say_learned(console, learned, rows)
