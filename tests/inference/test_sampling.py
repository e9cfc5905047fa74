from __future__ import annotations

from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from penjing.errors import UsageError
from penjing.inference.sampling import SamplingSettings, choose_token

LOGITS = torch.tensor([0.5, 0.1, 0.3, 0.1]).log()


def draw(settings: SamplingSettings, times: int = 4000) -> Counter[int]:
    generator = torch.Generator().manual_seed(settings.seed)
    return Counter(choose_token(LOGITS, settings, generator) for _ in range(times))


def test_tokens_are_drawn_as_often_as_they_are_likely() -> None:
    drawn = draw(SamplingSettings())
    for token, share in enumerate([0.5, 0.1, 0.3, 0.1]):
        assert drawn[token] / 4000 == pytest.approx(share, abs=0.03)  # four standard errors


def test_half_the_temperature_squares_the_odds() -> None:
    drawn = draw(SamplingSettings(temperature=0.5))
    assert drawn[0] / drawn[2] == pytest.approx((0.5 / 0.3) ** 2, rel=0.15)


def test_temperature_of_zero_takes_the_likeliest() -> None:
    assert draw(SamplingSettings(temperature=0), times=20) == {0: 20}


@pytest.mark.parametrize(
    ("top_p", "kept"), [(0.01, {0}), (0.5, {0}), (0.51, {0, 2}), (0.79, {0, 2}), (1.0, {0, 1, 2, 3})]
)
def test_only_the_likeliest_that_reach_top_p_together_are_drawn(top_p: float, kept: set[int]) -> None:
    assert set(draw(SamplingSettings(top_p=top_p))) == kept


@given(
    st.lists(st.floats(-20, 20), min_size=1, max_size=30), st.floats(0.01, 5), st.floats(0.01, 1), st.integers(0, 99)
)
def test_drawn_token_is_one_of_the_fewest_that_reach_top_p(
    logits: list[float], temperature: float, top_p: float, seed: int
) -> None:
    settings = SamplingSettings(temperature=temperature, top_p=top_p, seed=seed)
    chosen = choose_token(torch.tensor(logits), settings, torch.Generator().manual_seed(seed))
    shares = (torch.tensor(logits) / temperature).softmax(0)
    assert shares[shares > shares[chosen]].sum() < top_p + 1e-5


@pytest.mark.parametrize("wrong", [{"max_tokens": 0}, {"temperature": -1.0}, {"top_p": 0.0}, {"top_p": 1.5}])
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        SamplingSettings(**wrong)  # type: ignore[arg-type]
