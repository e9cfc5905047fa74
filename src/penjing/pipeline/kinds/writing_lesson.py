"""How a language model learns to write what shards of pairs hold, of whatever kind of task they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from torch import Tensor, nn

from penjing.errors import RecipeError
from penjing.models.interface import Architecture, EncoderDecoderModel, LanguageModel
from penjing.models.weights import read_config
from penjing.pipeline.kinds.kind import Inputs, Lesson
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.start import ANY_ENTRIES, config_values, start_folder
from penjing.text.shards import TokenShard, open_shard
from penjing.text.tokenizer import Tokenizer
from penjing.train.batches import Batch
from penjing.train.cross_entropy import IGNORED
from penjing.train.objectives.span import shift_right
from penjing.train.objectives.writing import AnswerObjective, ContinuationObjective
from penjing.train.pair_batches import ContinuationBatches, PairBatches, PairLimits


def writing_lesson(
    recipe: Recipe,
    inputs: Inputs,
    tokenizer: Tokenizer,
    network: nn.Module,
    taught: Callable[[str], TokenShard | None] = lambda split: None,
) -> Lesson:
    """Returns what is learned: to write the second part of each pair; without validation rows nothing is chosen by.

    Args:
        recipe: its ``[finetune]`` counts, and its seed.
        inputs: with the shards of ``examples``, whose labels are the lengths of what is read.
        tokenizer: cut the pairs into tokens.
        network: decides whether a pair is read as one row.
        taught: returns the pairs of a split, where they are others than those of ``examples``.
    """
    settings = recipe.finetune
    batches = PairBatches if isinstance(network, EncoderDecoderModel) else ContinuationBatches
    training, validation = (
        batches(
            taught(split) or open_shard(inputs["examples"] / split),
            tokenizer.pad_id,
            PairLimits(settings.batch_tokens, settings.batch_rows),
            recipe.finetuning_seed,
            shuffled=split == "train",
        )
        if (inputs["examples"] / split).is_dir()
        else None
        for split in ("train", "validation")
    )
    assert training is not None
    if isinstance(network, EncoderDecoderModel):
        return Lesson(AnswerObjective(network.decoder_start_id, settings.label_smoothing), training, validation)
    return Lesson(ContinuationObjective(settings.label_smoothing), training, validation)


def score_written(network: nn.Module, batch: Batch) -> Tensor:
    """Returns the logits of what each pair of a batch writes, [targets, vocab]."""
    assert batch.written is not None
    if isinstance(network, EncoderDecoderModel):
        read = shift_right(batch.written, network.decoder_start_id).clamp(min=0)
        hidden = network.decode(read, network.encode(batch.ids, batch.mask), batch.mask)
        return network.score(hidden[batch.written != IGNORED])
    model = cast("LanguageModel", network)
    return model.score(model.encode(batch.ids, batch.mask)[batch.written != IGNORED])


def check_direction(recipe: Recipe, architecture: Architecture) -> None:
    """Refuses a network that reads from both sides, where what comes next is learned from what stands before it.

    Raises:
        RecipeError: it does.
    """
    check_start_direction(recipe, architecture)
    config: Any = architecture.config_from_dict(config_values(recipe, ANY_ENTRIES, 0, 0))
    if getattr(config, "bidirectional", False):
        raise RecipeError(
            f"the task {recipe.task} learns words from what stands before them, and this model reads from both sides",
            where=recipe.name,
            do="Write bidirectional = false under [model.shape].",
        )


def check_start_direction(recipe: Recipe, architecture: Architecture) -> None:
    """Refuses a start that reads from both sides: no setting makes its weights those of a network that writes.

    Raises:
        RecipeError: it does.
    """
    start = start_folder(recipe)
    if start is not None and getattr(architecture.config_from_dict(read_config(start)), "bidirectional", False):
        raise RecipeError(
            f"the model at the start reads from both sides and cannot write, and the task {recipe.task} learns words "
            "from what stands before them",
            where=recipe.name,
            do="Start from a model that writes, such as an LSTM trained with bidirectional = false, or leave start out "
            "and name a family.",
        )
