"""How a text is continued; apart, for the command line says it before torch is there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from penjing.errors import UsageError

COLD = 1e-6  # a temperature below takes the likeliest: it has all the probability that fp32 can tell from 1


@dataclass(frozen=True)
class SamplingSettings:
    """How a text is continued.

    Scores are changed in this order: the penalties, the bias, the temperature; then the tokens are cut by ``top_k``,
    ``top_p`` and ``min_p``, and one of those that are left is drawn.

    Attributes:
        max_tokens: most tokens that are added.
        temperature: divides the logits: below 1 likely tokens become likelier, 0 takes the likeliest always.
        top_p: only the likeliest tokens that have this much probability together are drawn from (Holtzman et al. 2020,
            arXiv 1904.09751); 1: all.
        seed: decides what is drawn.
        top_k: only so many of the likeliest are drawn from (Fan et al. 2018, arXiv 1805.04833); 0: all.
        min_p: only tokens are drawn that are at least this share as likely as the likeliest (Nguyen et al. 2024, arXiv
            2407.01082); 0: all.
        repetition_penalty: logits of tokens that the prompt or the text has are divided by it where positive, else
            multiplied (Keskar et al. 2019, arXiv 1909.05858, sec. 4.1); 1: nothing changes.
        presence_penalty: taken from the logits of tokens that were written.
        frequency_penalty: taken from the logits of tokens that were written, once for each time (both as OpenAI's
            interface defines them).
        logit_bias: added to the logits of tokens, by their numbers.
        no_repeat_ngram_size: no run of so many tokens comes twice in what is written; 0: it may.

    Raises:
        UsageError: a number is impossible.
    """

    max_tokens: int = 100
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 0
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: Mapping[int, float] = field(default_factory=dict, hash=False)
    no_repeat_ngram_size: int = 0

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise UsageError(f"max_tokens is {self.max_tokens}", do="Ask for at least one token.")
        if not 0 <= self.temperature < float("inf"):
            raise UsageError(f"temperature is {self.temperature}", do="Give 0, for the likeliest token, or more.")
        if not 0 <= self.seed < 2**63:
            raise UsageError(f"seed is {self.seed}", do="Give a whole number from 0 to below 2^63.")
        if not 0 < self.top_p <= 1:
            raise UsageError(f"top_p is {self.top_p}", do="Give a share above 0, at most 1.")
        if self.top_k < 0:
            raise UsageError(f"top_k is {self.top_k}", do="Give 0, for all tokens, or how many are drawn from.")
        if not 0 <= self.min_p <= 1:
            raise UsageError(f"min_p is {self.min_p}", do="Give a share from 0, for all tokens, to 1.")
        if not 0 < self.repetition_penalty < float("inf"):
            do = "Give 1, for none, or a number above 0."
            raise UsageError(f"repetition_penalty is {self.repetition_penalty}", do=do)
        for name in ("presence_penalty", "frequency_penalty"):
            if not math.isfinite(value := getattr(self, name)):
                raise UsageError(f"{name} is {value}", do="Give 0, for none, or another number.")
        check_repeats(self.no_repeat_ngram_size)
        for token, bias in self.logit_bias.items():
            if token < 0 or not math.isfinite(bias):
                do = "Give numbers of tokens, from 0, and what is added to the logit of each."
                raise UsageError(f"logit_bias of token {token} is {bias}", do=do)

    @property
    def is_greedy(self) -> bool:
        """Whether the likeliest token is taken always."""
        return self.temperature < COLD or self.top_k == 1

    @property
    def changes_logits(self) -> bool:
        """Whether there is a penalty or a bias."""
        return self.has_penalty or bool(self.logit_bias)

    @property
    def has_penalty(self) -> bool:
        """Whether what a text has already counts."""
        return self.repetition_penalty != 1 or self.presence_penalty != 0 or self.frequency_penalty != 0


def check_repeats(size: int) -> None:
    """Refuses runs of less than no tokens.

    Raises:
        UsageError: that is asked for.
    """
    if size < 0:
        do = "Give 0, where repeats may be, or the tokens of a run that comes once."
        raise UsageError(f"no_repeat_ngram_size is {size}", do=do)


def check_bias(settings: SamplingSettings, vocab_size: int) -> None:
    """Refuses a bias of a token that a model does not have.

    Raises:
        UsageError: it has not so many.
    """
    if settings.logit_bias and (most := max(settings.logit_bias)) >= vocab_size:
        do = f"Give numbers below {vocab_size}."
        raise UsageError(f"logit_bias names token {most}, and the model has {vocab_size}", do=do)
