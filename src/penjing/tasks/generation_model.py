"""A finished model that goes on with texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from penjing.inference.answer_likelihood import AnswerScorer
from penjing.inference.likelihood import CausalScorer, Likelihoods, ReadingModel
from penjing.inference.writing import Writer
from penjing.inference.writing_settings import WritingSettings
from penjing.models.interface import EncoderDecoderModel, GeneratingModel
from penjing.progress import Progress
from penjing.tasks.model import Model
from penjing.tasks.prediction import TextPrediction
from penjing.tasks.prompting import ContinuationPrompter
from penjing.tasks.tables import as_table, is_table, texts_of, with_columns
from penjing.tasks.task import GenerationTask
from penjing.text.continuation_renderer import ContinuationRenderer, Text


@dataclass(frozen=True)
class GenerationModel(Model):
    """A model that goes on with texts.

    Attributes:
        folder: where it was loaded from.
        card: its ``penjing.json``: task, lineage, scores, how it writes.
        task: what it is for.
        renderer: turns texts into token ids, as in training.
        network: a decoder, or an encoder-decoder.
        settings: how it writes, where a call says nothing.
    """

    task: GenerationTask
    renderer: ContinuationRenderer
    network: GeneratingModel
    settings: WritingSettings

    @property
    def most_tokens(self) -> int:
        """How many tokens it writes at most."""
        return self._prompter.find_room(self.settings)[0].max_tokens

    def predict(self, rows: Any, *, settings: WritingSettings | None = None) -> Any:
        """Goes on with each row.

        Args:
            rows: a list of texts, a list of dictionaries with the column ``text``, or a pandas, Polars or Arrow table
                with that column, or a column of one.
            settings: how it writes; None: as its card says.

        Returns:
            A list of `TextPrediction` for a list; for a table the same kind of table with the column ``written`` added.

        Raises:
            UsageError: a row has no text, or the column is missing.
        """
        predictions = self.write(texts_of(rows, "text"), settings)
        if not is_table(rows):
            return predictions
        return with_columns(as_table(rows, "text"), {"written": [item.written for item in predictions]})

    def predict_texts(self, texts: Sequence[str]) -> list[TextPrediction]:
        """Goes on with each text."""
        return self.write(texts)

    def write(
        self, texts: Sequence[str], settings: WritingSettings | None = None, progress: Progress | None = None
    ) -> list[TextPrediction]:
        """Goes on with each text; what is written depends on the text and the settings alone, not on its neighbors.

        Args:
            texts: beginnings; an empty one asks for a text from its first word on.
            settings: how it writes; None: as its card says.
            progress: told how many are complete.

        Raises:
            Interrupted: the user asked to stop.
        """
        prompts, tokenizer = self._prompter.read(texts, settings), self.renderer.tokenizer
        written = Writer(self.network, prompts.end_ids, tokenizer.pad_id).write(prompts.ids, prompts.settings, progress)
        added = [
            self._added(text, read, item.ids)
            for text, read, item in zip(prompts.texts, prompts.ids, written, strict=True)
        ]
        return prompts.predict(added, [item.finish_reason == "stop" for item in written])

    def measure(self, texts: Sequence[Text], progress: Progress | None = None) -> Likelihoods:
        """Returns how probable the rest of each text is after what is given of it, its end included.

        A text longer than the window is read in windows that see at least half a window of what is before.

        Args:
            texts: as the renderer divides them.
            progress: told how far it is.
        """
        pad_id, longest = self.renderer.tokenizer.pad_id, self.renderer.settings.max_tokens
        if not self.renderer.reads_first:
            rows = self.renderer.render_whole(texts)
            scorer = CausalScorer(cast("ReadingModel", self.network), pad_id, positions=longest)
            return scorer.measure([ids for ids, _ in rows], progress, first=[given for _, given in rows])
        rendered = self.renderer.render(texts)
        pairs = [
            (window.ids[:border], window.ids[border:])
            for text in rendered
            for window, border in zip(text.windows, text.borders, strict=True)
        ]
        owners = np.repeat(np.arange(len(rendered)), [len(text.windows) for text in rendered])
        found = AnswerScorer(cast("EncoderDecoderModel", self.network), pad_id).measure(pairs, progress)
        sums, counts = np.zeros(len(rendered)), np.zeros(len(rendered), dtype=np.int64)
        np.add.at(sums, owners, found.log_probabilities)
        np.add.at(counts, owners, found.tokens)
        return Likelihoods(sums, counts)

    @property
    def _prompter(self) -> ContinuationPrompter:
        has_positions = self.network.longest_row is not None
        return ContinuationPrompter(self.task, self.settings, self.renderer, has_positions)

    def _added(self, text: str, prompt: list[int], written: list[int]) -> str:
        """Returns the text of new tokens: some read otherwise at the beginning of a text than after others."""
        tokenizer = self.renderer.tokenizer
        if self.renderer.reads_first or not text:
            return tokenizer.decode(written)
        before = tokenizer.decode(prompt)
        return tokenizer.decode([*prompt, *written])[len(before) :]
