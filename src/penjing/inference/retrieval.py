"""Passages for a question: lexical search and vectors, their ranks put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penjing.inference.bm25 import LexicalIndex
from penjing.inference.embedding import TextEncoder

_CONSTANT = 60  # Cormack et al. 2009, section 2
_DEPTH = 200  # passages of each ranking that count


@dataclass(frozen=True)
class Retriever:
    """Finds passages.

    Attributes:
        lexical: of the passages.
        encoder: makes vectors; None: terms alone count.
        vectors: of the passages, [passages, dim]; None where there is no encoder.
    """

    lexical: LexicalIndex
    encoder: TextEncoder | None = None
    vectors: NDArray[np.float32] | None = None

    def search(self, query: str, most: int) -> list[int]:
        """Returns the numbers of the best passages, the best first; none that has nothing in common.

        Args:
            query: what is looked for.
            most: how many.
        """
        rankings = [rank_scores(self.lexical.score(query), _DEPTH)]
        if self.encoder is not None and self.vectors is not None:
            near = self.vectors @ self.encoder.encode_query(query)
            rankings.append(rank_scores(np.asarray(near, dtype=np.float64), _DEPTH))
        return fuse_ranks(rankings)[:most]


def rank_scores(scores: NDArray[np.float64], most: int) -> list[int]:
    """Returns the places of the highest scores above 0, the highest first, the earlier of two alike first."""
    order = np.argsort(-scores, kind="stable")[:most]
    return [int(place) for place in order if scores[place] > 0]


def fuse_ranks(rankings: Sequence[Sequence[int]], constant: int = _CONSTANT) -> list[int]:
    """Returns what several rankings hold, by the sum of 1 / (constant + rank), the best first (reciprocal rank fusion).

    Cormack, Clarke & Büttcher 2009, SIGIR, section 2; ranks are counted from 1.

    Args:
        rankings: each the best first.
        constant: how little the first ranks count more than the next.

    >>> fuse_ranks([[7, 3, 5], [3, 9]])
    [3, 7, 9, 5]
    """
    sums: dict[int, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            sums[item] = sums.get(item, 0.0) + 1.0 / (constant + rank)
    return sorted(sums, key=lambda item: -sums[item])
