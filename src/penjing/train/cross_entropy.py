"""The loss of a vocabulary's scores, computed piece by piece: the scores of all positions are never held at once.

At 4,096 positions and a vocabulary of 8,192 the scores and their gradient are 268 MB, written and read several times
over; a piece of them stays in the processor's cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from penjing.models.interface import OutputLayer

IGNORED = -100  # a target that is not scored
# On a CPU a piece stays in the cache (half and twice as many take a few percent longer); on a GPU it fills the card.
_ROWS_TOGETHER = 64
_SCORES_AT_ONCE = {"cpu": 1 << 22, "cuda": 1 << 27}


class Piece(NamedTuple):
    """What comes of some of the positions.

    Attributes:
        loss: summed.
        right: how many guesses are right.
        of_states: the gradient of the states, [piece, dim].
        of_weight: that of the matrix, [vocab, dim].
        of_bias: that of the bias, [vocab].
    """

    loss: Tensor
    right: Tensor
    of_states: Tensor
    of_weight: Tensor
    of_bias: Tensor | None


ScorePiece = Callable[..., Piece]  # of states, weight, bias and targets, and of what else each position has


def score_piece(states: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, smoothing: float = 0.0) -> Piece:
    """Returns loss and gradients of some positions, in few passes over the scores.

    Args:
        states: [piece, dim].
        weight: [vocab, dim], of the same type.
        bias: fp32 [vocab], or none.
        targets: int64 [piece]; `IGNORED` where none is asked for.
        smoothing: share of the target spread over the whole vocabulary (Szegedy et al. 2016, arXiv 1512.00567).
    """
    loss, right, error = miss(score_states(states, weight, bias), targets, smoothing)
    return carry_back(loss, right, error, states, weight, bias)


def score_states(states: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Returns the scores of the vocabulary, fp32 [piece, vocab]."""
    scores = (states @ weight.T).float()
    return scores if bias is None else scores + bias


