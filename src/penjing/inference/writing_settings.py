"""How texts are written; apart, for a recipe says it before torch is there."""

from __future__ import annotations

import math
from dataclasses import dataclass

from penjing.errors import UsageError
from penjing.inference.sampling_settings import check_repeats


@dataclass(frozen=True)
class WritingSettings:
    """How texts are written.

    Attributes:
        max_tokens: most tokens of each.
        beams: how many beginnings of each text are kept (beam search); 1: the likeliest token is taken always.
        length_penalty: complete texts compare by log-probability / tokens ** length_penalty, as in Transformers, where
            more favors longer ones and 0 the likeliest; the formula of Wu et al. 2016, arXiv 1609.08144, eq. 14, is
            another, ((5 + tokens) / 6) ** length_penalty. Not read where there is one beam.
        temperature: 0: the likeliest texts are written; else tokens are drawn, as
            `penjing.inference.sampling.SamplingSettings` says.
        top_p: of tokens that are drawn.
        seed: decides what is drawn, with the prompt.
        no_repeat_ngram_size: no run of so many tokens comes twice in a text, what it is written to not counted; 0: it
            may. Transformers counts a decoder's prompt too.
        batch_tokens: most tokens of prompts in a batch, padding included; each counts once for every beam.

    Raises:
        UsageError: a number is impossible.
    """

    max_tokens: int = 128
    beams: int = 1
    length_penalty: float = 1.0
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    no_repeat_ngram_size: int = 0
    batch_tokens: int = 4096

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise UsageError(f"max_tokens is {self.max_tokens}", do="Ask for at least one token.")
        if self.beams < 1:
            raise UsageError(f"beams is {self.beams}", do="Give 1, for the likeliest token always, or more.")
        if not math.isfinite(self.length_penalty):
            raise UsageError(f"length_penalty is {self.length_penalty}", do="Give 1, or another number.")
        if self.temperature and self.beams > 1:
            raise UsageError(
                f"temperature is {self.temperature} and beams is {self.beams}",
                do="Draw tokens with one beam, or look for the likeliest text with temperature 0.",
            )
        check_repeats(self.no_repeat_ngram_size)
        if self.batch_tokens < 1:
            raise UsageError(f"batch_tokens is {self.batch_tokens}", do="Give the tokens of a batch, at least 1.")
