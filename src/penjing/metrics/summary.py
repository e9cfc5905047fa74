"""Scores of summaries: ROUGE (Lin 2004), how long they are, and how much of them is copied.

ROUGE is that of the package rouge-score without its stemmer, to the digit where references are English (a test holds
them together), and here for other scripts too. The stemmer is left out because it knows English only and needs a
library of its own; published scores mostly use it, and it raises them: those of the first sentences of SciTLDR and
DialogSum by half a point of a hundred to three. The signature says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from penjing.metrics.interval import Floats, bootstrap_many, include_zero
from penjing.metrics.texts import Words, check_references, choose_words, count_references

SCORES = ("rouge1", "rouge2", "rougeL", "length", "reference_length", "coverage")
_COMPARED = ("rouge1", "rouge2", "rougeL", "length", "coverage")  # both have the same references


def summary_scores(
    written: Sequence[str],
    references: Sequence[str | Sequence[str]],
    sources: Sequence[str],
    *,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """Measures summaries against their references, with percentile bootstrap intervals over rows at 95%.

    Words are chosen by the references (`penjing.metrics.texts.choose_words`): single characters where those are
    Chinese, Japanese, Thai or of another script without spaces. Punctuation counts nowhere. Of several references the
    one counts by which the row is best, for each kind of ROUGE by itself, as ``score_multi`` of rouge-score has it.

    Args:
        written: the summaries, [rows]; an empty one counts, and its scores are 0.
        references: what they should say, one each or several, [rows].
        sources: what they sum up, [rows].
        resamples: bootstrap resamples.
        seed: of the resamples.

    Returns:
        JSON values: ``rows``; ``unit``, ``words`` or ``characters``; ``scores``, each ``{"value", "low", "high"}``:
        ``rouge1``, ``rouge2`` and ``rougeL``, the mean F1 from 0 to 1; ``length`` and ``reference_length``, the mean
        units of texts and references (of several, their mean); ``coverage``, the mean share of a text that is copied
        from its source, as `copied_share`; ``signature``, how ROUGE was computed.

    Raises:
        DataError: there are no rows, or not a reference and a source for each text.
        UsageError: ``resamples`` is below 1.
    """
    wanted = check_references(written, references, sources=sources)
    words = _choose_words(wanted)
    scores = bootstrap_many(_means, [_measure(written, wanted, sources, words)], resamples, seed)
    return {
        "rows": len(written),
        "unit": words.unit,
        "scores": {name: score.to_dict() for name, score in zip(SCORES, scores, strict=True)},
        "signature": {"rouge": f"nrefs:{count_references(wanted)}|case:lc|tok:{words.name}|stem:no|score:f1"},
    }


def summary_difference(
    written: Sequence[str],
    other: Sequence[str],
    references: Sequence[str | Sequence[str]],
    sources: Sequence[str],
    *,
    resamples: int,
    seed: int,
) -> dict[str, dict[str, float]]:
    """Compares two summaries of the same texts: the scores of the first less those of the second.

    Both are scored on the same resamples (Koehn 2004). Where fewer than six rows differ in a score, zero is always in
    its interval, as in `penjing.metrics.interval.paired_difference`.

    Args:
        written: the one's summaries, [rows].
        other: the other's, [rows].
        references: what they should say, one each or several, [rows].
        sources: what they sum up, [rows].
        resamples: bootstrap resamples.
        seed: of the resamples.

    Returns:
        JSON values: ``rouge1``, ``rouge2``, ``rougeL``, ``length`` and ``coverage``, each ``{"value", "low", "high"}``.

    Raises:
        DataError: there are no rows, or not a reference and a source for each text.
        UsageError: ``resamples`` is below 1.
    """
    wanted = check_references(written, references, other=other, sources=sources)
    measure = partial(_measure, references=wanted, sources=sources, words=_choose_words(wanted))
    gaps = (measure(written) - measure(other))[:, [SCORES.index(name) for name in _COMPARED]]
    scores = bootstrap_many(_means, [gaps], resamples, seed)
    disagreements = np.count_nonzero(gaps, axis=0)
    return {
        name: include_zero(score, int(count)).to_dict()
        for name, score, count in zip(_COMPARED, scores, disagreements, strict=True)
    }


def sentence_rouge(written: str, references: Sequence[str]) -> float:
    """Returns the ROUGE-1 of one text by the reference that fits best, from 0 to 1: to order texts, not to publish."""
    words = choose_words(references)
    return max(rouge_n(words.split(written), words.split(reference), 1) for reference in references)


def rouge_n(written: Sequence[str], reference: Sequence[str], size: int) -> float:
    """Returns the F1 of the runs of ``size`` words that a text shares with its reference (Lin 2004, section 2).

    Args:
        written: words of the text.
        reference: words of the reference.
        size: words in a run.
    """
    own, wanted = _runs(written, size), _runs(reference, size)
    return _f1((own & wanted).total(), own.total(), wanted.total())


def rouge_l(written: Sequence[str], reference: Sequence[str]) -> float:
    """Returns the F1 of the longest common subsequence of a text and its reference (Lin 2004, section 3.1)."""
    return _f1(common_subsequence(written, reference), len(written), len(reference))


def common_subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    """Returns the length of the longest common subsequence.

    A row of the table is one whole number, a bit for each word of the first (Hyyrö 2004, Bit-parallel LCS-length
    computation revisited, figure 3), so that it costs a few operations for each word of the second.

    >>> common_subsequence("the cat sat on the mat".split(), "the mat sat".split())
    2
    """
    places: dict[str, int] = {}
    for place, word in enumerate(first):
        places[word] = places.get(word, 0) | 1 << place
    every = (1 << len(first)) - 1
    row = every  # a bit that is not set: the subsequence grows by the word at that place
    for word in second:
        matches = row & places.get(word, 0)
        row = ((row + matches) | (row - matches)) & every
    return len(first) - row.bit_count()


def copied_share(written: Sequence[str], source: Sequence[str]) -> float:
    """Returns the extractive fragment coverage of a summary (Grusky et al. 2018, arXiv 1804.11283, eq. 2).

    That is the share of its words that lie in a run of words which the source has too. A run may be a single word, so
    the greedy search for runs in the paper ends with all words that occur in the source, and they are counted directly.
    Where the units are characters it is high for nearly every text.

    Args:
        written: words of the summary; of none, 0 are copied.
        source: words of what it sums up.
    """
    known = set(source)
    return sum(word in known for word in written) / max(1, len(written))


def _choose_words(references: Sequence[Sequence[str]]) -> Words:
    return choose_words([reference for row in references for reference in row])


def _measure(
    written: Sequence[str], references: Sequence[Sequence[str]], sources: Sequence[str], words: Words
) -> Floats:
    """Returns the `SCORES` of each row, [rows, scores]."""
    rows = np.zeros((len(written), len(SCORES)))
    for number, (text, several, source) in enumerate(zip(written, references, sources, strict=True)):
        own, wanted = words.split(text), [words.split(reference) for reference in several]
        rouge = [(rouge_n(own, one, 1), rouge_n(own, one, 2), rouge_l(own, one)) for one in wanted]
        best, length = np.max(rouge, axis=0), np.mean([len(one) for one in wanted])
        rows[number] = (*best, len(own), length, copied_share(own, words.split(source)))
    return rows


def _runs(words: Sequence[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[start : start + size]) for start in range(len(words) - size + 1))


def _f1(both: int, own: int, wanted: int) -> float:
    return 2.0 * both / (own + wanted) if own + wanted else 0.0


def _means(weights: Floats, rows: Floats) -> Floats:
    return np.asarray(weights @ rows / weights.sum(axis=1, keepdims=True), dtype=np.float64)
