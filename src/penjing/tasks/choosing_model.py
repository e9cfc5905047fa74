"""A part of a model that writes: a text is answered with the name of a label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from penjing.inference.choosing import AnsweringModel, measure_choices
from penjing.progress import Progress
from penjing.tasks.model import Model
from penjing.tasks.prediction import ClassPrediction
from penjing.tasks.tables import as_table, is_table, texts_of, with_columns
from penjing.tasks.task import LabelTask
from penjing.text.prompt_renderer import PromptPairRenderer


@dataclass(frozen=True)
class ChoosingModel(Model):
    """Labels are scored by how likely their names are to be written.

    Attributes:
        task: what it is for.
        labels: what is chosen from; these are the names.
        renderer: turns texts into prompts, and names into what is written.
        network: the language model.
    """

    task: LabelTask
    labels: tuple[str, ...]
    renderer: PromptPairRenderer
    network: AnsweringModel

    def predict(self, rows: Any) -> Any:
        """Answers each row, as `penjing.tasks.label_model.LabelModel.predict` does."""
        predictions = self.predict_texts(texts_of(rows, "text"))
        if not is_table(rows):
            return predictions
        labels, chances = [item.label for item in predictions], [item.probability for item in predictions]
        return with_columns(as_table(rows, "text"), {"label": labels}, {"probability": chances})

    @property
    def alone(self) -> None:
        """It has no n-grams beside its network."""

    def predict_texts(self, texts: Sequence[str], progress: Progress | None = None) -> list[ClassPrediction]:
        """Answers each text; the probabilities of all labels sum to 1."""
        if not texts:
            return []
        read = self.renderer.render_rows([{"text": text} for text in texts])
        names = [row.ids for row in self.renderer.render_written(self.labels)]
        logits = measure_choices(
            self.network, [row.ids for row in read], names, self.renderer.tokenizer.pad_id, progress=progress
        )
        return list(self.task.decode(logits, self.labels, texts, [row.cut_tokens for row in read]))
