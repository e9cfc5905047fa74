"""An even sample of texts in bounded memory, whatever the order and the batches in which they come."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

import numpy as np

_BATCH = 1024


class Reservoir:
    """Texts drawn evenly until they have so many bytes; all of them where they have fewer.

    Every text gets a random number; those with the lowest are kept until together they reach the bytes wanted (sampling
    by keys: Efraimidis & Spirakis 2006, Information Processing Letters 97, with equal weights). The n-th text has the
    same number however the texts are batched.

    Args:
        most_bytes: of UTF-8, after which the sample is full; the last text may go beyond.
        seed: decides the draw.
    """

    def __init__(self, most_bytes: float, seed: int) -> None:
        self._most, self._random = most_bytes, np.random.default_rng(seed)
        self._held: list[tuple[float, int, int, str]] = []  # the highest number first, by its negative
        self.seen, self.seen_bytes, self.bytes = 0, 0, 0

    def add(self, texts: list[str]) -> None:
        """Draws from some more texts."""
        for text, number in zip(texts, self._random.random(len(texts)).tolist(), strict=True):
            size = len(text.encode("utf-8", "surrogatepass"))
            self.seen_bytes += size
            if self._is_full and number > -self._held[0][0]:
                self.seen += 1
                continue
            heapq.heappush(self._held, (-number, self.seen, size, text))
            self.seen += 1
            self.bytes += size
            while self.bytes - self._held[0][2] >= self._most:
                self.bytes -= heapq.heappop(self._held)[2]

    @property
    def _is_full(self) -> bool:
        return self.bytes >= self._most

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[list[str]]:
        """Yields the texts drawn, in batches, in the order in which they came."""
        ordered = sorted(self._held, key=lambda held: held[1])
        for start in range(0, len(ordered), _BATCH):
            yield [text for _, _, _, text in ordered[start : start + _BATCH]]


def draw_texts(batches: Iterable[list[str]], most_bytes: float, seed: int) -> Reservoir:
    """Returns a sample of all the texts."""
    drawn = Reservoir(most_bytes, seed)
    for batch in batches:
        drawn.add(batch)
    return drawn
