"""Preferences: of two answers to a prompt the preferred one becomes likelier than under the model at the start."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.models.interface import EncoderDecoderModel
from penjing.train.batches import Batch
from penjing.train.cross_entropy import IGNORED, target_log_probabilities
from penjing.train.objective import Prepared, count_tokens
from penjing.train.objectives.span import shift_right
from penjing.train.preference_settings import PreferenceSettings

if TYPE_CHECKING:
    from penjing.models.interface import LanguageModel


def preference_loss(margin: Tensor, settings: PreferenceSettings) -> Tensor:
    """Returns the loss of each pair, [pairs].

    dpo: −(1 − ε) log σ(β h) − ε log σ(−β h), with the share ε of label smoothing; without it Rafailov et al. 2023,
    arXiv 2305.18290, eq. 7; with it the conservative DPO of Mitchell 2023. ipo: (h − 1 / (2 β))², Azar et al. 2023,
    arXiv 2310.12036, eq. 17, whose τ is β.

    Args:
        margin: h: how much more the log-probability of the preferred answer has grown since the start than that of the
            other, in nats, [pairs].
        settings: which loss, β and ε.
    """
    if settings.loss == "ipo":
        return (margin - 1 / (2 * settings.beta)) ** 2
    reward = settings.beta * margin
    smoothing = settings.label_smoothing
    return -(1 - smoothing) * F.logsigmoid(reward) - smoothing * F.logsigmoid(-reward)


def sum_rows(written: Tensor, of_tokens: Tensor) -> Tensor:
    """Returns the sums over the rows of ``written`` [rows, targets] of a value for each of its real tokens, [rows]."""
    owners = (written != IGNORED).nonzero(as_tuple=True)[0]
    return of_tokens.new_zeros(len(written)).index_add(0, owners, of_tokens)


class AnswerReader:
    """Measures answers with a decoder, which reads the prompt with each of them.

    Attributes:
        reads_first: whether a prompt is read by itself, once for all its answers.
    """

    reads_first = False

    def prepare(self, batch: Batch) -> tuple[tuple[Tensor | None, ...], int]:
        """Returns what `measure` takes, and how many tokens the network reads."""
        assert batch.written is not None
        return (batch.ids, batch.mask, batch.written), count_tokens(batch)

    def measure(self, network: nn.Module, *tensors: Tensor | None) -> Tensor:
        """Returns the log-probability of each answer, summed over its tokens, in nats, [answers]."""
        ids, mask, written = cast("tuple[Tensor, Tensor | None, Tensor]", tensors)
        model, is_target = cast("LanguageModel", network), written != IGNORED
        hidden = model.encode(ids, mask)[is_target]
        return sum_rows(written, target_log_probabilities(model.output_layer(hidden), written[is_target]))


class EncodedAnswerReader(AnswerReader):
    """Measures answers with an encoder-decoder, which reads each prompt once.

    Args:
        start_id: the decoder reads it first.
    """

    reads_first = True

    def __init__(self, start_id: int) -> None:
        self._start_id = start_id

    def prepare(self, batch: Batch) -> tuple[tuple[Tensor | None, ...], int]:
        assert batch.written is not None
        shifted = shift_right(batch.written, self._start_id).clamp(min=0)  # what follows the end is not scored
        targets = int((batch.written != IGNORED).sum())
        return (batch.ids, batch.mask, batch.written, shifted), count_tokens(batch) + targets

    def measure(self, network: nn.Module, *tensors: Tensor | None) -> Tensor:
        ids, mask, written, shifted = cast("tuple[Tensor, Tensor | None, Tensor, Tensor]", tensors)
        assert isinstance(network, EncoderDecoderModel)
        model, is_target = network, written != IGNORED
        twice = len(written) // len(ids)
        states = model.encode(ids, mask).repeat(twice, 1, 1)
        hidden = model.decode(shifted, states, None if mask is None else mask.repeat(twice, 1))
        layer = model.output_layer(hidden[is_target])
        return sum_rows(written, target_log_probabilities(layer, written[is_target]))


def reader_of(network: nn.Module) -> AnswerReader:
    """Returns what measures answers with a network."""
    return EncodedAnswerReader(network.decoder_start_id) if isinstance(network, EncoderDecoderModel) else AnswerReader()


class PreferenceObjective:
    """Learns from pairs of answers; a prediction is right where the preferred answer has the higher reward.

    Args:
        reader: measures answers with the network.
        settings: the loss, and the weight of the preferred answer's cross-entropy a token beside it (Pang et al. 2024,
            arXiv 2404.19733, eq. 2).
    """

    scores_vocabulary = True
    added_ids = torch.empty(0, dtype=torch.int64)

    def __init__(self, reader: AnswerReader, settings: PreferenceSettings) -> None:
        self._reader, self._settings = reader, settings

    def compile(self, device: torch.device) -> None:
        """Rows have many lengths: each would be compiled by itself."""

    def prepare(self, batch: Batch, generator: torch.Generator, done: float) -> Prepared:
        assert batch.reference is not None
        tensors, tokens = self._reader.prepare(batch)
        return Prepared((batch.reference, *tensors), len(batch.reference) // 2, tokens)

    def loss(self, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
        reference, written = cast("Tensor", tensors[0]), cast("Tensor", tensors[3])
        measured = self._reader.measure(network, *tensors[1:])
        grown = measured - reference.to(measured.dtype)
        chosen, rejected = grown.chunk(2)
        margin = chosen - rejected  # [pairs]
        loss = preference_loss(margin, self._settings).sum()
        if self._settings.likelihood:
            lengths = (written != IGNORED).sum(dim=1)[: len(margin)]
            loss = loss - self._settings.likelihood * (measured[: len(margin)] / lengths).sum()
        return loss, (margin > 0).sum()
