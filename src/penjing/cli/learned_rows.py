"""What ``penjing evaluate`` says of rows that the model learned from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

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
