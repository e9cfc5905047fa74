"""A finished model of several tasks, its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penjing.tasks.card import choose_part
from penjing.tasks.model import Model
from penjing.tasks.prediction import Prediction


@dataclass(frozen=True)
class MultiModel(Model):
    """One network that was trained for several tasks.

    Attributes:
        parts: a model for each, by name; all have the same network.
    """

    parts: Mapping[str, Model]

    def part(self, name: str | None = None) -> Model:
        """Returns a part.

        Args:
            name: of the part; None: the only one.

        Raises:
            UsageError: there is none of that name, or no name was given and there are several.
        """
        chosen, _ = choose_part(self.card, self.folder, name)
        assert chosen is not None
        return self.parts[chosen]

    def predict(self, rows: Any, *, part: str | None = None) -> Any:
        """Answers each row as one of the parts.

        Args:
            rows: what the part reads.
            part: its name; None: the only one.

        Raises:
            UsageError: as `part`, and as the part's own `predict`.
        """
        return self.part(part).predict(rows)

    def predict_texts(self, texts: Sequence[str]) -> Sequence[Prediction]:
        """Answers each text; of several parts this says nothing.

        Raises:
            UsageError: there are several.
        """
        return self.part().predict_texts(texts)
