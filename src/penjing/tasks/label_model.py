"""A finished model that answers texts with labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from penjing.inference.ngram_engine import NgramEngine
from penjing.tasks.prediction import ClassPrediction
from penjing.tasks.scoring_model import ScoringModel
from penjing.tasks.tables import as_table, is_table, texts_of, with_columns
from penjing.tasks.task import LabelTask


@dataclass(frozen=True)
class LabelModel(ScoringModel):
    """A model that answers with labels.

    Attributes:
        folder: where it was loaded from.
        card: its ``penjing.json``: task, labels, lineage, scores.
        task: what it is for.
        labels: its answers, in the order of the network's outputs.
        renderer: turns rows into token ids, as in training.
        engine: runs the network.
    """

    task: LabelTask

    @property
    def alone(self) -> LabelModel | None:
        """The model without the n-grams beside its network; None where there are none."""
        return replace(self, engine=self.engine.inner) if isinstance(self.engine, NgramEngine) else None

    def predict(self, rows: Any) -> Any:
        """Answers each row.

        Args:
            rows: a list of texts, a list of dictionaries with the column ``text``, or a pandas, Polars or Arrow table
                with that column, or a column of one.

        Returns:
            A list of `ClassPrediction` for a list; for a table the same kind of table with the columns ``label`` and
            ``probability`` added, for a column a table of it and these; pandas' index is kept.

        Raises:
            UsageError: a row has no text, or the column is missing.
        """
        predictions = self.predict_texts(texts_of(rows, self.renderer.columns[0]))
        if not is_table(rows):
            return predictions
        labels, chances = [item.label for item in predictions], [item.probability for item in predictions]
        return with_columns(as_table(rows, self.renderer.columns[0]), {"label": labels}, {"probability": chances})

    def predict_texts(self, texts: Sequence[str]) -> list[ClassPrediction]:
        """Answers each text."""
        predictions: list[ClassPrediction] = []
        for chunk in self.chunks(texts):
            logits, cut_tokens = self.score_texts(chunk)
            predictions += self.task.decode(logits, self.labels, chunk, cut_tokens)
        return predictions
