"""Baselines of several labels are given by the threshold that is best, or at their word where they are sure."""

from __future__ import annotations

import numpy as np
import pytest

from penjing.data.reading import LabelSetRows
from penjing.evaluate.multilabel import evaluate_multilabel_baselines
from penjing.progress import Silent
from penjing.tasks.multilabel import MULTILABEL

LABELS = ("price", "service", "taste")


def rows(*sets: tuple[str, ...]) -> LabelSetRows:
    return LabelSetRows([f"text {number}" for number in range(len(sets))], list(sets))


@pytest.mark.parametrize("frequent", [(), ("price",)])
def test_the_most_frequent_set_is_given_as_it_is(frequent: tuple[str, ...]) -> None:
    train = rows(*[frequent] * 6, LABELS, ("taste",))
    held = rows(*[LABELS] * 8, frequent)  # all labels would have the higher micro-F1
    given = np.zeros((9, 3), dtype=np.bool_)
    scores, _ = evaluate_multilabel_baselines(
        MULTILABEL, LABELS, (train, held, held), given, resamples=20, seed=0, progress=Silent()
    )
    assert scores["frequent-set"]["threshold"] == 0.5
    assert "ece" not in scores["frequent-set"]["scores"]  # it gives no probabilities
    assert 0 < scores["tfidf-each"]["scores"]["ece"]["value"] < 1
    assert scores["frequent-set"]["scores"]["exact_match"]["value"] == pytest.approx(1 / 9)
