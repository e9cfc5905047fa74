"""Which token comes next."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from penjing.errors import UsageError

_COLD = 1e-6  # below, the likeliest token has all the probability that fp32 can tell from 1


@dataclass(frozen=True)
class SamplingSettings:
    """How a text is continued.

    Attributes:
        max_tokens: most tokens that are added.
        temperature: divides the logits: below 1 likely tokens become likelier, 0 takes the likeliest always.
        top_p: only the likeliest tokens that have this much probability together are drawn from (Holtzman et al. 2020,
            arXiv 1904.09751); 1: all.
        seed: decides what is drawn.

    Raises:
        UsageError: a number is impossible.
    """

    max_tokens: int = 100
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise UsageError(f"max_tokens is {self.max_tokens}", do="Ask for at least one token.")
        if not 0 <= self.temperature < float("inf"):
            raise UsageError(f"temperature is {self.temperature}", do="Give 0, for the likeliest token, or more.")
        if not 0 <= self.seed < 2**63:
            raise UsageError(f"seed is {self.seed}", do="Give a whole number from 0 to below 2^63.")
        if not 0 < self.top_p <= 1:
            raise UsageError(f"top_p is {self.top_p}", do="Give a share above 0, at most 1.")


def choose_token(logits: Tensor, settings: SamplingSettings, generator: torch.Generator) -> int:
    """Returns the next token.

    Args:
        logits: one for each entry of the vocabulary, [vocab].
        settings: how it is chosen.
        generator: all randomness comes from it.
    """
    if settings.temperature < _COLD:
        return int(logits.argmax())
    probabilities = ((logits.float() - logits.max()) / settings.temperature).softmax(dim=-1)
    if settings.top_p < 1:
        ordered, order = probabilities.sort(descending=True)
        before = ordered.cumsum(dim=-1) - ordered  # probability of all likelier tokens
        probabilities = torch.zeros_like(ordered).scatter(-1, order, ordered.where(before < settings.top_p, 0.0))
    return int(torch.multinomial(probabilities, 1, generator=generator))
