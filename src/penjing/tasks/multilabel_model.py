"""A finished model that answers texts with any number of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from penjing.tasks.prediction import SetPrediction
from penjing.tasks.scoring_model import ScoringModel
from penjing.tasks.tables import as_table, is_table, texts_of, with_columns
from penjing.tasks.task import MultilabelTask

BETWEEN = "|"


@dataclass(frozen=True)
class MultilabelModel(ScoringModel):
    """A model that answers with any number of labels.

    Attributes:
        folder: where it was loaded from.
        card: its ``penjing.json``: task, labels, threshold, lineage, scores.
        task: what it is for.
        labels: what it can answer with, in the order of the network's outputs.
        renderer: turns rows into token ids, as in training.
        engine: runs the network.
        threshold: a label is given from this probability on; chosen on the validation rows.
    """

    task: MultilabelTask
    threshold: float

    def predict(self, rows: Any) -> Any:
        """Answers each row.

        Args:
            rows: a list of texts, a list of dictionaries with the column ``text``, or a pandas, Polars or Arrow table
                with that column.

        Returns:
            A list of `SetPrediction` for a list; for a table the same kind of table with the column ``labels`` added,
            in which ``|`` stands between the labels of a row.

        Raises:
            UsageError: a row has no text, or the column is missing.
        """
        predictions = self.predict_texts(texts_of(rows, self.renderer.columns[0]))
        if not is_table(rows):
            return predictions
        labels = [BETWEEN.join(item.labels) for item in predictions]
        return with_columns(as_table(rows, self.renderer.columns[0]), {"labels": labels})

    def predict_texts(self, texts: Sequence[str]) -> list[SetPrediction]:
        """Answers each text."""
        predictions: list[SetPrediction] = []
        for chunk in self.chunks(texts):
            logits, cut_tokens = self.score_texts(chunk)
            predictions += self.task.decode(logits, self.labels, self.threshold, chunk, cut_tokens)
        return predictions
