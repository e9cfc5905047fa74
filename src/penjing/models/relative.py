"""Relative positions in buckets (Raffel et al. 2020, arXiv 1910.10683, section 2.1)."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def relative_buckets(distances: Tensor, *, buckets: int, longest: int, looks_ahead: bool) -> Tensor:
    """Returns the bucket of each distance, int64, of the shape of ``distances``.

    Half of the buckets are for one distance each, the others grow with its logarithm up to ``longest``; the last one
    takes all beyond. Where tokens look ahead too, one half of all buckets is for each direction.

    Args:
        distances: the key's position less the query's, int64.
        buckets: how many there are.
        longest: distances from here on share a bucket.
        looks_ahead: whether keys after the query count; otherwise they are as good as the query's own position.
    """
    if looks_ahead:
        buckets //= 2
        first = torch.where(distances > 0, buckets, 0)
        distances = distances.abs()
    else:
        first = torch.zeros_like(distances)
        distances = (-distances).clamp(min=0)
    exact = buckets // 2
    # The order of these operations is that of the hub: another rounds a few distances into the next bucket.
    steps = torch.log(distances.clamp(min=exact).float() / exact) / math.log(longest / exact) * (buckets - exact)
    grown = (exact + steps.long()).clamp(max=buckets - 1)
    return first + torch.where(distances < exact, distances, grown)


def relative_bias(
    weight: Tensor, *, time: int, keys: int, before: int, longest: int, looks_ahead: bool
) -> Tensor:  # [1, heads, time, keys]
    """Returns what is added to the score of each query and key, [1, heads, time, keys].

    A number is looked up for each distance, not for each pair, of which there are many more with few distances.

    Args:
        weight: a number for each bucket and head, [buckets, heads].
        time: queries.
        keys: keys; the first is at position 0.
        before: position of the first query.
        longest: see `relative_buckets`.
        looks_ahead: see there.
    """
    distances = torch.arange(1 - time - before, keys - before, device=weight.device)  # [time + keys - 1]
    found = relative_buckets(distances, buckets=len(weight), longest=longest, looks_ahead=looks_ahead)
    numbers = F.embedding(found, weight).t()  # [heads, time + keys - 1]
    # The last query's row begins with the first distance, the row of the query before it one further on.
    return numbers.unfold(1, keys, 1).flip(1)[None]
