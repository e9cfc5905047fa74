"""What a small model that writes its answers answers."""

from __future__ import annotations

from typing import Any

import penjing
from penjing.data.questions import read_questions


def find_answered(run: Any) -> tuple[str, str]:
    """Returns a question and a text of a run whose answer its model writes as it stands there."""
    asked = [item for split in ("test", "train") for item in read_questions(run.artifacts["data"].folder, split)]
    rows = [{"question": item.question, "context": item.text} for item in asked]
    found = penjing.load(run.model, "cpu").predict(rows)
    return next(
        (row["question"], row["context"]) for row, item in zip(rows, found, strict=True) if item.start is not None
    )
