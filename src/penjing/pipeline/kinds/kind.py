"""What the stages ask of a kind of task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from torch import Tensor, nn

from penjing.data.settings import RowData
from penjing.errors import UsageError
from penjing.models.config import Head
from penjing.models.interface import Architecture
from penjing.pipeline.recipe import Recipe
from penjing.progress import Progress
from penjing.text.showing import ShownRow
from penjing.text.tokenizer import Tokenizer
from penjing.train.batches import Batch, Batches
from penjing.train.objective import Objective

SPLITS = ("train", "validation", "test")
Inputs = dict[str, Path]


@dataclass(frozen=True)
class Lesson:
    """What is learned, and from what.

    Attributes:
        objective: what is learned.
        batches: of the training rows.
        validation: of the validation rows; None where there are none: then the last weights are kept.
    """

    objective: Objective
    batches: Batches
    validation: Batches | None


@dataclass(frozen=True)
class Outputs:
    """What the numbers that a network ends in are called on the hub.

    Attributes:
        names: of each output; none where it scores words.
        problem_type: what other tools train them by; None: they choose.
    """

    names: tuple[str, ...] = ()
    problem_type: str | None = None


@dataclass(frozen=True)
class Evaluated:
    """What a model and the baselines are worth.

    Attributes:
        document: all of it, as ``evaluation.json`` holds it: ``rows``, ``scores``, ``baselines``, ``difference`` …
    """

    document: dict[str, Any]

    @property
    def facts(self) -> dict[str, Any]:
        """The scores alone."""
        baselines = {name: scores["scores"] for name, scores in self.document["baselines"].items()}
        return {"rows": self.document["rows"], "scores": self.document["scores"], "baselines": baselines}


class Kind(Protocol):
    """How the rows of a kind of task go along the path; ``inputs`` are the folders of finished stages, by name."""

    @property
    def head(self) -> Head:
        """What the network ends in."""

    @property
    def counted(self) -> Literal["tokens", "items"]:
        """What the places of a row hold, as training counts them."""
        return "tokens"

    def data_settings(self, recipe: Recipe) -> Mapping[str, RowData]:
        """Returns the recipe's sections of rows, such as ``data``, with what the task itself says filled in."""

    def check_network(self, recipe: Recipe, architecture: Architecture, longest: int | None) -> None:
        """Checks that a network can do the task, and read the longest rows; ``longest``: its positions, if limited.

        Raises:
            RecipeError: it cannot.
        """

    def build_data(self, recipe: Recipe, folder: Path, progress: Progress) -> dict[str, Any]:
        """Fills a folder with the rows of each split, and returns what was counted."""

    def save_tokenizer(self, recipe: Recipe, tokenizer: Tokenizer, folder: Path) -> Tokenizer:
        """Writes the tokenizer into a folder, with what the kind needs beside it, and returns it as it was written."""
        tokenizer.save(folder)
        return tokenizer

    def write_examples(self, recipe: Recipe, inputs: Inputs, folder: Path, progress: Progress) -> dict[str, Any]:
        """Fills a folder with a shard for each split, and returns what was counted."""

    def show(self, recipe: Recipe, inputs: Inputs, rows: int) -> list[ShownRow]:
        """Returns the first training rows as tokens, with what is learned and what is cut."""

    def shape(self, recipe: Recipe, inputs: Inputs) -> dict[str, Any]:
        """Returns the entries of the network's config that recipe and rows decide beside the tokenizer."""
        return {}

    def make_network(self, architecture: Architecture, config: Any, inputs: Inputs) -> nn.Module:
        """Returns the network, its weights unset."""

    def make_lesson(self, recipe: Recipe, inputs: Inputs, tokenizer: Tokenizer, network: nn.Module) -> Lesson:
        """Returns what is learned."""

    def score(self, network: nn.Module, batch: Batch) -> Tensor:
        """Returns the logits of a batch, to compare networks by."""

    def labels(self, inputs: Inputs) -> list[str]:
        """Returns the labels that it answers with; none where it writes words."""
        return []

    def outputs(self, inputs: Inputs) -> Outputs:
        """Returns what the outputs of the network are called."""
        return Outputs()

    def card(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> dict[str, Any]:
        """Returns what the card of the trained network says beyond the task, the lineage and the scores."""

    def finish_folder(self, recipe: Recipe, inputs: Inputs, folder: Path) -> None:
        """Adds to a model folder, whose network and tokenizer are written, what other tools need beside them."""
        return

    def teach(self, recipe: Recipe, inputs: Inputs, folder: Path, progress: Progress) -> dict[str, Any]:
        """Fills a folder with what teachers say of rows, and returns what was counted; what is there already is kept.

        Raises:
            UsageError: there is nothing that teachers could say of such rows; their recipes have no section for it.
        """
        raise UsageError("this kind of task learns nothing from teachers", do="Leave [finetune.distill] out.")

    def probe_teaching(self, recipe: Recipe, inputs: Inputs) -> tuple[float, dict[str, Any]]:
        """Returns about how many seconds `teach` will take, and what it would count.

        Raises:
            UsageError: as `teach`.
        """
        raise UsageError("this kind of task learns nothing from teachers", do="Leave [finetune.distill] out.")

    def evaluate(self, recipe: Recipe, inputs: Inputs, progress: Progress) -> Evaluated:
        """Measures the model and the baselines on the test rows."""

    def probe_evaluation(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> tuple[float, int]:
        """Returns about how many seconds `evaluate` will take, by a part of the work, and how many rows there are."""
