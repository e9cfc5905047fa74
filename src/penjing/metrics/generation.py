"""How varied texts are that a model wrote, beside real texts that go on from the same beginnings.

    distinct-n   = different n-grams / n-grams, of all texts together (Li et al. 2016, arXiv 1510.03055)
    repetition   = mean over texts of 1 - different 4-grams / 4-grams (seq-rep-4 of Welleck et al. 2020, arXiv
                   1908.04319)

Words are those of `penjing.metrics.texts.list_words`: each Chinese character is one, punctuation is none. The more
words there are, the rarer are new ones: so of each pair, the written and the real text, distinct-n counts as many words
as the shorter one has. A text of fewer than four words has no repetition, and does not count there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penjing.metrics.interval import Floats, Score, bootstrap_many, count_differing, include_zero, jackknife
from penjing.metrics.texts import check_texts, list_words

_SIZES = (1, 2, 3)
_REPEATED = 4  # words


@dataclass(frozen=True)
class SampleScores:
    """Scores of texts; each holds ``distinct_1`` to ``distinct_3``, ``repetition`` and ``length``, in words.

    Attributes:
        written: of the texts that a model wrote.
        real: of the real ones.
        difference: of the first less the second, on the same rows.
    """

    written: dict[str, Score]
    real: dict[str, Score]
    difference: dict[str, Score]


def sample_scores(written: Sequence[str], real: Sequence[str], resamples: int = 1000, seed: int = 0) -> SampleScores:
    """Measures texts beside real ones; intervals are of 95%: for distinct-n by the jackknife, else by the bootstrap.

    Args:
        written: what a model wrote, [rows].
        real: what truly follows, [rows].
        resamples: bootstrap resamples.
        seed: of the resamples.

    Raises:
        DataError: there are no texts, or not as many of both.

    >>> found = sample_scores(["on and on and on and on"], ["the sun rose over a hill"])
    >>> round(found.written["distinct_1"].value, 3), found.written["repetition"].value, found.real["repetition"].value
    (0.333, 0.5, 0.0)
    """
    check_texts(written=written, real=real)
    words = [[list_words(text) for text in texts] for texts in (written, real)]
    shorter = [min(len(ours), len(theirs)) for ours, theirs in zip(*words, strict=True)]
    scores: list[dict[str, Score]] = [{}, {}, {}]
    for size in _SIZES:
        grams = [[ngrams(row[:kept], size) for row, kept in zip(rows, shorter, strict=True)] for rows in words]
        (ours, without), (theirs, without_theirs) = map(_distinct, grams)
        found = [(ours, without), (theirs, without_theirs), (ours - theirs, without - without_theirs)]
        differing = sum(one != other for one, other in zip(*grams, strict=True))
        for kept_scores, (value, left) in zip(scores, found, strict=True):
            kept_scores[f"distinct_{size}"] = jackknife(value, left)
        for kept_scores in scores[:2]:
            share = kept_scores[f"distinct_{size}"]
            kept_scores[f"distinct_{size}"] = Score(share.value, max(0.0, share.low), min(1.0, share.high))
        scores[2][f"distinct_{size}"] = include_zero(scores[2][f"distinct_{size}"], differing)
    rates = [np.array([repetition(row) for row in rows]) for rows in words]  # NaN where there is none
    lengths = [np.array([len(row) for row in rows], dtype=np.float64) for rows in words]
    drawn = bootstrap_many(_means, [*rates, *lengths], resamples, seed)
    for name, triple, (one, other) in (("repetition", drawn[:3], rates), ("length", drawn[3:], lengths)):
        gap = include_zero(triple[2], count_differing(one - other))
        for kept_scores, score in zip(scores, (triple[0], triple[1], gap), strict=True):
            kept_scores[name] = score
    return SampleScores(*scores)


def ngrams(words: Sequence[str], size: int) -> list[tuple[str, ...]]:
    """Returns the runs of so many words, in order.

    >>> ngrams(["a", "b", "c"], 2)
    [('a', 'b'), ('b', 'c')]
    """
    return list(zip(*(words[start:] for start in range(size)), strict=False))


def repetition(words: Sequence[str]) -> float:
    """Returns the share of a text's runs of four words that it has had before; NaN where there are none."""
    runs = ngrams(words, _REPEATED)
    return 1.0 - len(set(runs)) / len(runs) if runs else float("nan")


def _distinct(rows: Sequence[Sequence[tuple[str, ...]]]) -> tuple[float, Floats]:
    """Returns different n-grams over n-grams, of all rows and without each, [rows]; NaN where there is none."""
    holders = Counter(gram for row in rows for gram in set(row))
    alone = np.array([sum(holders[gram] == 1 for gram in set(row)) for row in rows], dtype=np.float64)
    counts = np.array([len(row) for row in rows], dtype=np.float64)
    total = counts.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        without: Floats = (len(holders) - alone) / (total - counts)
    return (len(holders) / float(total) if total else float("nan")), without


def _means(
    weights: Floats, rate: Floats, real_rate: Floats, length: NDArray[np.float64], real_length: NDArray[np.float64]
) -> Floats:
    """Returns mean repetition of both and its difference, and the same of lengths, [resamples, 6]."""
    ours, theirs = _mean(weights, rate), _mean(weights, real_rate)
    mine, yours = _mean(weights, length), _mean(weights, real_length)
    return np.stack([ours, theirs, ours - theirs, mine, yours, mine - yours], axis=1)


def _mean(weights: Floats, values: Floats) -> Floats:
    defined = np.isfinite(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(weights @ np.where(defined, values, 0.0) / (weights @ defined), dtype=np.float64)
