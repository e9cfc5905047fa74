"""Several linear layers as one product: results and gradients are those of each by itself."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from penjing.models.fused import _join, project_together


def build(count: int = 3, dim: int = 32, width: int = 48) -> list[nn.Linear]:
    torch.manual_seed(0)
    return [nn.Linear(dim, width) for _ in range(count)]


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_results_and_gradients_are_those_of_float64_within_rounding(count: int) -> None:
    layers, states = build(count), draw(2, 5, 32).requires_grad_()
    slopes = [draw(2, 5, 48, seed=i + 1).bfloat16() for i in range(count)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        results = project_together(states, layers)
    torch.autograd.backward(results, slopes)
    found = [states.grad, *(p.grad for layer in layers for p in layer.parameters()), *results]

    exact = [nn.Linear(32, 48).double() for _ in layers]
    for one, layer in zip(exact, layers, strict=True):
        one.load_state_dict({name: weight.bfloat16().double() for name, weight in layer.state_dict().items()})
    plain = states.detach().bfloat16().double().requires_grad_()
    wanted = [one(plain) for one in exact]
    torch.autograd.backward(wanted, [slope.double() for slope in slopes])
    expected = [plain.grad, *(p.grad for one in exact for p in one.parameters()), *wanted]
    for one, other in zip(found, expected, strict=True):
        assert one is not None
        assert other is not None
        assert (one.double() - other).abs().max() <= 2 * 2**-8 * (0.05 + other.abs().max())


def test_layers_that_are_frozen_have_no_gradient_and_states_still_do() -> None:
    layers, states = build(), draw(4, 32).requires_grad_()
    for layer in layers:
        layer.requires_grad_(False)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        sum(part.float().sum() for part in project_together(states, layers)).backward()  # type: ignore[union-attr]
    assert states.grad is not None
    assert all(parameter.grad is None for layer in layers for parameter in layer.parameters())


def test_states_that_need_no_gradient_get_none() -> None:
    layers = build()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        parts = project_together(draw(4, 32), layers)
    parts[0].float().sum().backward()  # type: ignore[no-untyped-call]
    assert layers[0].weight.grad is not None
    assert layers[0].weight.grad.any()
    assert layers[1].weight.grad is not None
    assert not layers[1].weight.grad.any()


def test_outside_of_low_training_layers_compute_by_themselves() -> None:
    layers, states = build(), draw(4, 32)
    for part, layer in zip(project_together(states, layers), layers, strict=True):
        assert torch.equal(part, layer(states))


def test_what_lies_together_is_joined_without_a_copy() -> None:
    numbers = draw(6, 4)
    first, second, third = numbers[:2], numbers[2:4], numbers[4:]
    joined = _join([first, second, third])
    assert joined.data_ptr() == numbers.data_ptr()
    assert torch.equal(joined, numbers)
    for apart in ([second, first], [first, third], [first, second.clone()]):
        copied = _join(apart)
        assert torch.equal(copied, torch.cat(apart))
        assert copied.data_ptr() != apart[0].data_ptr()
