"""N-grams fitted to labelled rows, and their share beside a network."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize

from penjing.progress import Silent
from penjing.text.ngrams import NgramRule, which_ngrams
from penjing.train.ngrams import Rows, fit_beside, fit_table, mean_loss

RULE = NgramRule(length=2, vocab_size=30, marks=frozenset({0}))


def draw(count: int, labels: int, seed: int) -> tuple[list[list[int]], NDArray[np.int64]]:
    """Rows of tokens of which some are commoner with a label, and their labels."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, labels, count)
    rows = [
        [0, *np.where(rng.random(8) < 0.25, 1 + 3 * label + rng.integers(0, 3, 8), rng.integers(1, 30, 8)).tolist()]
        for label in truth
    ]
    return rows, truth


def rows_of(count: int, labels: int, seed: int) -> Rows:
    sequences, truth = draw(count, labels, seed)
    return Rows(which_ngrams(sequences, RULE), truth)


@pytest.mark.parametrize("labels", [2, 3])
def test_table_scores_as_scikit_learn_does_with_wang_and_mannings_features(labels: int) -> None:
    sequences, truth = draw(200, labels, seed=0)
    asked, _ = draw(50, labels, seed=1)
    texts, questions = ([" ".join(map(str, row[1:])) for row in part] for part in (sequences, asked))
    counter = CountVectorizer(token_pattern=r"\S+", ngram_range=(1, 2), binary=True)
    has = counter.fit_transform(texts)
    columns = []
    for label in range(labels) if labels > 2 else [1]:
        inside, outside = (1.0 + np.asarray(has[part].sum(axis=0)).ravel() for part in (truth == label, truth != label))
        ratios = np.log(inside / inside.sum() * outside.sum() / outside)
        fitted = LogisticRegression(C=4.0, max_iter=1000).fit(normalize(has.multiply(ratios).tocsr()), truth == label)
        columns.append(fitted.decision_function(normalize(counter.transform(questions).multiply(ratios).tocsr())))
    scores = fit_table(Rows(which_ngrams(sequences, RULE), truth), labels, RULE, 4.0).score(asked)
    wanted = np.stack(columns, axis=1)
    np.testing.assert_allclose(scores if labels > 2 else scores[:, 1:] - scores[:, :1], wanted, atol=1e-4)


def test_share_is_where_both_together_have_the_least_loss() -> None:
    train, validation = rows_of(400, 3, seed=0), rows_of(200, 3, seed=1)
    network = np.random.default_rng(2).normal(size=(200, 3)) + 1.5 * np.eye(3)[validation.labels]
    beside = fit_beside(train, validation, network, 3, RULE, Silent())
    assert 0 < beside.share <= 0.5
    assert beside.loss < beside.loss_alone == pytest.approx(mean_loss(network, validation.labels))


def test_network_that_knows_better_stays_alone() -> None:
    train, validation = rows_of(60, 2, seed=0), rows_of(60, 2, seed=1)
    network = 30.0 * np.eye(2)[validation.labels]
    assert fit_beside(train, validation, network, 2, RULE, Silent()).share == 0


def test_label_without_rows_is_the_least_likely() -> None:
    train = rows_of(200, 2, seed=0)
    scores = fit_table(train, 3, RULE, 4.0).score([[3, 4, 5]])
    assert scores[0].argmin() == 2
