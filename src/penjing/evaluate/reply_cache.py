"""A cache of what was said, beside a model: words that were said before are likelier to be said again.

A language model with a cache mixes its own distribution with one over the tokens before (Kuhn & De Mori 1990, "A
cache-based natural language model for speech recognition", IEEE PAMI 12:6), those said last counting most (Clarkson &
Robinson 1997, "Language model adaptation using mixtures and an exponentially decaying cache", ICASSP):

    p(token) = (1 - share) p_model(token | what was said, the reply so far) + share p_cache(token | what was said)

    p_cache(token) = sum of w_i over the places i where it was said, i from the end; w_i = 2^(-i / 40), over their sum

A small model learns to write, and hardly to repeat the rare words that it has just read. These tell what a reply has to
do with what was said.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SHARES = (0.0, 0.05, 0.1, 0.2, 0.3)  # of the cache: the one that is best on the validation dialogues
_HALF_LIFE = 40.0  # tokens after which a word said counts half


class Cache:
    """How often each token was said.

    Args:
        said: the token ids that were read.
        marks: ids that are no words, such as those that a template sets around a turn.
    """

    def __init__(self, said: Sequence[int], marks: Collection[int]) -> None:
        self._shares: dict[int, float] = {}
        for age, token in enumerate(reversed(said)):
            if token not in marks:
                self._shares[token] = self._shares.get(token, 0.0) + 2.0 ** (-age / _HALF_LIFE)
        total = sum(self._shares.values())
        self._shares = {token: weight / total for token, weight in self._shares.items()}

    def look_up(self, tokens: Sequence[int]) -> Floats:
        """Returns the probability of each token, [tokens]; zero for one that was not said."""
        return np.array([self._shares.get(token, 0.0) for token in tokens], dtype=np.float64)


@dataclass(frozen=True)
class ReadReplies:
    """Replies that were read after what was said.

    Attributes:
        nats: log-probability of each token by the model, all replies one after another, [tokens].
        cached: probability of each by the cache, [tokens].
        starts: where each reply begins, int64 [replies].
    """

    nats: Floats
    cached: Floats
    starts: NDArray[np.int64]

    def add_up(self, share: float) -> Floats:
        """Returns the log-probability of each reply in nats, [replies]; ``share`` is that of the cache."""
        if not share:  # to the bit what the model says
            return np.add.reduceat(self.nats, self.starts)
        mixed = (1.0 - share) * np.exp(self.nats) + share * self.cached
        return np.add.reduceat(np.log(np.maximum(mixed, np.finfo(np.float64).tiny)), self.starts)
