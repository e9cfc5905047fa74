from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from penjing.inference.decoding.speculation import accept_drawn, accept_likeliest, share_taken

VOCAB, DRAFTED, TIMES = 5, 2, 40000


@given(st.lists(st.integers(0, 3), max_size=5), st.integers(0, 999))
def test_greedy_text_is_what_it_is_without_drafts(drafted: list[int], seed: int) -> None:
    logits = np.random.default_rng(seed).normal(size=(len(drafted) + 1, 4))
    taken = accept_likeliest(logits, drafted)
    assert taken == logits.argmax(axis=1)[: len(taken)].tolist()
    assert taken[:-1] == drafted[: len(taken) - 1]
    assert len(taken) == len(drafted) + 1 or taken[-1] != drafted[len(taken) - 1]


def distributions(seed: int, places: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(VOCAB, 0.5), size=places)


@pytest.mark.parametrize("seed", range(4))
def test_tokens_are_distributed_as_the_model_draws_them(seed: int) -> None:
    """The first token, and the second after each first, whatever the draft model thinks; chi-square."""
    first = distributions(seed, 1)[0]
    second = distributions(seed + 50, VOCAB)  # after each first token
    drafting_first, drafting_second = distributions(seed + 100, 1)[0], distributions(seed + 150, VOCAB)
    third = distributions(seed + 200, 1)[0]
    rng = np.random.default_rng(seed)
    counts = np.zeros((VOCAB, VOCAB + 1))
    for _ in range(TIMES):
        one = int(rng.choice(VOCAB, p=drafting_first))
        two = int(rng.choice(VOCAB, p=drafting_second[one]))
        target = np.stack([first, second[one], third])
        draft = np.stack([drafting_first, drafting_second[one]])
        taken = accept_drawn(target, draft, [one, two], rng.random(DRAFTED), rng.random())
        follows = taken[1] if len(taken) > 1 else int(rng.choice(VOCAB, p=second[taken[0]]))  # in the next step
        counts[taken[0], follows] += 1
    expected = first[:, None] * second * TIMES
    often = expected >= 5
    measured = ((counts[:, :VOCAB] - expected) ** 2 / expected)[often].sum()
    assert stats.chi2.sf(measured, often.sum() - 1) > 1e-3


def test_share_that_is_taken_over_is_what_the_distributions_have_in_common() -> None:
    target, draft = distributions(1, 2), distributions(2, 1)
    rng = np.random.default_rng(0)
    taken = 0
    for _ in range(TIMES):
        token = int(rng.choice(VOCAB, p=draft[0]))
        taken += len(accept_drawn(target, draft, [token], rng.random(1), rng.random())) == 2
    assert taken / TIMES == pytest.approx(share_taken(target[0], draft[0]), abs=0.01)


def test_draft_of_the_same_distribution_is_taken_over_always() -> None:
    same = distributions(3, 2)
    rng = np.random.default_rng(0)
    for _ in range(500):
        token = int(rng.choice(VOCAB, p=same[0]))
        assert accept_drawn(same, same[:1], [token], rng.random(1), rng.random())[0] == token


def test_token_that_the_model_never_writes_is_never_taken_over() -> None:
    target, draft = np.array([[0.0, 1.0], [0.5, 0.5]]), np.array([[1.0, 0.0]])
    for chance in (0.0, 0.5, 0.999999):
        assert accept_drawn(target, draft, [0], np.array([chance]), 0.3) == [1]
