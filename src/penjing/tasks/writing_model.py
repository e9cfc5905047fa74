"""A finished model that answers texts with texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from penjing.inference.writing import Writer
from penjing.inference.writing_settings import WritingSettings
from penjing.progress import Progress
from penjing.tasks.model import Model
from penjing.tasks.prediction import TextPrediction
from penjing.tasks.prompting import TextPrompter
from penjing.tasks.tables import as_table, is_table, texts_of, with_columns
from penjing.tasks.task import PreferenceTask, WritingTask
from penjing.text.pair_renderer import PairRenderer


@dataclass(frozen=True)
class WritingModel(Model):
    """A model that writes.

    Attributes:
        folder: where it was loaded from.
        card: its ``penjing.json``: task, lineage, scores, how it writes.
        task: what it is for.
        renderer: turns texts into token ids, as in training.
        writer: runs the network.
        network: a decoder, or an encoder with one.
        settings: how it writes, where a call says nothing.
    """

    task: WritingTask | PreferenceTask
    renderer: PairRenderer
    writer: Writer
    network: nn.Module
    settings: WritingSettings

    def predict(self, rows: Any, *, settings: WritingSettings | None = None) -> Any:
        """Answers each row.

        Args:
            rows: a list of texts, a list of dictionaries with the column ``text``, or a pandas, Polars or Arrow table
                with that column, or a column of one.
            settings: how it writes; None: as its card says.

        Returns:
            A list of `TextPrediction` for a list; for a table the same kind of table with the column ``written`` added,
            for a column a table of it and this; pandas' index is kept.

        Raises:
            UsageError: a row has no text, or the column is missing.
        """
        predictions = self.write(texts_of(rows, "text"), settings)
        if not is_table(rows):
            return predictions
        return with_columns(as_table(rows, "text"), {"written": [item.written for item in predictions]})

    def predict_texts(self, texts: Sequence[str]) -> list[TextPrediction]:
        """Answers each text."""
        return self.write(texts)

    def write(
        self, texts: Sequence[str], settings: WritingSettings | None = None, progress: Progress | None = None
    ) -> list[TextPrediction]:
        """Answers each text.

        Args:
            texts: what is read.
            settings: how it writes; None: as its card says.
            progress: told how many are complete.

        Raises:
            UsageError: a text leaves no room in the model's positions.
            Interrupted: the user asked to stop.
        """
        prompts = TextPrompter(self.task, self.settings, self.renderer).read(texts, settings)
        written = self.writer.write(prompts.ids, prompts.settings, progress)
        answers = [self.renderer.tokenizer.decode(item.ids) for item in written]
        return prompts.predict(answers, [item.finish_reason == "stop" for item in written])
