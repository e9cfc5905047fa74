from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor
from transformers.generation import logits_process

from penjing.errors import PenjingError, UsageError
from penjing.inference.decoding.request import Token
from penjing.inference.decoding.sampler import NoTokenError, Sampler, SampleState
from penjing.inference.sampling import SamplingSettings, check_bias, choose_token

SETTINGS = st.builds(
    SamplingSettings,
    temperature=st.sampled_from([0.0, 0.3, 1.0, 1.7]),
    top_p=st.sampled_from([1.0, 0.95, 0.5, 0.01]),
    top_k=st.sampled_from([0, 1, 2, 40, 1000]),
    min_p=st.sampled_from([0.0, 0.05, 0.9]),
    seed=st.integers(0, 2**63 - 1),
    repetition_penalty=st.sampled_from([1.0, 1.3, 0.8]),
    presence_penalty=st.sampled_from([0.0, 0.7]),
    frequency_penalty=st.sampled_from([0.0, 0.4, -0.2]),
    logit_bias=st.sampled_from([{}, {0: 3.0, 2: -100.0}]),
)


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def make_logits(rows: int, vocab: int, seed: int, spread: float = 3.0) -> Tensor:
    return torch.randn(rows, vocab, generator=torch.Generator().manual_seed(seed)) * spread


def draw_many(logits: Tensor, settings: SamplingSettings, times: int) -> Counter[int]:
    """Draws at one place with many seeds, in batches."""
    found: Counter[int] = Counter()
    for first in range(0, times, 500):
        states = [SampleState(replace(settings, seed=seed)) for seed in range(first, first + 500)]
        found.update(token.id for token in Sampler().choose(logits.repeat(500, 1), states))
    return found


def warped(logits: Tensor, settings: SamplingSettings) -> Tensor:
    """Probabilities as Transformers reckons them."""
    scores, ids = logits[None], torch.zeros(1, 1, dtype=torch.long)
    steps: list[Any] = [logits_process.TemperatureLogitsWarper(settings.temperature)]
    if settings.top_k:
        steps.append(logits_process.TopKLogitsWarper(settings.top_k))
    if settings.top_p < 1:
        steps.append(logits_process.TopPLogitsWarper(settings.top_p))
    if settings.min_p:
        steps.append(logits_process.MinPLogitsWarper(settings.min_p))
    for step in steps:
        scores = step(ids, scores)
    return scores.softmax(dim=-1)[0]


@pytest.mark.parametrize(
    "settings",
    [
        SamplingSettings(),
        SamplingSettings(temperature=0.6),
        SamplingSettings(top_k=5),
        SamplingSettings(top_p=0.8),
        SamplingSettings(min_p=0.1),
        SamplingSettings(temperature=1.4, top_k=30, top_p=0.9, min_p=0.02),
    ],
    ids=str,
)
def test_tokens_are_drawn_as_often_as_transformers_has_them_likely(settings: SamplingSettings) -> None:
    logits = make_logits(1, 150, 1, spread=1.5)[0]
    drawn, expected = draw_many(logits, settings, 20000), warped(logits, settings).double() * 20000
    assert set(drawn) <= set(expected.nonzero().ravel().tolist())
    often = [token for token in range(150) if expected[token] >= 5]
    rest = 20000 - sum(drawn[token] for token in often), 20000 - float(sum(expected[token] for token in often))
    pairs = [(drawn[token], float(expected[token])) for token in often] + ([rest] if rest[1] > 1 else [])
    measured = sum((seen - wanted) ** 2 / wanted for seen, wanted in pairs)
    assert stats.chi2.sf(measured, len(pairs) - 1) > 1e-3


@pytest.mark.parametrize("vocab", [7, 64, 1000, 32000])
@profile(max_examples=12)
@given(given_settings=st.lists(SETTINGS, min_size=2, max_size=6), seed=st.integers(0, 99))
def test_row_alone_gives_what_it_gives_in_a_batch(
    vocab: int, given_settings: list[SamplingSettings], seed: int
) -> None:
    logits = make_logits(len(given_settings), vocab, seed)
    assert_alone_as_together(logits, [make_state(settings, vocab, seed) for settings in given_settings])


