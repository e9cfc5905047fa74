"""Fits n-grams to labelled rows, and finds out how much they are to count beside a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from penjing.progress import Progress, stop_if_asked
from penjing.text.ngrams import Keys, NgramRule, NgramTable, Numbers, mix, presence

Classes = NDArray[np.int64]
STRENGTHS = (4.0, 16.0, 64.0)  # C: the smaller, the more large weights are held back
SHARES = tuple(round(0.05 * step, 2) for step in range(11))  # of the n-grams, 0 to a half
_MOST_NGRAMS = 1_000_000  # those that most rows have
_MOST_ITERATIONS = 1000


class Rows(NamedTuple):
    """Rows with a label each.

    Attributes:
        keys: the different n-grams of each row.
        labels: its class, [rows].
    """

    keys: Sequence[Keys]
    labels: Classes


@dataclass(frozen=True)
class Beside:
    """N-grams that stand beside a network.

    Attributes:
        table: of the n-grams.
        share: how much of a logit is theirs, from 0; the rest is the network's.
        strength: C of the regression.
        loss: of both together on the rows that chose, in nats.
        loss_alone: of the network alone there.
    """

    table: NgramTable
    share: float
    strength: float
    loss: float
    loss_alone: float


def fit_table(rows: Rows, labels: int, rule: NgramRule, strength: float) -> NgramTable:
    """Fits a table; see `penjing.text.ngrams`.

    Args:
        rows: to learn from, of two labels or more.
        labels: how many there are, seen or not.
        rule: what counts as an n-gram.
        strength: C of the regressions.
    """
    return _Counted(rows, labels, rule).fit(strength)


def fit_beside(
    rows: Rows, validation: Rows, network: Numbers, labels: int, rule: NgramRule, progress: Progress
) -> Beside:
    """Fits tables by several strengths, and takes the one, and the share, with the least loss on validation rows.

    Args:
        rows: to learn from.
        validation: to choose by.
        network: its logits of those, [validation rows, labels].
        labels: how many there are.
        rule: what counts as an n-gram.
        progress: is told of each strength.

    Raises:
        Interrupted: somebody asked to stop.
    """
    counted = _Counted(rows, labels, rule)
    found: list[Beside] = []
    alone = mean_loss(network, validation.labels)
    with progress.bar("n-grams", len(STRENGTHS), "fits") as bar:
        for strength in STRENGTHS:
            stop_if_asked(progress)
            table = counted.fit(strength)
            ngrams = table.score_keys(validation.keys)
            losses = {share: mean_loss(mix(network, ngrams, share), validation.labels) for share in SHARES}
            share = min(losses, key=lambda share: losses[share])
            found.append(Beside(table, share, strength, losses[share], alone))
            bar.advance(1)
    return min(found, key=lambda beside: beside.loss)


def mean_loss(logits: Numbers, labels: Classes) -> float:
    """Returns the cross-entropy of logits [rows, labels] in nats, the mean over the rows."""
    right = logits[np.arange(len(labels)), labels]
    return float(np.mean(np.logaddexp.reduce(logits, axis=1) - right))


class _Counted:
    """Training rows whose n-grams are counted."""

    def __init__(self, rows: Rows, labels: int, rule: NgramRule) -> None:
        known, counts = np.unique(np.concatenate([*rows.keys, np.empty(0, dtype=np.int64)]), return_counts=True)
        commonest = np.sort(np.argsort(-counts, kind="stable")[:_MOST_NGRAMS])
        self._known, self._rule = known[commonest], rule
        self._has = presence(rows.keys, self._known)
        # of two labels one question is asked, for the second
        self._asked = [rows.labels == label for label in (range(labels) if labels > 2 else [1])]
        self._ratios = [_log_ratios(self._has, asked) for asked in self._asked]

    def fit(self, strength: float) -> NgramTable:
        columns = [self._fit_one(*asked, strength) for asked in zip(self._asked, self._ratios, strict=True)]
        return NgramTable(
            self._rule,
            self._known,
            np.stack(self._ratios, axis=1).astype(np.float32),
            np.stack([weights for weights, _ in columns], axis=1).astype(np.float32),
            np.array([bias for _, bias in columns]),
        )

    def _fit_one(self, is_label: NDArray[np.bool_], ratios: Numbers, strength: float) -> tuple[Numbers, float]:
        from scipy.sparse import diags_array
        from sklearn.linear_model import LogisticRegression
        from sklearn.preprocessing import normalize

        if is_label.all() or not is_label.any():  # nothing to tell apart: no row has the label, or each
            return np.zeros(len(ratios)), 10.0 if is_label.all() else -10.0
        read = normalize(self._has @ diags_array(ratios))
        fitted = LogisticRegression(C=strength, max_iter=_MOST_ITERATIONS).fit(read, is_label)
        return fitted.coef_[0], float(fitted.intercept_[0])


def _log_ratios(has: object, is_label: NDArray[np.bool_]) -> Numbers:
    """Returns by how many nats each n-gram is commoner in rows of a label, [ngrams]; 1 is added to each count."""
    counted = [1.0 + np.asarray(has[rows].sum(axis=0)).ravel() for rows in (is_label, ~is_label)]  # type: ignore[index]
    inside, outside = (counts / counts.sum() for counts in counted)
    return np.asarray(np.log(inside / outside), dtype=np.float64)
