"""The loss of a vocabulary's scores, computed piece by piece: the scores of all positions are never held at once.

At 4,096 positions and a vocabulary of 8,192 the scores and their gradient are 268 MB, written and read several times
over; a piece of them stays in the processor's cache.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from penjing.models.interface import OutputLayer

IGNORED = -100  # a target that is not scored
_SCORES_AT_ONCE = 1 << 22  # measured: half and twice as many take a few percent longer
_MOST_PIECES = 16  # each piece is compiled anew


def output_cross_entropy(layer: OutputLayer, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the summed cross-entropy of the vocabulary's scores, and the number of right guesses, both scalars.

    The same numbers as ``cross_entropy(linear(states, weight, bias).float(), targets, reduction="sum")``. The gradient
    is found together with the loss, so that the scores need not be computed again (as in Hsu et al. 2024, Liger Kernel,
    arXiv 2410.10989).

    Args:
        layer: the states of the positions, [n, dim], and what scores them.
        targets: ids of the right tokens, int64 [n]; `IGNORED` where none is asked for.
    """
    states, weight, bias = layer
    if not torch.is_grad_enabled():
        return _score_pieces(states, weight, bias, targets)
    return cast("tuple[Tensor, Tensor]", _OutputCrossEntropy.apply(states, weight, bias, targets))  # type: ignore[no-untyped-call]


def _pieces(positions: int, vocabulary: int) -> range:
    """Returns where each piece of the positions begins; the step is its length."""
    return range(0, positions, max(1, _SCORES_AT_ONCE // vocabulary, -(-positions // _MOST_PIECES)))


def _score_pieces(states: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The loss and the number of right guesses alone."""
    loss, right = states.new_zeros((), dtype=torch.float32), targets.new_zeros(())
    pieces = _pieces(len(targets), len(weight))
    for start in pieces:
        scores = F.linear(states[start : start + pieces.step], weight, bias).float()
        wanted = targets[start : start + pieces.step]
        loss = loss + F.cross_entropy(scores, wanted, ignore_index=IGNORED, reduction="sum")
        right = right + (scores.argmax(dim=-1) == wanted).sum()
    return loss, right


class _OutputCrossEntropy(torch.autograd.Function):
    """Finds the gradient on the way forward; on the way back it is only multiplied."""

    @staticmethod
    def forward(
        context: Any, states: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor
    ) -> tuple[Tensor, Tensor]:
        kind = states.device.type
        low = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else states.dtype
        inputs, matrix = states.to(low), weight.to(low)
        loss, right = states.new_zeros((), dtype=torch.float32), targets.new_zeros(())
        of_states = []
        of_weight = torch.zeros_like(weight, dtype=torch.float32)
        of_bias = None if bias is None else torch.zeros_like(bias, dtype=torch.float32)
        pieces = _pieces(len(targets), len(weight))
        for start in pieces:
            wanted = targets[start : start + pieces.step]
            read = inputs[start : start + pieces.step]
            scores = (read @ matrix.T).float()  # [piece, vocab]
            if bias is not None:
                scores = scores + bias
            is_scored = wanted != IGNORED
            place = wanted.clamp(min=0)[:, None]
            total = scores.logsumexp(dim=-1)
            loss = loss + ((total - scores.gather(1, place)[:, 0]) * is_scored).sum()
            right = right + ((scores.argmax(dim=-1) == wanted) & is_scored).sum()
            chances = (scores - total[:, None]).exp()
            error = chances.scatter_add(1, place, torch.full_like(place, -1.0, dtype=torch.float32))
            error = error * is_scored[:, None]
            if of_bias is not None:
                of_bias = of_bias + error.sum(dim=0)
            error = error.to(low)
            of_states.append(error @ matrix)
            of_weight = of_weight + error.T @ read
        context.save_for_backward(torch.cat(of_states) if of_states else torch.zeros_like(inputs), of_weight, of_bias)
        context.kinds = states.dtype, weight.dtype
        context.mark_non_differentiable(right)
        return loss, right

    @staticmethod
    def backward(context: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        of_states, of_weight, of_bias = context.saved_tensors
        states_type, weight_type = context.kinds
        factor = upstream[0]
        return (
            (of_states * factor).to(states_type),
            (of_weight * factor).to(weight_type),
            None if of_bias is None else of_bias * factor,
            None,
        )
