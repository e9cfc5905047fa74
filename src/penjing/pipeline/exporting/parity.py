"""How near two tools are to each other: the same tokens, and scores that differ by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SHOWN = 5


@dataclass(frozen=True)
class Bounds:
    """What a proof allows; None: it is not bounded, only told.

    Attributes:
        difference: the largest difference of a score, in standard deviations of all scores.
        divergence: mean Kullback–Leibler divergence of what the two say of a place, in nats.
        agreement: least share of places whose best score is of the same word or label.
    """

    difference: float | None = None
    divergence: float | None = None
    agreement: float | None = None


@dataclass(frozen=True)
class TokenParity:
    """How many texts become the same tokens.

    Attributes:
        texts: compared.
        equal: that became the same token ids.
        differing: the first of the others, with both.
    """

    texts: int
    equal: int
    differing: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class ScoreParity:
    """How near scores are.

    Attributes:
        rows: compared.
        places: in them.
        largest_difference: of a score.
        deviation: standard deviation of the scores here, around the mean of each place.
        relative_difference: the largest difference over that.
        mean_divergence: Kullback–Leibler divergence, in nats, mean over the places; None where scores are no
            distribution.
        largest_divergence: that of the worst place.
        agreement: share of places whose best score is of the same word or label.
    """

    rows: int
    places: int
    largest_difference: float
    deviation: float
    relative_difference: float
    mean_divergence: float | None
    largest_divergence: float | None
    agreement: float | None

    def faults(self, bounds: Bounds, what: str) -> list[str]:
        """Returns in words where a bound is broken; a score that is not a number breaks all."""
        compared = (
            ("the largest difference of a score, in standard deviations,", self.relative_difference, bounds.difference),
            ("the mean divergence", self.mean_divergence, bounds.divergence),
        )
        faults = [
            f"{name} is {value:.3g} {what}, and {bound:g} is allowed"
            for name, value, bound in compared
            if value is not None and bound is not None and not value <= bound
        ]
        if self.agreement is not None and bounds.agreement is not None and not self.agreement >= bounds.agreement:
            faults.append(f"the best score agrees at {self.agreement:.1%} {what}, and {bounds.agreement:.1%} is needed")
        return faults


def compare_tokens(texts: Sequence[str], ours: Sequence[Sequence[int]], theirs: Sequence[Sequence[int]]) -> TokenParity:
    """Compares token ids text by text."""
    wrong = [
        {"text": text, "ours": list(one), "theirs": list(other)}
        for text, one, other in zip(texts, ours, theirs, strict=True)
        if list(one) != list(other)
    ]
    return TokenParity(len(texts), len(texts) - len(wrong), tuple(wrong[:_SHOWN]))


def compare_scores(
    ours: Sequence[NDArray[np.float32]],
    theirs: Sequence[NDArray[np.float32]],
    *,
    is_distribution: bool,
    is_one: bool = False,
) -> ScoreParity:
    """Compares scores, row by row, each [places, outputs].

    Args:
        ours: what is taken for right.
        theirs: what is compared with it.
        is_distribution: whether a place's scores are the logarithms of probabilities, but for a number.
        is_one: whether the places of a row are one answer, whose divergences add up: many that hardly ever differ
            would hide the few that do.
    """
    differences, spreads, divergences, agreed = [], [], [], []
    for one, other in zip(ours, theirs, strict=True):
        a, b = one.astype(np.float64), other.astype(np.float64)
        differences.append(np.abs(a - b).max(axis=1))
        spreads.append(a.var(axis=1))
        if is_distribution:
            first, second = log_softmax(a), log_softmax(b)
            divergence = (np.exp(first) * (first - second)).sum(axis=1)
            divergences.append(divergence.sum(keepdims=True) if is_one else divergence)
            agreed.append(a.argmax(axis=1) == b.argmax(axis=1))
    largest = float(np.concatenate(differences).max())
    deviation = float(np.sqrt(np.concatenate(spreads).mean()))
    kl = np.concatenate(divergences) if divergences else None
    return ScoreParity(
        rows=len(ours),
        places=sum(len(row) for row in ours),
        largest_difference=largest,
        deviation=deviation,
        relative_difference=largest / max(deviation, 1e-30),
        mean_divergence=None if kl is None else float(np.maximum(kl, 0.0).mean()),
        largest_divergence=None if kl is None else float(np.maximum(kl, 0.0).max()),
        agreement=float(np.concatenate(agreed).mean()) if agreed else None,
    )


def log_softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the logarithms of probabilities, [places, outputs], that scores stand for."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    normalized: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return normalized


def as_json(parity: TokenParity | ScoreParity | Bounds) -> dict[str, Any]:
    """Returns JSON values; numbers have six digits."""
    return {
        key: float(f"{value:.6g}") if isinstance(value, float) else list(value) if isinstance(value, tuple) else value
        for key, value in asdict(parity).items()
    }
