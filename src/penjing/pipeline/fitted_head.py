"""A head that is fitted to the network's vectors, as ``[finetune.head]`` and ``[finetune.contrastive]`` ask for it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from penjing.errors import RecipeError, TrainingError
from penjing.inference.engine import Engine
from penjing.models.device import choose_device, name_device
from penjing.models.interface import VectorClassifier
from penjing.pipeline.recipe import Recipe, task_of
from penjing.pipeline.start import architecture_of
from penjing.sitting import Sitting
from penjing.tasks.task import load_task
from penjing.text.shards import TokenShard, open_shard
from penjing.train.linear_head import LabelledVectors, LinearHead, fit_head
from penjing.train.settings import FinetuneSettings
from penjing.train.state import TrainingResult

_TIMED_ROWS = 256
_TOLERANCE = 1e-3  # of a probability: the network computes in fp32, the regression in fp64


class _Vectors(nn.Module):
    """A classifier without its head."""

    def __init__(self, network: VectorClassifier) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        return self.network.pool(ids, mask)


def fitting(recipe: Recipe) -> FinetuneSettings | None:
    """Returns ``[finetune]`` of a recipe whose head is fitted; None where it is trained with the network."""
    settings = recipe.finetune
    return settings if isinstance(settings, FinetuneSettings) and settings.fits_head else None


def trains_network(recipe: Recipe) -> bool:
    """Whether steps are taken at all: not with ``[finetune.head]`` alone, nor where names are not learned."""
    settings = fitting(recipe)
    return recipe.takes_steps and (settings is None or settings.contrastive is not None)


def check_head(recipe: Recipe, network: nn.Module) -> None:
    """Checks that a head can be fitted to a network, which may be without numbers.

    Raises:
        RecipeError: nothing was learned before, or the network's head is not linear.
    """
    settings = fitting(recipe)
    if settings is None:
        return
    where = f"{recipe.name}, [finetune.{'head' if settings.contrastive is None else 'contrastive'}]"
    if load_task(task_of(recipe)).answers != "label":
        raise RecipeError(
            "the head that is fitted tells labels apart that have no order: it is for the tasks classify and sentiment,"
            f" and {recipe.task} has other answers",
            where=where,
            do="Leave the section out, or use the task classify.",
        )
    if recipe.model.start is None and recipe.pretrain is None:
        raise RecipeError(
            "the head is fitted to the vectors of a model that has learned already, and this one starts from nothing",
            where=where,
            do="Name a model in [model] start, or add [pretrain].",
        )
    if not isinstance(network, VectorClassifier):
        raise RecipeError(
            f"the head of {architecture_of(recipe).name} is not one linear layer over a vector",
            where=where,
            do="Use bert, llama, mistral, qwen2, qwen3 or lstm, or fine-tune all weights.",
        )


def prepare_network(recipe: Recipe, network: nn.Module, fresh: Collection[str]) -> None:
    """Keeps the head out of training where it is fitted afterwards.

    Args:
        recipe: may have neither section; then nothing is done.
        network: holds what was learned before.
        fresh: names of its parameters that hold nothing learned.

    Raises:
        RecipeError: the network stays as it is, and a part of it below the head holds nothing learned.
    """
    if fitting(recipe) is None:
        return
    head = cast("VectorClassifier", network).head
    own = {id(parameter) for parameter in head.parameters()}
    parameters = dict(network.named_parameters())
    unlearned = [name for name in fresh if id(parameters[name]) not in own]
    if unlearned and not trains_network(recipe):
        raise RecipeError(
            f"the network stays as it is, and {unlearned[0]} holds nothing learned: the model to start from lacks it",
            where=f"{recipe.name}, [finetune.head]",
            do='Write pooling = "mean" under [model.shape].',
        )
    for parameter in head.parameters():
        parameter.requires_grad_(False)


def read_once(recipe: Recipe, network: nn.Module, examples: Path) -> TrainingResult:
    """Returns what came of a training without steps, which reads every row once to fit the head."""
    device = choose_device(recipe.finetune.device)
    network.to(device)
    tokens = len(open_shard(examples / "train").tokens)
    return TrainingResult(0, tokens, 0.0, 0.0, {}, False, False, "fp32", name_device(device), None)


def fit_network(recipe: Recipe, network: nn.Module, examples: Path, pad_id: int) -> dict[str, Any]:
    """Fits the head of a network to its vectors of the training rows, and puts it in.

    Args:
        recipe: has ``[finetune.head]`` or ``[finetune.contrastive]``.
        network: a `VectorClassifier`; what is below its head stays.
        examples: shards of the training rows and, where there are any, of the validation rows.
        pad_id: fills shorter rows.

    Returns:
        How the strength was chosen, and the largest difference between a probability of the network and one of the
        regression on the training rows.

    Raises:
        TrainingError: that is larger than arithmetic explains.
    """
    settings = fitting(recipe)
    assert settings is not None
    sitting, classifier = Sitting(0.0, 0.0), cast("VectorClassifier", network)
    rows = _vectors(classifier, open_shard(examples / "train"), pad_id, settings.batch_tokens)
    held_out = examples / "validation"
    is_measured = settings.head_settings.strength is None and held_out.is_dir()
    validation = _vectors(classifier, open_shard(held_out), pad_id, settings.batch_tokens) if is_measured else None
    has_bias = classifier.head.bias is not None
    fitted = fit_head(rows, settings.head_settings, validation, recipe.finetuning_seed, has_bias=has_bias)
    difference = _put(classifier.head, fitted, rows)
    if not difference <= _TOLERANCE:
        raise TrainingError(
            f"with the head put in a probability differs by {difference:.2g}, and {_TOLERANCE:.2g} is allowed",
            where=f"{recipe.name}, [finetune.head]",
            do="Lower strength: the weights have grown too large for fp32.",
        )
    chosen_by = "settings" if not fitted.losses else "cross-validation" if validation is None else "validation"
    return {
        "strength": fitted.strength,
        "chosen_by": chosen_by,
        "losses": [[strength, loss] for strength, loss in fitted.losses.items()],
        "rows": len(rows.classes),
        "fitted_parameters": sum(parameter.numel() for parameter in classifier.head.parameters()),
        "largest_difference": difference,
        "seconds": round(sitting.own_seconds, 3),
        **describe_contrast(recipe),
    }


def describe_contrast(recipe: Recipe) -> dict[str, Any]:
    """Returns what is learned before the head is fitted; None where that is nothing."""
    settings = fitting(recipe)
    contrastive = None if settings is None else settings.contrastive
    return {"contrastive": None if contrastive is None else contrastive.model_dump(mode="json")}


def time_vectors(recipe: Recipe, network: nn.Module, examples: Path, pad_id: int) -> tuple[float, int]:
    """Returns about how many seconds the vectors of all rows take, reckoned from some, and how many rows are fitted."""
    settings = fitting(recipe)
    assert settings is not None
    shards = [open_shard(examples / split) for split in ("train", "validation") if (examples / split).is_dir()]
    some = np.linspace(0, shards[0].rows - 1, min(_TIMED_ROWS, shards[0].rows)).astype(np.int64)
    network.to(choose_device(settings.device))
    sitting = Sitting(0.0, 0.0)
    _vectors(cast("VectorClassifier", network), shards[0], pad_id, settings.batch_tokens, some)
    return sitting.own_seconds * sum(shard.rows for shard in shards) / len(some), shards[0].rows


def _vectors(
    network: VectorClassifier, shard: TokenShard, pad_id: int, batch_tokens: int, rows: NDArray[np.int64] | None = None
) -> LabelledVectors:
    """Returns the vectors of a shard's rows, or of some, as they are in use: without dropout, in fp32."""
    engine, chosen = Engine(_Vectors(network), pad_id, batch_tokens), np.arange(shard.rows) if rows is None else rows
    return LabelledVectors(engine.score([shard.row(row).tolist() for row in chosen.tolist()]), shard.labels[chosen])


@torch.no_grad()
def _put(head: nn.Linear, fitted: LinearHead, rows: LabelledVectors) -> float:
    """Puts a fitted head into a network, and returns by how much a probability differs at most."""
    head.weight.copy_(torch.from_numpy(fitted.weight))
    if head.bias is not None:
        head.bias.copy_(torch.from_numpy(fitted.bias))
    vectors = torch.from_numpy(rows.vectors).to(head.weight)
    own = head(vectors).softmax(dim=-1).double().cpu()
    return float((own - torch.from_numpy(fitted.probabilities(rows.vectors))).abs().max())
