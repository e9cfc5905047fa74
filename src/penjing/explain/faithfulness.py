"""Faithfulness by deletion (DeYoung et al. 2020, ERASER, arXiv 1911.03429, section 4.2): is the ranking what counts?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from penjing.explain.attribution import Scores
from penjing.explain.log_odds import chances
from penjing.explain.reading import Reading
from penjing.inference.engine import LabelScorer

SHARES = (0.01, 0.05, 0.10, 0.20, 0.50)  # of the words, as in the paper


def deletion_scores(
    engine: LabelScorer, reading: Reading, label: int, rankings: Sequence[Scores], *, asks_each: bool = False
) -> list[tuple[float, float]]:
    """Returns comprehensiveness and sufficiency of each ranking.

    With the k% highest words taken, comprehensiveness is p(text) - p(text without them), sufficiency
    p(text) - p(nothing but them), each the mean over `SHARES`; at least one word is taken. The words deleted are gone:
    nothing stands in their place.

    Args:
        engine: gives the probabilities.
        reading: the text.
        label: number of the label that is explained.
        rankings: scores of the words, [words] each; words that the model did not read are left out.
        asks_each: see `penjing.explain.log_odds.log_odds`.
    """
    read = np.flatnonzero(reading.is_read)
    everything = np.ones(len(reading.words), dtype=np.bool_)
    rows = [reading.keep(everything)]
    for scores in rankings:
        order = read[np.argsort(-scores[read], kind="stable")]
        for share in SHARES:
            is_taken = np.zeros(len(reading.words), dtype=np.bool_)
            is_taken[order[: int(np.ceil(share * len(read)))]] = True
            rows += [reading.keep(~is_taken), reading.keep(is_taken)]
    probabilities = chances(engine.score(rows), asks_each=asks_each)[:, label]
    losses = (probabilities[0] - probabilities[1:]).reshape(len(rankings), len(SHARES), 2).mean(axis=1)
    return [(float(without), float(only)) for without, only in losses]
