"""The loss of a vocabulary's scores beside those of a teacher, computed piece by piece as `cross_entropy` does."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from penjing.models.interface import OutputLayer
from penjing.train.cross_entropy import (
    IGNORED,
    Piece,
    carry_back,
    miss,
    output_cross_entropy,
    product_type,
    score_states,
)


@dataclass(frozen=True)
class Taught:
    """How much a teacher's probabilities count.

    Attributes:
        temperature: scores are divided by it.
        weight: share of the teacher's part.
        smoothing: of the other part; see `penjing.train.cross_entropy.score_piece`.
    """

    temperature: float
    weight: float
    smoothing: float = 0.0


def taught_cross_entropy(
    layer: OutputLayer, teacher: OutputLayer, targets: Tensor, taught: Taught
) -> tuple[Tensor, Tensor]:
    """Returns the loss, summed, of scores beside a teacher, and the number of right guesses, both scalars.

    Hinton, Vinyals & Dean 2015, arXiv 1503.02531, section 2, at each position (the word-level distillation of Kim &
    Rush 2016, arXiv 1606.07947, section 3.1): (1 - w) times the cross-entropy plus w T² times the Kullback-Leibler
    divergence of the probabilities at temperature T from those of the teacher. The divergence is their cross-entropy
    less a constant, so it is 0 where both say the same. No more of the scores are held than `output_cross_entropy`
    holds, of each of both.

    Args:
        layer: the states of the positions, [n, dim], and what scores them.
        teacher: the same of the teacher, whose states may be of another width; it may have entries to spare at the end
            of its vocabulary, or lack such.
        targets: ids of the right tokens, int64 [n]; `IGNORED` where none is asked for.
        taught: T and w.
    """
    kind = product_type(layer.states)
    known = OutputLayer(
        teacher.states.detach().to(kind),
        teacher.weight.detach()[: len(layer.weight)].to(kind),
        None if teacher.bias is None else teacher.bias.detach()[: len(layer.weight)],
    )

    def score(states: Tensor, weight: Tensor, bias: Tensor | None, wanted: Tensor, theirs: Tensor) -> Piece:
        return _score_taught_piece(states, weight, bias, wanted, known._replace(states=theirs), taught)

    return output_cross_entropy(layer, targets, score, known.states)


def _score_taught_piece(
    states: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, teacher: OutputLayer, taught: Taught
) -> Piece:
    scores = score_states(states, weight, bias)
    loss, right, error = miss(scores, targets, taught.smoothing)
    apart, pull = _diverge(scores, score_states(*teacher), targets, taught.temperature)
    share = taught.weight
    error = error.mul_(1.0 - share).add_(pull, alpha=share)
    return carry_back((1.0 - share) * loss + share * apart, right, error, states, weight, bias)


def _diverge(scores: Tensor, theirs: Tensor, targets: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Returns T² times the divergence of scores from a teacher's, summed, and the gradient of the scores."""
    is_scored = (targets != IGNORED)[:, None]
    known = theirs.shape[1]
    log_wanted = (theirs / temperature).log_softmax(dim=-1)  # [piece, known]
    log_shares = (scores / temperature).log_softmax(dim=-1)  # [piece, vocab]
    wanted = log_wanted.exp()
    apart = temperature**2 * (wanted * (log_wanted - log_shares[:, :known]) * is_scored).sum()
    pull = log_shares.exp_()
    pull[:, :known] -= wanted
    return apart, pull.mul_(is_scored * temperature)
