"""Which drafted tokens a model takes over, such that it writes what it would without them.

Pure functions over probabilities, for drafts that are drawn. For drafts that are certain, as of a look-up, it suffices
to choose each token as without drafts, and to go on while it is the drafted one: a token x is taken over with the
probability p(x) then, which is min(1, p(x) / q(x)) where q(x) is 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def accept_likeliest(logits: Floats, drafted: Sequence[int]) -> list[int]:
    """Returns the tokens that a model which takes the likeliest always writes, as far as the drafts show them.

    Args:
        logits: of the model at the place of each drafted token, and at the one after, [drafted + 1, vocab].
        drafted: tokens that were supposed.

    Returns:
        The drafted ones that are right, and the one that comes after them.
    """
    chosen = np.asarray(logits).argmax(axis=1)
    right = 0
    while right < len(drafted) and drafted[right] == chosen[right]:
        right += 1
    return [*drafted[:right], int(chosen[right])]


def accept_drawn(target: Floats, draft: Floats, drafted: Sequence[int], chances: Floats, last: float) -> list[int]:
    """Returns tokens that are distributed as the model draws them, as far as the drafts go.

    Each drafted token is taken over with the probability min(1, p / q); where it is not, one is drawn from what p has
    more than q, and that is the last (Leviathan et al. 2023, arXiv 2211.17192, algorithm 1; theorem 3.5 for why).

    Args:
        target: probabilities p of the model at the place of each drafted token, and at the one after,
            [drafted + 1, vocab].
        draft: probabilities q that the drafted tokens were drawn with, [drafted, vocab].
        drafted: those tokens.
        chances: a random number from 0 to below 1 for each, [drafted].
        last: one more, for the token that is drawn at the end.
    """
    target, draft = np.asarray(target, np.float64), np.asarray(draft, np.float64)
    for place, token in enumerate(drafted):
        # At or above: where both are 0, nothing is taken over.
        if chances[place] * draft[place, token] >= target[place, token]:
            return [*drafted[:place], _draw(_surplus(target[place], draft[place]), last)]
    return [*drafted, _draw(target[len(drafted)], last)]


def share_taken(target: Floats, draft: Floats) -> float:
    """Returns the probability that a drafted token is taken over: the sum of min(p, q) (corollary 3.6 there)."""
    return float(np.minimum(np.asarray(target, np.float64), np.asarray(draft, np.float64)).sum())


def _surplus(target: Floats, draft: Floats) -> Floats:
    """Returns what the first distribution has more than the second; the first, where that is nothing but rounding."""
    more = np.maximum(target - draft, 0.0)
    return more if more.sum() > 1e-12 else target


def _draw(masses: Floats, random: float) -> int:
    ends = masses.cumsum()
    return int(min(ends.searchsorted(random * ends[-1], side="right"), np.flatnonzero(masses)[-1]))
