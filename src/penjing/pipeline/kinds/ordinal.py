"""Rows with a label each, of labels in order: a classifier that knows the order."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from penjing.data.labelled import build_ordered
from penjing.pipeline.kinds.kind import Inputs, Outputs
from penjing.pipeline.kinds.labels import LabelKind
from penjing.pipeline.recipe import Recipe
from penjing.progress import Progress
from penjing.train.objectives.classification import ClassificationObjective
from penjing.train.objectives.ordinal import OrdinalObjective


class OrdinalKind(LabelKind):
    """A text is answered with one of several labels in order; see `penjing.pipeline.kinds.kind.Kind`."""

    objective: ClassVar[type[ClassificationObjective]] = OrdinalObjective

    def build_data(self, recipe: Recipe, folder: Path, progress: Progress) -> dict[str, Any]:
        return build_ordered(self.labelled(recipe), recipe.seed, folder, progress)

    def outputs(self, inputs: Inputs) -> Outputs:
        return Outputs(tuple(f"above {label}" for label in self.labels(inputs)[:-1]))