def test_row_alone_gives_what_it_gives_in_a_batch_on_any_number_of_threads(threads: int) -> None:
    logits = make_logits(9, 50257, 4, spread=1.0)
    assert_alone_as_together(logits, [SampleState(SamplingSettings(seed=row), (), row % 3) for row in range(9)])
    together = Sampler().choose(logits.clone(), [SampleState(SamplingSettings(seed=row), (), 2) for row in range(9)])
    torch.set_num_threads(1)
    alone = Sampler().choose(logits.clone(), [SampleState(SamplingSettings(seed=row), (), 2) for row in range(9)])
    assert together == alone


def make_state(settings: SamplingSettings, vocab: int, seed: int) -> SampleState:
    rng = np.random.default_rng(seed)
    state = SampleState(settings, rng.integers(0, vocab, 5).tolist(), logprobs=seed % 4)
    for token in rng.integers(0, vocab, seed % 30).tolist():
        state.accept(token)
    return state


def assert_alone_as_together(logits: Tensor, states: Sequence[SampleState]) -> None:
    together = Sampler().choose(logits.clone(), states)
    for row, state in enumerate(states):
        assert Sampler().choose(logits[row : row + 1].clone(), [state]) == [together[row]]


@given(SETTINGS, st.integers(0, 99), st.sampled_from([3, 90, 9000]), st.floats(0.01, 6))
def test_drawn_token_is_one_that_transformers_keeps(
    settings: SamplingSettings, seed: int, vocab: int, spread: float
) -> None:
    settings = replace(settings, logit_bias={}, repetition_penalty=1, presence_penalty=0, frequency_penalty=0)
    settings = replace(settings, top_p=settings.top_p - 1e-4 if settings.top_p < 1 else 1)
    logits = make_logits(1, vocab, seed, spread)
    (token,) = Sampler().choose(logits.clone(), [SampleState(settings)])
    if settings.is_greedy:
        assert token.id == logits.argmax()
    else:
        # A hair wider, for sums of many numbers are rounded otherwise there.
        wider = replace(
            settings, top_p=settings.top_p + 1e-4 if settings.top_p < 1 else 1, min_p=settings.min_p * 0.999
        )
        assert warped(logits[0], wider)[token.id] > 0


@pytest.mark.parametrize("spread", [0.01, 1.0, 8.0])
@pytest.mark.parametrize("top_p", [0.05, 0.5, 0.95])
def test_top_p_keeps_the_fewest_that_reach_it_in_a_large_vocabulary(top_p: float, spread: float) -> None:
    """Drawn from both ends of what is kept: the last of the order of the vocabulary, and the least likely."""
    probabilities = make_logits(1, 40000, 3, spread)[0].double().softmax(-1)
    ordered = probabilities.sort(descending=True)
    kept = int((ordered.values.cumsum(-1) - ordered.values < top_p).sum())
    drawn = draw_many(probabilities.float().log(), SamplingSettings(top_p=top_p), 2000)
    ranks = {int(token): rank for rank, token in enumerate(ordered.indices.tolist())}
    assert max(ranks[token] for token in drawn) <= kept
    if kept <= 20:
        assert len(drawn) >= kept - 1


@pytest.mark.parametrize("values", [[1.0, 1.0, 1.0], [5.0, 5.0, 0.0]])
def test_top_k_of_one_takes_the_first_of_the_likeliest(values: list[float]) -> None:
    states = [SampleState(SamplingSettings(top_k=1, seed=seed)) for seed in range(20)]
    assert {token.id for token in Sampler().choose(torch.tensor([values]).repeat(20, 1), states)} == {0}


def test_seed_and_position_decide_what_is_drawn() -> None:
    logits = make_logits(1, 500, 0, spread=0.1)

    def write(seed: int, tokens: int) -> list[int]:
        state, found = SampleState(SamplingSettings(seed=seed)), []
        for _ in range(tokens):
            found.append(Sampler().choose(logits.clone(), [state])[0].id)
            state.accept(found[-1])
        return found

    assert write(7, 150) == write(7, 150)
    assert write(7, 150)[:100] == write(7, 100)
    assert write(7, 150) != write(8, 150)
    assert len(set(write(7, 150))) > 100


