"""What finished models have in common that score labels, whether they give one or several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from penjing.inference.engine import LabelScorer
from penjing.tasks.model import Model
from penjing.tasks.task import Probabilities
from penjing.text.renderer import RowRenderer

_ROWS = 4096


@dataclass(frozen=True)
class ScoringModel(Model):
    """A model that scores labels.

    Attributes:
        labels: in the order of the scores.
        renderer: turns rows into token ids, as in training.
        engine: runs the network.
    """

    labels: tuple[str, ...]
    renderer: RowRenderer
    engine: LabelScorer

    def score_texts(self, texts: Sequence[str]) -> tuple[Probabilities, list[int]]:
        """Returns the logits of each text, [texts, labels], and how many tokens of it were not read."""
        rendered = self.renderer.render([{self.renderer.columns[0]: text} for text in texts])
        return self.engine.score([row.ids for row in rendered]), [row.cut_tokens for row in rendered]

    def chunks(self, texts: Sequence[str]) -> Iterator[Sequence[str]]:
        """Yields the texts, a few thousand at a time."""
        for start in range(0, len(texts), _ROWS):
            yield texts[start : start + _ROWS]
