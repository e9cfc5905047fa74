"""AdamW in one pass: the formula in float64, PyTorch's own, bf16 gradients and copies, threads, and its check."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from penjing.train.adamw import OnePassAdamW, adamw_library, can_step, is_right

pytestmark = pytest.mark.skipif(adamw_library() is None, reason="no C++ compiler here")
SHAPES = [(1,), (15,), (16,), (3, 7), (130, 130), (2**14,), (2**15 + 17,)]
BETAS, EPSILON = (0.9, 0.98), 1e-8


def draw(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def build(
    parameters: list[nn.Parameter], copies: dict[Tensor, Tensor] | None = None, rate: float = 0.01
) -> OnePassAdamW:
    library = adamw_library()
    assert library is not None
    matrices = [parameter for parameter in parameters if parameter.ndim > 1]
    groups: list[dict[str, Any]] = [
        {"params": matrices, "lr": rate, "weight_decay": 0.1},
        {"params": [p for p in parameters if p.ndim == 1], "lr": rate / 2, "weight_decay": 0.0},
    ]
    return OnePassAdamW([group for group in groups if group["params"]], BETAS, EPSILON, copies or {}, library)


def weights(seed: int = 0) -> list[nn.Parameter]:
    return [nn.Parameter(draw(*shape, seed=seed + i)) for i, shape in enumerate(SHAPES)]


def step_in_float64(weight: Tensor, gradients: list[Tensor], rate: float, decay: float) -> Tensor:
    """The formula, Loshchilov & Hutter 2019, algorithm 2."""
    weight, first, second = weight.detach().double(), torch.zeros(()), torch.zeros(())
    for t, gradient in enumerate((gradient.double() for gradient in gradients), start=1):
        first = BETAS[0] * first + (1 - BETAS[0]) * gradient
        second = BETAS[1] * second + (1 - BETAS[1]) * gradient**2
        along = first / (1 - BETAS[0] ** t) / ((second / (1 - BETAS[1] ** t)).sqrt() + EPSILON)
        weight = weight - rate * (along + decay * weight)
    return weight


@pytest.mark.parametrize("factor", [1.0, 0.3])
def test_steps_are_those_of_the_formula(factor: float) -> None:
    own = weights()
    starts = [parameter.detach().clone() for parameter in own]
    optimizer = build(own)
    gradients = [[draw(*shape, seed=100 * t + i) for i, shape in enumerate(SHAPES)] for t in range(5)]
    for step in gradients:
        for parameter, gradient in zip(own, step, strict=True):
            parameter.grad = gradient.clone()
        optimizer.step(factor)
    for i, (parameter, start) in enumerate(zip(own, starts, strict=True)):
        rate, decay = (0.01, 0.1) if parameter.ndim > 1 else (0.005, 0.0)
        expected = step_in_float64(start, [step[i] * factor for step in gradients], rate, decay)
        torch.testing.assert_close(parameter.detach().double(), expected, rtol=1e-5, atol=1e-6)


def test_its_state_is_that_of_pytorch_and_either_goes_on_from_the_other() -> None:
    own, others = weights(), weights()
    mine = build(own)
    plain = torch.optim.AdamW([{**group, "params": []} for group in mine.param_groups], betas=BETAS, eps=EPSILON)
    for group, added in zip(plain.param_groups, mine.param_groups, strict=True):
        group["params"] = [others[next(i for i, p in enumerate(own) if p is one)] for one in added["params"]]

    def step(*optimizers: Any, seed: int) -> None:
        for i, (one, other) in enumerate(zip(own, others, strict=True)):
            one.grad, other.grad = draw(*one.shape, seed=seed + i), draw(*one.shape, seed=seed + i)
        for optimizer in optimizers:
            optimizer.step()

    step(mine, plain, seed=50)
    for one, other in zip(own, others, strict=True):
        assert mine.state[one].keys() == plain.state[other].keys()
        mine.state[one].update({key: value.clone() for key, value in plain.state[other].items()})
        plain.state[other]["exp_avg"] = mine.state[one]["exp_avg"].clone()
    step(mine, plain, seed=60)
    for one, other in zip(own, others, strict=True):
        assert mine.state[one]["step"] == plain.state[other]["step"] == 2
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_gradients_in_bf16_are_read_as_they_are_and_copies_are_the_weights_rounded() -> None:
    low, full = weights(), weights()
    copies: dict[Tensor, Tensor] = {p: torch.empty_like(p, dtype=torch.bfloat16) for p in low}
    first, second = build(low, copies), build(full)
    for t in range(3):
        for i, (one, other) in enumerate(zip(low, full, strict=True)):
            gradient = draw(*one.shape, seed=10 * t + i).bfloat16()
            weight = one.data
            one.data = copies[one]
            one.grad = gradient
            one.data = weight
            other.grad = gradient.float()
        assert torch.equal(first.gradient_norm(), second.gradient_norm())
        first.step(0.5)
        second.step(0.5)
    for one, other in zip(low, full, strict=True):
        assert torch.equal(one, other)
        assert torch.equal(copies[one], other.detach().bfloat16())


@given(st.lists(st.integers(1, 40_000), min_size=1, max_size=5), st.integers(0, 99))
def test_the_norm_is_that_of_all_numbers_together(counts: list[int], seed: int) -> None:
    parameters = [nn.Parameter(torch.zeros(count)) for count in counts]
    for i, parameter in enumerate(parameters):
        parameter.grad = draw(*parameter.shape, seed=seed + i)
    expected = torch.cat([p.grad for p in parameters if p.grad is not None]).double().norm()
    torch.testing.assert_close(build(parameters).gradient_norm(), expected, rtol=1e-5, atol=0.0)


def test_what_has_no_gradient_stays_and_gradients_may_lie_turned() -> None:
    """PyTorch lays gradients out as their parameters; a hook may give others."""
    one, turned, still = (nn.Parameter(draw(40, 24, seed=i)) for i in range(3))
    gradient = draw(24, 40, seed=9)
    turned.grad = gradient.T
    one.grad = None
    before = still.detach().clone(), one.detach().clone(), turned.detach().clone()
    optimizer = build([one, turned, still])
    assert optimizer.gradient_norm().item() == pytest.approx(gradient.norm().item(), rel=1e-5)
    optimizer.step()
    assert torch.equal(still, before[0])
    assert torch.equal(one, before[1])
    assert not optimizer.state[still]
    expected = step_in_float64(before[2], [gradient.T], 0.01, 0.1)
    torch.testing.assert_close(turned.detach().double(), expected, rtol=1e-5, atol=1e-6)


def test_a_step_without_gradients_changes_nothing() -> None:
    own = weights()
    before = [parameter.detach().clone() for parameter in own]
    optimizer = build(own)
    optimizer.step()
    assert optimizer.gradient_norm() == 0
    assert all(torch.equal(one, other) for one, other in zip(own, before, strict=True))


def test_threads_do_not_change_a_bit() -> None:
    found = []
    threads = torch.get_num_threads()
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            own = weights()
            optimizer = build(own)
            for i, parameter in enumerate(own):
                parameter.grad = draw(*parameter.shape, seed=i + 30)
            found.append([optimizer.gradient_norm(), *own])
            optimizer.step(0.9)
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(one, other) for later in found[1:] for one, other in zip(found[0], later, strict=True))


def test_a_norm_that_is_no_number_is_said() -> None:
    parameter = nn.Parameter(torch.zeros(100))
    parameter.grad = torch.zeros(100)
    parameter.grad[99] = float("nan")
    assert build([parameter]).gradient_norm().isnan()


def test_a_library_that_computes_wrongly_is_found_out() -> None:
    right: Any = adamw_library()
    assert is_right(right)

    class Wrong:
        """Goes the other way."""

        penjing_gradient_norm = right.penjing_gradient_norm

        @staticmethod
        def penjing_adamw(*arguments: Any) -> None:
            *others, factor = arguments
            right.penjing_adamw(*others, ctypes.c_float(-factor.value))

    assert not is_right(Wrong())  # type: ignore[arg-type]


def test_it_is_for_fp32_in_a_row_on_a_cpu() -> None:
    assert can_step([torch.zeros(3, 4)])
    assert not can_step([torch.zeros(3, 4), torch.zeros(3, 4).T])
    assert not can_step([torch.zeros(3, dtype=torch.float64)])
    assert not can_step([torch.zeros(3, device="meta")])
