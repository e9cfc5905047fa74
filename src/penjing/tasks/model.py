"""A finished model: a folder, loaded, that answers. The command line and the server are doors to this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penjing.tasks.prediction import Prediction
from penjing.tasks.task import Task


@dataclass(frozen=True)
class Model:
    """A model that answers.

    Attributes:
        folder: where it was loaded from.
        card: its ``penjing.json``: task, labels, lineage, scores.
        task: what it is for.
    """

    folder: Path
    card: dict[str, Any]
    task: Task

    def predict(self, rows: Any) -> Any:
        """Answers each row.

        Args:
            rows: a list of texts, a list of dictionaries with the column ``text``, or a pandas, Polars or Arrow table
                with that column, or a column of one.

        Returns:
            A list of predictions for a list; for a table the same kind of table with the answers added.

        Raises:
            UsageError: a row has no text, or the column is missing.
        """
        raise NotImplementedError

    def predict_texts(self, texts: Sequence[str]) -> Sequence[Prediction]:
        """Answers each text."""
        raise NotImplementedError
