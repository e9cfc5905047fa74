"""How often a language model finds the good sentence of a minimal pair likelier than the bad one."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penjing.data.minimal_pairs import MinimalPair
from penjing.errors import DataError
from penjing.inference.language_model import MeasurableModel
from penjing.metrics.minimal_pairs import grouped_accuracies, mean_accuracy, pair_outcomes, set_accuracy
from penjing.progress import Progress

Floats = NDArray[np.float64]

#: Token ids of sentences, each after the start token → the log-probability of each, in nats.
SentenceScorer = Callable[[Sequence[Sequence[int]]], Floats]


def evaluate_minimal_pairs(
    model: MeasurableModel,
    pairs: Sequence[MinimalPair],
    *,
    resamples: int,
    seed: int,
    progress: Progress,
    pairs_per_set: int | None = None,
    baselines: Mapping[str, SentenceScorer] | None = None,
) -> dict[str, Any]:
    """Measures a language model on minimal pairs (BLiMP; Warstadt et al. 2020, arXiv 1912.00582).

    Whole sentences are compared: by their log-probability after the start token, without an end token; with a model
    that guesses hidden tokens, by their pseudo-log-likelihood. A tie, as where both sentences are the same tokens,
    counts one half.

    Args:
        model: what is measured.
        pairs: what it is asked.
        resamples: bootstrap resamples behind the interval of a mean over sets.
        seed: of the resamples, and of the sample of pairs.
        progress: told how many tokens were scored.
        pairs_per_set: the most pairs of a set that are asked, drawn by the seed; None: all.
        baselines: further ways to score the same tokens, by name.

    Returns:
        JSON values: ``accuracy``, the mean over sets; ``by_field``, ``by_term`` and ``by_set``, each name → accuracy
        with its interval; ``pairs`` asked of ``pairs_given``; ``pairs_per_set``; ``ties``; ``measure``; ``baselines``,
        name → accuracy, with that of a coin.

    Raises:
        DataError: there are no pairs, or the model gives no finite probability.
    """
    if not pairs:
        raise DataError("there are no pairs to measure", do="Give at least one pair.")
    asked = sample_pairs(pairs, pairs_per_set, seed)
    good, bad = model.render([pair.good for pair in asked]), model.render([pair.bad for pair in asked])
    whole = model.scorer.reads_both_sides  # the end token is part of what is seen, and never guessed

    def ask(sentences: Sequence[Sequence[int]]) -> Floats:
        return model.scorer.measure(sentences if whole else [ids[:-1] for ids in sentences], progress).log_probabilities

    outcomes = _compare(good, bad, ask)
    coin: dict[str, Any] = {"value": 0.5, "low": 0.5, "high": 0.5}
    compared = {
        name: mean_accuracy(
            list(_by_set(asked, _compare([ids[:-1] for ids in good], [ids[:-1] for ids in bad], score)).values()),
            resamples,
            seed,
        ).to_dict()
        for name, score in (baselines or {}).items()
    }
    return {
        **_summarize(asked, outcomes, resamples, seed),
        "pairs_given": len(pairs),
        "pairs_per_set": pairs_per_set,
        "measure": "pseudo-log-likelihood" if whole else "log-probability",
        "baselines": {"random": coin, **compared},
    }


def sample_pairs(pairs: Sequence[MinimalPair], pairs_per_set: int | None, seed: int) -> list[MinimalPair]:
    """Returns so many pairs of each set, drawn without replacement, in the order given; the same seed draws the same.

    What is drawn from a set does not depend on which other sets there are.
    """
    if pairs_per_set is None:
        return list(pairs)
    rows: dict[str, list[int]] = {}
    for row, pair in enumerate(pairs):
        rows.setdefault(pair.set_name, []).append(row)
    kept: list[int] = []
    for name, found in rows.items():
        generator = np.random.default_rng([seed, zlib.crc32(name.encode("utf-8", "surrogatepass"))])
        kept += generator.permutation(found)[:pairs_per_set].tolist()
    return [pairs[row] for row in sorted(kept)]


def _compare(good: list[list[int]], bad: list[list[int]], score: SentenceScorer) -> Floats:
    """Returns the outcome of each pair; a sentence that comes more than once is scored once."""
    number: dict[tuple[int, ...], int] = {}
    rows = [[number.setdefault(tuple(ids), len(number)) for ids in side] for side in (good, bad)]
    scores = score([list(ids) for ids in number])
    if not np.isfinite(scores).all():
        raise DataError(
            "the model gives no finite probability for a sentence",
            do="Its weights are damaged, or its training diverged; copy the model again, or train it again.",
        )
    return pair_outcomes(scores[rows[0]], scores[rows[1]])


def _by_set(pairs: Sequence[MinimalPair], outcomes: Floats) -> dict[str, Floats]:
    names = np.array([pair.set_name for pair in pairs])
    return {str(name): outcomes[names == name] for name in sorted({pair.set_name for pair in pairs})}


def _summarize(pairs: Sequence[MinimalPair], outcomes: Floats, resamples: int, seed: int) -> dict[str, Any]:
    sets = _by_set(pairs, outcomes)
    fields = {pair.set_name: pair.field for pair in pairs}
    terms = {pair.set_name: pair.term for pair in pairs}

    def grouped(groups: Mapping[str, str]) -> dict[str, Any]:
        found = grouped_accuracies(sets, groups, resamples, seed)
        return {name: {**score.to_dict(), "sets": list(groups.values()).count(name)} for name, score in found.items()}

    return {
        "pairs": len(pairs),
        "sets": len(sets),
        "ties": int((outcomes == 0.5).sum()),
        "accuracy": mean_accuracy(list(sets.values()), resamples, seed).to_dict(),
        "by_field": grouped(fields),
        "by_term": grouped(terms),
        "by_set": {name: {**set_accuracy(found).to_dict(), "pairs": len(found)} for name, found in sets.items()},
    }
