from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.train.schedule import learning_rate_factor


@given(st.floats(0, 1), st.floats(0, 0.9), st.sampled_from(["linear", "cosine", "constant"]))
def test_factor_stays_between_zero_and_one(done: float, warmup: float, schedule: str) -> None:
    assert 0.0 <= learning_rate_factor(done, warmup, schedule) <= 1.0


@pytest.mark.parametrize(("schedule", "middle"), [("linear", 0.5), ("cosine", 0.5), ("constant", 1.0)])
def test_factor_rises_then_falls(schedule: str, middle: float) -> None:
    assert learning_rate_factor(0.05, 0.1, schedule) == pytest.approx(0.5)
    assert learning_rate_factor(0.1, 0.1, schedule) == pytest.approx(1.0)
    assert learning_rate_factor(0.55, 0.1, schedule) == pytest.approx(middle)