def miss(scores: Tensor, targets: Tensor, smoothing: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the summed cross-entropy of scores, how many guesses are right, and the gradient of the scores.

    Args:
        scores: fp32 [piece, vocab].
        targets: as for `score_piece`.
        smoothing: as for `score_piece`.
    """
    is_scored = targets != IGNORED
    place = targets.clamp(min=0)[:, None]
    right = ((scores.argmax(dim=-1) == targets) & is_scored).sum()
    log_shares = scores.log_softmax(dim=-1)
    wanted = log_shares.gather(1, place)[:, 0]
    if smoothing:
        wanted = (1 - smoothing) * wanted + smoothing * log_shares.mean(dim=-1)
    loss = -(wanted * is_scored).sum()
    error = log_shares.exp_()
    if smoothing:
        error -= smoothing / scores.shape[1]
    error.scatter_add_(1, place, error.new_full(place.shape, smoothing - 1.0))
    error[~is_scored] = 0.0
    return loss, right, error


def carry_back(
    loss: Tensor, right: Tensor, error: Tensor, states: Tensor, weight: Tensor, bias: Tensor | None
) -> Piece:
    """Returns a piece, given the gradient of its scores, fp32 [piece, vocab]."""
    of_bias = None if bias is None else error.sum(dim=0)
    error = error.to(states.dtype)
    return Piece(loss, right, error @ weight, error.T @ states, of_bias)


def score_piece_in_one_pass(states: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Piece:
    """Does what `score_piece` does, written so that a compiler fuses all between the products into one loop."""
    scores = (states @ weight.T).float()  # [piece, vocab]
    if bias is not None:
        scores = scores + bias
    is_scored = targets != IGNORED
    place = targets.clamp(min=0)[:, None]
    total = scores.logsumexp(dim=-1)
    loss = ((total - scores.gather(1, place)[:, 0]) * is_scored).sum()
    right = ((scores.argmax(dim=-1) == targets) & is_scored).sum()
    # The targets are found by comparing, for adding at places is not fused with the rest.
    is_target = torch.arange(len(weight), device=targets.device) == place
    error = ((scores - total[:, None]).exp() - is_target.float()) * is_scored[:, None]
    of_bias = None if bias is None else error.sum(dim=0)
    error = error.to(states.dtype)
    return Piece(loss, right, error @ weight, error.T @ states, of_bias)


def output_cross_entropy(
    layer: OutputLayer, targets: Tensor, score: ScorePiece = score_piece, more: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Returns the summed cross-entropy of the vocabulary's scores, and the number of right guesses, both scalars.

    The same numbers as ``cross_entropy(linear(states, weight, bias).float(), targets, reduction="sum")``. The gradient
    is found together with the loss, so that the scores need not be computed again (as in Hsu et al. 2024, Liger Kernel,
    arXiv 2410.10989).

    Args:
        layer: the states of the positions, [n, dim], and what scores them.
        targets: ids of the right tokens, int64 [n]; `IGNORED` where none is asked for.
        score: `score_piece`, or what a compiler has made of `score_piece_in_one_pass`; without a gradient the
            cross-entropy alone is computed.
        more: what else each position has, [n, …]; ``score`` is given its part of it, after the targets.
    """
    states, weight, bias = layer
    if not torch.is_grad_enabled():
        return _sum_pieces(states, weight, bias, targets)
    found = _OutputCrossEntropy.apply(states, weight, bias, targets, score, more)  # type: ignore[no-untyped-call]
    return cast("tuple[Tensor, Tensor]", found)


def product_type(states: Tensor) -> torch.dtype:
    """Returns in which type states are multiplied: that of autocast where it is on, else their own."""
    kind = states.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else states.dtype


def take_learned(hidden: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the states and targets of positions that are learned, filled up with some that are not.

    Their number is a multiple of 64: for each other number of rows the kernels of a CPU are made anew, and kept.

    Args:
        hidden: [batch, time, dim].
        targets: int64 [batch, time]; `IGNORED` where nothing is learned.

    Returns:
        States [n, dim], and targets [n], `IGNORED` at the end.
    """
    wanted = targets.flatten()
    places = (wanted != IGNORED).nonzero()[:, 0]
    more = places.new_zeros(-len(places) % _ROWS_TOGETHER)
    chosen = torch.cat([wanted[places], wanted.new_full((len(more),), IGNORED)])
    return hidden.flatten(0, 1)[torch.cat([places, more])], chosen


def _pieces(positions: int, vocabulary: int, device: str) -> range:
    """Returns where each piece of the positions begins; the step is its length.

    Every length is compiled by itself, so all pieces have the same one if up to twice as many make that possible.
    """
    fewest = math.ceil(positions / max(1, _SCORES_AT_ONCE[device] // vocabulary))
    count = next((count for count in range(fewest, 2 * fewest) if positions % count == 0), max(1, fewest))
    return range(0, positions, max(1, math.ceil(positions / count)))


def _sum_pieces(states: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The loss and the number of right guesses alone."""
    loss, right = states.new_zeros((), dtype=torch.float32), targets.new_zeros(())
    pieces = _pieces(len(targets), len(weight), states.device.type)
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
        context: Any,
        states: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        score: ScorePiece,
        more: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        kind = states.device.type
        low = product_type(states)
        inputs, matrix = states.to(low), weight.to(low)
        loss, right = states.new_zeros((), dtype=torch.float32), targets.new_zeros(())
        of_states = torch.zeros_like(inputs)
        of_weight = torch.zeros_like(weight, dtype=torch.float32)
        of_bias = None if bias is None else torch.zeros_like(bias, dtype=torch.float32)
        pieces = _pieces(len(targets), len(weight), kind)
        with torch.autocast(kind, enabled=False):
            for start in pieces:
                part = slice(start, start + pieces.step)
                piece = score(inputs[part], matrix, bias, targets[part], *(() if more is None else (more[part],)))
                loss, right = loss + piece.loss, right + piece.right
                of_states[part] = piece.of_states
                of_weight += piece.of_weight
                if of_bias is not None and piece.of_bias is not None:
                    of_bias += piece.of_bias
        context.save_for_backward(of_states, of_weight, of_bias)
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
            None,
            None,
        )


def target_log_probabilities(layer: OutputLayer, targets: Tensor) -> Tensor:
    """Returns the log-probability of each target, [n], with a gradient; in fp32, or in fp64 for such states.

    For losses that weigh positions by what comes of them: the scores of a piece are computed again on the way back.

    Args:
        layer: the states of the positions, [n, dim], and what scores them.
        targets: ids of the right tokens, int64 [n].
    """
    states, weight, bias = layer
    pieces = _pieces(len(targets), len(weight), states.device.type)
    ends = (slice(start, start + pieces.step) for start in pieces)
    parts = [
        checkpoint(
            _log_shares, states[part], weight, bias, targets[part], use_reentrant=False, preserve_rng_state=False
        )
        for part in ends
    ]
    return torch.cat(cast("list[Tensor]", parts))


def _log_shares(states: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
    scores = F.linear(states, weight, bias)
    scores = scores if scores.dtype == torch.float64 else scores.float()
    return scores.gather(1, targets[:, None])[:, 0] - scores.logsumexp(dim=-1)
