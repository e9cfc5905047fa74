"""A head that is fitted to the network's vectors, as ``[finetune.head]`` and ``[finetune.contrastive]`` ask for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from penjing.errors import RecipeError, TrainingError
from penjing.inference.engine import Engine
from penjing.models.device import choose_device, name_device
from penjing.models.interface import VectorClassifier
from penjing.pipeline.kinds.multilabel import read_members
from penjing.pipeline.recipe import Recipe, task_of
from penjing.pipeline.start import architecture_of
from penjing.sitting import Sitting
from penjing.tasks.task import Answers, load_task
from penjing.text.shards import TokenShard, open_shard
from penjing.train.label_heads import FlaggedVectors, LabelHeads, fit_label_heads
from penjing.train.linear_head import STRENGTHS, LabelledVectors, LinearHead, Vectors, fit_head
from penjing.train.settings import FinetuneSettings, HeadSettings
from penjing.train.state import TrainingResult

_TIMED_ROWS = 256
_USUAL = 10.0  # strength, in the middle of those that are tried
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
    if _answers(recipe) not in _FITTERS:
        raise RecipeError(
            "the head that is fitted gives labels that have no order: it is for the tasks classify, sentiment and "
            f"multilabel, and {recipe.task} has other answers",
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
    rows = _read(classifier, open_shard(examples / "train"), pad_id, settings.batch_tokens)
    held_out = examples / "validation"
    is_measured = settings.head_settings.strength is None and held_out.is_dir()
    validation = _read(classifier, open_shard(held_out), pad_id, settings.batch_tokens) if is_measured else None
    asked = _Asked(settings.head_settings, examples, recipe.finetuning_seed, classifier.head.bias is not None)
    fitted = _FITTERS[_answers(recipe)](rows, validation, asked)
    difference = _put(classifier.head, fitted, rows.vectors)
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
        "rows": len(rows.labels),
        **({"regressions": len(fitted.weight)} if isinstance(fitted, LabelHeads) else {}),
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


def time_head(recipe: Recipe, network: nn.Module, examples: Path, pad_id: int) -> tuple[float, int]:
    """Returns about how many seconds a head takes, reckoned from some rows, and how many rows it is fitted to.

    The vectors of all rows are what takes them; of several labels, the regressions count too.
    """
    settings = fitting(recipe)
    assert settings is not None
    shards = [open_shard(examples / split) for split in ("train", "validation") if (examples / split).is_dir()]
    some = np.linspace(0, shards[0].rows - 1, min(_TIMED_ROWS, shards[0].rows)).astype(np.int64)
    network.to(choose_device(settings.device))
    sitting = Sitting(0.0, 0.0)
    classifier = cast("VectorClassifier", network)
    read = _read(classifier, shards[0], pad_id, settings.batch_tokens, some)
    seconds = sitting.own_seconds * sum(shard.rows for shard in shards) / len(some)
    if _answers(recipe) == "set":
        given = settings.head_settings.strength
        asked = _Asked(HeadSettings(strength=given or _USUAL), examples, 0, classifier.head.bias is not None)
        _fit_each(_Read(read.vectors[:1], read.labels[:1]), None, asked)  # scikit-learn is imported
        sitting = Sitting(0.0, 0.0)
        _fit_each(read, None, asked)
        seconds += sitting.own_seconds * (1 if given else len(STRENGTHS) + 1) * shards[0].rows / len(some)
    return seconds, shards[0].rows


class _Read(NamedTuple):
    """Rows as the network reads them: their vectors [rows, dim], and the numbers that the shard has of them [rows]."""

    vectors: Vectors
    labels: NDArray[np.int64]


class _Asked(NamedTuple):
    """How a head is fitted to rows of examples."""

    settings: HeadSettings
    examples: Path
    seed: int
    has_bias: bool


class _Fitter(Protocol):
    def __call__(self, rows: _Read, validation: _Read | None, asked: _Asked) -> LinearHead: ...


def _fit_one(rows: _Read, validation: _Read | None, asked: _Asked) -> LinearHead:
    """Fits a head to rows of one label each."""
    held_out = None if validation is None else LabelledVectors(*validation)
    return fit_head(LabelledVectors(*rows), asked.settings, held_out, asked.seed, has_bias=asked.has_bias)


def _fit_each(rows: _Read, validation: _Read | None, asked: _Asked) -> LinearHead:
    """Fits a head to rows of any number of labels, each label by itself."""
    members = read_members(asked.examples)
    held_out = None if validation is None else FlaggedVectors(validation.vectors, members[validation.labels])
    flagged = FlaggedVectors(rows.vectors, members[rows.labels])
    return fit_label_heads(flagged, asked.settings, held_out, has_bias=asked.has_bias)


#: How a head is fitted, by what the task answers with.
_FITTERS: Mapping[Answers, _Fitter] = {"label": _fit_one, "set": _fit_each}


def _answers(recipe: Recipe) -> Answers:
    return load_task(task_of(recipe)).answers


def _read(
    network: VectorClassifier, shard: TokenShard, pad_id: int, batch_tokens: int, rows: NDArray[np.int64] | None = None
) -> _Read:
    """Returns a shard's rows, or some, as they are in use: without dropout, in fp32."""
    engine, chosen = Engine(_Vectors(network), pad_id, batch_tokens), np.arange(shard.rows) if rows is None else rows
    return _Read(engine.score([shard.row(row).tolist() for row in chosen.tolist()]), shard.labels[chosen])


@torch.no_grad()
def _put(head: nn.Linear, fitted: LinearHead, vectors: Vectors) -> float:
    """Puts a fitted head into a network, and returns by how much a probability differs at most."""
    head.weight.copy_(torch.from_numpy(fitted.weight))
    if head.bias is not None:
        head.bias.copy_(torch.from_numpy(fitted.bias))
    scores = head(torch.from_numpy(vectors).to(head.weight)).double().cpu().numpy()
    return float(np.abs(fitted.link(scores) - fitted.probabilities(vectors)).max())
