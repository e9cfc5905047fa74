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
    likelier = shares > shares[chosen] * 1.001  # two that differ by rounding alone may be taken either way round
    assert shares[likelier].sum() < top_p + 1e-5


@pytest.mark.parametrize("wrong", [{"max_tokens": 0}, {"temperature": -1.0}, {"top_p": 0.0}, {"top_p": 1.5}])
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        SamplingSettings(**wrong)  # type: ignore[arg-type]


def drawn_before(logits: torch.Tensor, settings: SamplingSettings, generator: torch.Generator) -> int:
    """`choose_token` as it was when it knew temperature and top-p alone."""
    if settings.temperature < 1e-6:
        return int(logits.argmax())
    probabilities = ((logits.float() - logits.max()) / settings.temperature).softmax(dim=-1)
    if settings.top_p < 1:
        ordered, order = probabilities.sort(descending=True)
        before = ordered.cumsum(dim=-1) - ordered
        probabilities = torch.zeros_like(ordered).scatter(-1, order, ordered.where(before < settings.top_p, 0.0))
    return int(torch.multinomial(probabilities, 1, generator=generator))


@given(
    st.lists(st.floats(-20, 20), min_size=1, max_size=60),
    st.sampled_from([0.0, 0.3, 0.8, 1.0, 2.0]),
    st.sampled_from([0.1, 0.95, 1.0]),
    st.integers(0, 2**40),
)
def test_old_settings_and_seeds_give_the_tokens_they_gave(
    logits: list[float], temperature: float, top_p: float, seed: int
) -> None:
    settings, scores = SamplingSettings(temperature=temperature, top_p=top_p, seed=seed), torch.tensor(logits)
    one, other = (torch.Generator().manual_seed(seed) for _ in range(2))
    for _ in range(5):
        assert choose_token(scores, settings, one) == drawn_before(scores, settings, other)