def test_random_numbers_are_even_over_seeds_and_over_positions() -> None:
    over_seeds = [SampleState(SamplingSettings(seed=seed)).draw() for seed in range(2000)]
    over_positions, state = [], SampleState(SamplingSettings(seed=3))
    for _ in range(2000):
        over_positions.append(state.draw())
        state.accept(0)
    for numbers in (over_seeds, over_positions):
        assert stats.kstest(numbers, "uniform").pvalue > 1e-3
        assert abs(np.corrcoef(numbers[1:], numbers[:-1])[0, 1]) < 0.08


def test_repetition_penalty_is_that_of_transformers() -> None:
    logits, prompt, written = make_logits(1, 50, 2), [4, 4, 9, 30], [9, 7, 7]
    theirs = logits_process.RepetitionPenaltyLogitsProcessor(1.7)(torch.tensor([prompt + written]), logits.clone())
    assert torch.equal(changed(logits, SamplingSettings(repetition_penalty=1.7), prompt, written), theirs[0])


def test_bias_is_that_of_transformers() -> None:
    logits = make_logits(1, 50, 2)
    theirs = logits_process.SequenceBiasLogitsProcessor([[[3], 2.5], [[8], -1.0]])(torch.tensor([[1]]), logits.clone())
    assert torch.equal(changed(logits, SamplingSettings(logit_bias={3: 2.5, 8: -1.0}), [], []), theirs[0])


def test_presence_and_frequency_count_what_was_written_alone() -> None:
    """mu[j] - c[j] * frequency - float(c[j] > 0) * presence, as OpenAI writes it."""
    logits, settings = make_logits(1, 10, 2), SamplingSettings(presence_penalty=0.5, frequency_penalty=0.25)
    expected = logits[0].clone()
    expected[7] -= 0.5 + 2 * 0.25
    expected[9] -= 0.5 + 0.25
    torch.testing.assert_close(changed(logits, settings, [4, 9], [9, 7, 7]), expected)


def changed(logits: Tensor, settings: SamplingSettings, prompt: list[int], written: list[int]) -> Tensor:
    state, copied = SampleState(settings, prompt), logits.clone()
    for token in written:
        state.accept(token)
    Sampler().choose(copied, [state])
    return copied[0]


def test_what_is_supposed_ahead_counts_like_what_is_accepted() -> None:
    settings = SamplingSettings(seed=5, repetition_penalty=1.5, frequency_penalty=0.5, no_repeat_ngram_size=1)
    supposed, logits = [3, 3, 8], make_logits(1, 60, 6)
    ahead = SampleState(settings, [1, 2]).ahead(supposed)
    state = SampleState(settings, [1, 2])
    for place in range(4):
        one, other = logits.clone(), logits.clone()
        assert Sampler().choose(one, [state]) == Sampler().choose(other, [ahead[place]])
        assert torch.equal(one, other)
        if place < 3:
            state.accept(supposed[place])


@pytest.mark.parametrize(
    "settings", [SamplingSettings(temperature=0), SamplingSettings(logit_bias={5: 50.0}, top_p=0.5)]
)
def test_log_probabilities_are_those_of_the_model_alone(settings: SamplingSettings) -> None:
    logits = make_logits(2, 300, 1)
    expected = logits.double().log_softmax(-1)
    for row, token in enumerate(Sampler().choose(logits.clone(), [SampleState(settings, (), 4) for _ in range(2)])):
        assert token.logprob == pytest.approx(float(expected[row, token.id]), abs=1e-5)
        values, ids = expected[row].topk(4)
        assert [found for found, _ in token.top] == ids.tolist()
        assert [score for _, score in token.top] == pytest.approx(values.tolist(), abs=1e-5)


def test_log_probabilities_are_told_to_those_who_asked() -> None:
    states = [SampleState(SamplingSettings(temperature=0), (), wanted) for wanted in (None, 0, 1)]
    first, second, third = Sampler().choose(make_logits(1, 5, 0).repeat(3, 1), states)
    assert first == Token(first.id)
    assert second.logprob < 0
    assert second.top == ()
    assert third.top == ((third.id, third.logprob),)


def test_more_log_probabilities_than_tokens_are_all_of_them() -> None:
    (token,) = Sampler().choose(torch.zeros(1, 3), [SampleState(SamplingSettings(temperature=0), (), 20)])
    assert [found for found, _ in token.top] == [0, 1, 2]
    assert token.top[0][1] == pytest.approx(math.log(1 / 3))


