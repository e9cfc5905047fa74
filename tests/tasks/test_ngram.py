"""The trigram baseline is the one of the papers: it agrees with a slow one, and is a probability."""

from __future__ import annotations

import itertools
import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable

import numpy as np
import pytest

from penjing.errors import DataError, UsageError
from penjing.tasks.baselines.ngram import NgramModel, fit_ngram, join_documents

VOCAB, START, END = 11, 0, 1


def random_documents(count: int, seed: int) -> list[list[int]]:
    """Documents whose tokens hang together: each likes two tokens after it."""
    rng = np.random.default_rng(seed)
    documents = []
    for _ in range(count):
        ids = [START]
        for _ in range(int(rng.integers(0, 12))):
            last = ids[-1]
            ids.append(int(rng.choice([2 + last % 7, 2 + 3 * last % 7, int(rng.integers(2, VOCAB - 1))])))
        documents.append([*ids, END])  # the last entry of the vocabulary never comes
    return documents


def fit(documents: list[list[int]]) -> NgramModel:
    return fit_ngram(*join_documents(documents), VOCAB)


def reference(documents: list[list[int]]) -> Callable[[int, int, int], float]:
    """Interpolated modified Kneser-Ney with dictionaries (Chen & Goodman 1998)."""
    triples: Counter[tuple[int, ...]] = Counter()
    for ids in documents:
        padded = [ids[0], *ids]
        triples.update(zip(padded, padded[1:], padded[2:], strict=False))
    pairs = Counter(gram[1:] for gram in triples)
    singles = Counter(gram[1:] for gram in pairs)
    orders = []
    for grams in (singles, pairs, triples):
        of = Counter(grams.values())
        usual = (0.5, 1.0, 1.5)
        found: tuple[float, ...] = usual
        if of[1] and of[2] and of[3]:
            y = of[1] / (of[1] + 2 * of[2])
            found = (1 - 2 * y * of[2] / of[1], 2 - 3 * y * of[3] / of[2], 3 - 4 * y * of[4] / of[3])
            if not all(0 < d < k for k, d in enumerate(found, start=1)):
                found = usual
        following = defaultdict(list)
        for gram, count in grams.items():
            following[gram[:-1]].append(count)
        orders.append((grams, found, following))

    def probability(*gram: int) -> float:
        lower = probability(*gram[1:]) if len(gram) > 1 else 1 / VOCAB
        grams, discounts, following = orders[len(gram) - 1]
        counts = following.get(gram[:-1])
        if not counts:
            return lower
        own, total = grams.get(gram, 0), sum(counts)
        kept = own - discounts[min(own, 3) - 1] if own else 0.0
        freed = sum(discounts[min(count, 3) - 1] for count in counts)
        return kept / total + freed / total * lower

    return probability


@pytest.mark.parametrize("count", [1, 3, 40, 800])
def test_probabilities_are_those_of_a_slow_reference(count: int) -> None:
    documents = random_documents(count, seed=count)
    model, slow = fit(documents), reference(documents)
    grams = list(itertools.product(range(VOCAB), repeat=3))
    found = model.probabilities([gram[:2] for gram in grams], [gram[2] for gram in grams])
    assert found == pytest.approx([slow(*gram) for gram in grams], rel=1e-9)


@pytest.mark.parametrize("count", [1, 40, 800])
def test_probabilities_of_the_vocabulary_add_up_to_one_after_every_context(count: int) -> None:
    model = fit(random_documents(count, seed=1))
    grams = list(itertools.product(range(VOCAB), repeat=3))
    found = model.probabilities([gram[:2] for gram in grams], [gram[2] for gram in grams]).reshape(-1, VOCAB)
    assert found.sum(axis=1) == pytest.approx(np.ones(VOCAB**2), abs=1e-12)
    assert (found > 0).all()


def test_surprisal_of_a_document_is_that_of_its_tokens_and_its_end() -> None:
    documents = random_documents(60, seed=2)
    model, slow = fit(documents[:40]), reference(documents[:40])
    expected = []
    for ids in documents[40:]:
        padded = [ids[0], *ids]
        grams = zip(padded, padded[1:], padded[2:], strict=False)
        expected.append(-sum(math.log(slow(*gram)) for gram in grams))
    assert model.surprisals(documents[40:]) == pytest.approx(expected)
    assert model.surprisals([[START], [], [START, END]])[:2].tolist() == [0.0, 0.0]


def test_whole_documents_within_the_limit_are_counted() -> None:
    documents = [[START, 2, 3, END]] * 10
    assert fit_ngram(*join_documents(documents), VOCAB, most_tokens=9).tokens == 6
    assert fit_ngram(*join_documents(documents), VOCAB, most_tokens=2).tokens == 3
    assert fit_ngram(*join_documents(documents), VOCAB).tokens == 30


def test_shard_of_small_integers_is_read_as_it_is() -> None:
    tokens, offsets = join_documents(random_documents(50, seed=3))
    wide, small = fit_ngram(tokens, offsets, VOCAB), fit_ngram(tokens.astype(np.uint16), offsets, VOCAB)
    assert np.array_equal(wide.unigrams, small.unigrams)


def test_nothing_to_count_and_foreign_tokens_are_refused() -> None:
    for documents in ([], [[START]]):
        with pytest.raises(DataError, match="no text for the n-gram baseline"):
            fit(documents)
    with pytest.raises(DataError, match="there is a token 11, and the vocabulary has 11 entries"):
        fit([[START, VOCAB, END]])
    with pytest.raises(UsageError, match="the vocabulary has 3,000,000 entries"):
        fit_ngram(*join_documents([[START, END]]), 3_000_000)


@pytest.mark.slow
def test_five_million_tokens_take_less_than_a_minute() -> None:
    rng = np.random.default_rng(0)
    tokens = np.minimum(rng.zipf(1.3, size=5_200_000), 8191).astype(np.int64)
    offsets = np.arange(0, len(tokens) + 1, 100)
    began = time.perf_counter()
    model = fit_ngram(tokens[:5_000_000], offsets[:50_001], 8192)
    model.surprisals(list(tokens[5_000_000:].reshape(-1, 100)))
    assert time.perf_counter() - began < 60
