"""What kinds have in common whose rows are tokens that are read, and tokens that are learned to be written."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from penjing.models.interface import EncoderDecoderModel, LanguageModel
from penjing.pipeline.kinds.kind import Inputs, Lesson
from penjing.pipeline.recipe import Recipe
from penjing.text.shards import open_shard
from penjing.text.tokenizer import Tokenizer
from penjing.train.batches import Batch
from penjing.train.cross_entropy import IGNORED
from penjing.train.objectives.span import shift_right
from penjing.train.objectives.writing import AnswerObjective, ContinuationObjective
from penjing.train.pair_batches import ContinuationBatches, PairBatches, PairLimits


def writing_lesson(recipe: Recipe, inputs: Inputs, tokenizer: Tokenizer, network: nn.Module) -> Lesson:
    """Returns what a network learns from shards whose labels are how many tokens of a row are read alone."""
    settings = recipe.finetune
    reads_first = isinstance(network, EncoderDecoderModel)
    batches = PairBatches if reads_first else ContinuationBatches
    training, validation = (
        batches(
            open_shard(inputs["examples"] / split),
            tokenizer.pad_id,
            PairLimits(settings.batch_tokens, settings.batch_rows),
            recipe.seed,
            shuffled=split == "train",
        )
        for split in ("train", "validation")
    )
    if isinstance(network, EncoderDecoderModel):
        return Lesson(AnswerObjective(network.decoder_start_id, settings.label_smoothing), training, validation)
    return Lesson(ContinuationObjective(settings.label_smoothing), training, validation)


def score_written(network: nn.Module, batch: Batch) -> Tensor:
    """Returns the logits of the tokens of a batch that are learned, [tokens, vocab]."""
    assert batch.written is not None
    if isinstance(network, EncoderDecoderModel):
        read = shift_right(batch.written, network.decoder_start_id).clamp(min=0)
        hidden = network.decode(read, network.encode(batch.ids, batch.mask), batch.mask)
        return network.score(hidden[batch.written != IGNORED])
    model = cast("LanguageModel", network)
    return model.score(model.encode(batch.ids, batch.mask)[batch.written != IGNORED])