class Only:
    """A constraint that allows some tokens."""

    def __init__(self, allowed: list[bool]) -> None:
        self.mask, self.accepted = np.array(allowed), list[int]()

    def allowed(self) -> NDArray[np.bool_]:
        return self.mask

    def accept(self, token: int) -> None:
        self.accepted.append(token)


@pytest.mark.parametrize("temperature", [0.0, 2.0])
def test_only_what_a_constraint_allows_is_chosen(temperature: float) -> None:
    """Also where it knows fewer tokens than the model scores."""
    constraint = Only([False, True, False, True])
    logits, settings = torch.tensor([[9.0, 1.0, 9.0, 1.2, 9.0]]), SamplingSettings(temperature=temperature)
    states = [SampleState(replace(settings, seed=seed), (), None, constraint) for seed in range(50)]
    found = {token.id for token in Sampler().choose(logits.repeat(50, 1), states)}
    assert found == ({3} if temperature == 0 else {1, 3})
    states[0].accept(3)
    assert constraint.accepted == [3]


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), -float("inf")])
def test_row_without_a_token_is_named(broken: float) -> None:
    logits = torch.zeros(3, 4)
    logits[1] = broken
    with pytest.raises(NoTokenError, match="no token can be chosen") as raised:
        Sampler().choose(logits, [SampleState(SamplingSettings(seed=seed)) for seed in range(3)])
    assert raised.value.rows == (1,)


@pytest.mark.parametrize(
    "wrong",
    [
        {"top_k": -1},
        {"min_p": 1.1},
        {"min_p": -0.1},
        {"repetition_penalty": 0.0},
        {"no_repeat_ngram_size": -1},
        {"repetition_penalty": float("nan")},
        {"presence_penalty": float("inf")},
        {"frequency_penalty": float("nan")},
        {"logit_bias": {3: float("nan")}},
        {"logit_bias": {-1: 1.0}},
    ],
    ids=str,
)
def test_impossible_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        SamplingSettings(**wrong)


def test_bias_of_a_token_that_is_not_there_is_refused() -> None:
    check_bias(SamplingSettings(logit_bias={9: 1.0}), 10)
    with pytest.raises(UsageError, match="logit_bias names token 10, and the model has 10"):
        check_bias(SamplingSettings(logit_bias={10: 1.0}), 10)


@given(SETTINGS, st.integers(0, 99))
def test_one_by_one_the_same_tokens_are_kept_as_in_a_batch(settings: SamplingSettings, seed: int) -> None:
    """`choose_token`, which draws with another stream."""
    logits, prompt, written = make_logits(1, 40, seed)[0], [1, 2, 2], [2, 5]
    generator = torch.Generator().manual_seed(seed)
    found = {choose_token(logits, settings, generator, prompt, written) for _ in range(10)}
    state = SampleState(settings, prompt)
    for token in written:
        state.accept(token)
    scores = logits.clone().numpy()
    state.change(scores)
    if settings.is_greedy:
        assert found == {int(scores.argmax())}
    else:
        wider = replace(settings, top_p=min(1.0, settings.top_p + 1e-5), min_p=settings.min_p * 0.999)
        kept = warped(torch.from_numpy(scores), wider)
        assert all(kept[token] > 0 for token in found)


class Failing(Only):
    """A constraint that cannot be followed."""

    def allowed(self) -> NDArray[np.bool_]:
        raise PenjingError("the grammar cannot be followed")


def test_row_whose_bias_is_for_no_token_is_named() -> None:
    states = [SampleState(SamplingSettings(logit_bias={9: 1.0} if row == 2 else {})) for row in range(3)]
    with pytest.raises(NoTokenError, match="not in the vocabulary") as raised:
        Sampler().choose(torch.zeros(3, 4), states)
    assert raised.value.rows == (2,)


def test_row_whose_constraint_fails_is_named_and_the_others_are_chosen_without_it() -> None:
    states = [SampleState(SamplingSettings(seed=seed)) for seed in range(3)]
    states[1].constraint = Failing([])
    with pytest.raises(NoTokenError, match="the grammar cannot be followed") as raised:
        Sampler().choose(torch.zeros(3, 4), states)
    assert raised.value.rows == (1,)
