"""What finished models have in common that score labels, whether they give one or several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from penjing.inference.engine import LabelScorer
from penjing.tasks.model import Model
from penjing.tasks.tables import texts_of
from penjing.tasks.task import MultilabelTask, Probabilities
from penjing.text.renderer import RowRenderer

if TYPE_CHECKING:
    from penjing.explain.attribution import Attribution

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

    @property
    def asks_each(self) -> bool:
        """Whether each label applies or not, whatever the others do."""
        return isinstance(self.task, MultilabelTask)

    def score_texts(self, texts: Sequence[str]) -> tuple[Probabilities, list[int]]:
        """Returns the logits of each text, [texts, labels], and how many tokens of it were not read."""
        rendered = self.renderer.render([{self.renderer.columns[0]: text} for text in texts])
        return self.engine.score([row.ids for row in rendered]), [row.cut_tokens for row in rendered]

    def chunks(self, texts: Sequence[str]) -> Iterator[Sequence[str]]:
        """Yields the texts, a few thousand at a time."""
        for start in range(0, len(texts), _ROWS):
            yield texts[start : start + _ROWS]

    @overload
    def explain(self, texts: str, *, method: str = ..., label: str | None = ...) -> Attribution: ...

    @overload
    def explain(self, texts: list[str], *, method: str = ..., label: str | None = ...) -> list[Attribution]: ...

    def explain(
        self, texts: str | list[str], *, method: str = "integrated_gradients", label: str | None = None
    ) -> Attribution | list[Attribution]:
        """Says which words an answer rests on.

        Args:
            texts: one, or several.
            method: ``integrated_gradients``, ``occlusion``, ``attention_rollout`` or ``random``.
            label: what is explained; None: the model's answer, or the likeliest label of one that gives several.

        Returns:
            An `Attribution`, or a list of them for several texts.

        Raises:
            DataError: the model reads no word of a text.
            MissingExtraError: the method or the text needs a package that is not installed.
            UsageError: a text is empty, the method or the label is not known, or the method does not fit the network.
        """
        from penjing.explain.explaining import explain_text

        checked = texts_of([texts] if isinstance(texts, str) else texts, self.renderer.columns[0])
        explained = [explain_text(self, text, method, label) for text in checked]
        return explained[0] if isinstance(texts, str) else explained
