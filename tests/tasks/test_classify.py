from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from penjing.errors import UsageError
from penjing.tasks.classify import decode_classes, softmax
from penjing.tasks.task import load_task

LOGITS = arrays(np.float64, (3, 4), elements=st.floats(-500, 500))


@given(LOGITS)
def test_softmax_is_that_of_torch(logits: np.ndarray) -> None:  # type: ignore[type-arg]
    expected = torch.softmax(torch.from_numpy(logits), dim=-1).numpy()
    assert softmax(logits) == pytest.approx(expected, abs=1e-12)


@given(LOGITS)
def test_label_is_the_one_with_the_largest_logit(logits: np.ndarray) -> None:  # type: ignore[type-arg]
    labels = ["a", "b", "c", "d"]
    for answer, row in zip(decode_classes(logits, labels, ["x", "y", "z"], [0, 1, 2]), logits, strict=True):
        assert row[labels.index(answer.label)] == pytest.approx(row.max(), abs=1e-9)
        assert answer.probability == max(answer.probabilities.values())


def test_sentiment_is_classification_with_names_of_its_own() -> None:
    classify, sentiment = load_task("classify"), load_task("sentiment")
    assert classify.label_names is None
    assert set((sentiment.label_names or {}).values()) == {"negative", "positive"}
    assert (sentiment.decode, sentiment.score) == (classify.decode, classify.score)
    assert set(sentiment.baselines) == {*classify.baselines, "lexicon", "lexicon-zh"}


def test_unknown_task_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match='Did you mean "sentiment"'):
        load_task("sentimnt")
