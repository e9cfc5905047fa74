"""The learning rate over a run, as a factor of its highest value."""

from __future__ import annotations

import math


def learning_rate_factor(done: float, warmup: float, schedule: str) -> float:
    """Returns the factor at a share of the run.

    Args:
        done: share of the run, 0 to 1.
        warmup: share over which the factor rises linearly from 0 to 1.
        schedule: how it falls to 0 afterwards: ``linear``, ``cosine`` (Loshchilov & Hutter 2017, arXiv 1608.03983,
            without restarts) or ``constant`` (not at all).
    """
    if done < warmup:
        return done / warmup
    if schedule == "constant":
        return 1.0
    left = max(0.0, (1.0 - done) / max(1e-12, 1.0 - warmup))
    return left if schedule == "linear" else 0.5 * (1.0 - math.cos(math.pi * left))
