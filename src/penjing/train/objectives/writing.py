"""Writing: one text is read, another is written, and only that one is learned."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from penjing.train.batches import Batch
from penjing.train.cross_entropy import IGNORED, ScorePiece, output_cross_entropy, score_piece, take_learned
from penjing.train.objective import Prepared, count_tokens
from penjing.train.objectives.span import shift_right

if TYPE_CHECKING:
    from penjing.models.interface import EncoderDecoderModel, LanguageModel, OutputLayer


class WritingObjective:
    """What an encoder-decoder and a decoder have in common that learn to write.

    Args:
        label_smoothing: share of each target spread over the vocabulary (Szegedy et al. 2016, arXiv 1512.00567, as
            Vaswani et al. 2017, arXiv 1706.03762, section 5.4, use it); in training alone.

    Attributes:
        smoothing: that share.
    """

    scores_vocabulary = True
    added_ids = torch.empty(0, dtype=torch.int64)

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.smoothing = label_smoothing
        self._score: ScorePiece = partial(score_piece, smoothing=label_smoothing) if label_smoothing else score_piece

    @abstractmethod
    def prepare(self, batch: Batch, generator: torch.Generator, done: float) -> Prepared:
        """See `penjing.train.objective.Objective`."""

    def compile(self, device: torch.device) -> None:
        """Rows have many lengths: each would be compiled by itself."""

    @abstractmethod
    def read(self, network: nn.Module, *tensors: Tensor | None) -> tuple[OutputLayer, Tensor]:
        """Returns what scores the learned tokens of a prepared batch, and those tokens; see `take_learned`."""

    def loss(self, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
        """See `penjing.train.objective.Objective`."""
        layer, targets = self.read(network, *tensors)
        return output_cross_entropy(layer, targets, self._score)


class AnswerObjective(WritingObjective):
    """An encoder-decoder reads a text, and writes another.

    Args:
        start_id: the decoder reads it first.
        label_smoothing: see `WritingObjective`.
    """

    def __init__(self, start_id: int, label_smoothing: float = 0.0) -> None:
        super().__init__(label_smoothing)
        self._start_id = start_id

    def prepare(self, batch: Batch, generator: torch.Generator, done: float) -> Prepared:
        assert batch.written is not None
        targets = int((batch.written != IGNORED).sum())
        shifted = shift_right(batch.written, self._start_id).clamp(min=0)  # what follows the end is not scored
        return Prepared((batch.ids, batch.mask, shifted, batch.written), targets, count_tokens(batch) + targets)

    def read(self, network: nn.Module, *tensors: Tensor | None) -> tuple[OutputLayer, Tensor]:
        read, mask, shifted, written = cast("tuple[Tensor, Tensor | None, Tensor, Tensor]", tensors)
        model = cast("EncoderDecoderModel", network)
        hidden = model.decode(shifted, model.encode(read, mask), mask)  # [batch, targets, dim]
        states, targets = take_learned(hidden, written)
        return model.output_layer(states), targets


class ContinuationObjective(WritingObjective):
    """A decoder reads a text, and goes on with another.

    Padding stands behind every row, where no token that is learned looks: attention needs no mask for it.
    """

    def prepare(self, batch: Batch, generator: torch.Generator, done: float) -> Prepared:
        assert batch.written is not None
        targets = int((batch.written != IGNORED).sum())
        return Prepared((batch.ids, batch.written), targets, count_tokens(batch))

    def read(self, network: nn.Module, *tensors: Tensor | None) -> tuple[OutputLayer, Tensor]:
        ids, written = cast("tuple[Tensor, Tensor]", tensors)
        model = cast("LanguageModel", network)
        hidden = model.encode(ids)  # [batch, time, dim]
        states, targets = take_learned(hidden, written)
        return model.output_layer(states), targets
