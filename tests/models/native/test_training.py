"""The compiled steps of training: formulas and gradients against float64, dropout against what it keeps."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.models.native.checking import is_right
from penjing.models.native.training import (
    AddNorm,
    add_and_norm_fused,
    attend_fused,
    can_attend,
    can_fuse,
    gelu_fused,
    training_library,
)

pytestmark = pytest.mark.skipif(training_library() is None, reason="no C++ compiler here")
SHAPES = [(1, 1, 1, 1, 16), (2, 3, 5, 19, 32), (3, 2, 33, 33, 64), (2, 12, 1, 40, 32), (1, 2, 7, 300, 48)]


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def gradients(
    function: Callable[..., Tensor], parts: Sequence[Tensor], slope: Tensor, dtype: torch.dtype | None
) -> list[Tensor]:
    """Returns a result and the gradients of its parts, in float64; parts in their own precision or another."""
    own = [(part if dtype is None else part.to(dtype)).detach().requires_grad_() for part in parts]
    result = function(*own)
    found = torch.autograd.grad(result, own, slope.to(result.dtype))
    return [tensor.detach().double() for tensor in (result, *found)]


def assert_within_rounding(found: list[Tensor], expected: list[Tensor], units: float = 2.0) -> None:
    """Each number is as near as numbers of its tensor's size are apart in bf16, times so many."""
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert (one - other).abs().max() <= units * 2**-8 * (0.05 + other.abs().max())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("masked", ["nothing", "padding", "some"])
def test_attention_and_its_gradients_are_those_of_float64(shape: tuple[int, ...], masked: str) -> None:
    rows, heads, time, keys, width = shape
    query, key, value = (
        draw(rows, tokens, heads * width, seed=seed).bfloat16().view(rows, tokens, heads, width).transpose(1, 2)
        for seed, tokens in enumerate((time, keys, keys))
    )
    mask = None
    if masked != "nothing":
        mask = draw(rows, 1, time if masked == "some" else 1, keys, seed=5) < 0.5
        mask[..., 0] = True
    slope = draw(rows, heads, time, width, seed=7).bfloat16()
    found = gradients(lambda *parts: attend_fused(*parts, mask, 0.0, 0.3), (query, key, value), slope, None)
    expected = gradients(
        lambda *parts: F.scaled_dot_product_attention(*parts, attn_mask=mask, scale=0.3),
        (query, key, value),
        slope,
        torch.float64,
    )
    assert_within_rounding(found, expected)


def test_row_of_padding_alone_looks_evenly() -> None:
    value = draw(1, 1, 5, 16).bfloat16().requires_grad_()
    mixed = attend_fused(value, value, value, torch.zeros(1, 1, 5, 5, dtype=torch.bool), 0.0, 0.25)
    assert torch.allclose(mixed.float(), value.float().mean(2, keepdim=True).expand_as(mixed), atol=0.02)


@pytest.mark.parametrize("shape", [(1, 16), (5, 7, 48), (130, 384), (64, 80)])
def test_sum_and_normalization_and_their_gradients_are_those_of_float64(shape: tuple[int, ...]) -> None:
    added, residual, slope = draw(*shape).bfloat16(), draw(*shape, seed=1), draw(*shape, seed=2)
    weight, bias = draw(2, shape[-1], seed=3)

    def fused(added: Tensor, residual: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        normed: Tensor = AddNorm.apply(training_library(), added, residual, weight, bias, 1e-12, 0.0)
        return normed

    def plain(added: Tensor, residual: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return F.layer_norm(added + residual, shape[-1:], weight, bias, 1e-12)

    found = gradients(fused, (added, residual, weight, bias), slope, None)
    expected = gradients(plain, (added, residual, weight, bias), slope, torch.float64)
    assert_within_rounding(found[1:2], expected[1:2])
    for one, other in zip([found[0], *found[2:]], [expected[0], *expected[2:]], strict=True):
        assert (one - other).abs().max() <= 1e-5 * (1 + other.abs().max())  # these are fp32


def test_gelu_and_its_slope_are_those_of_float64() -> None:
    values = torch.cat([torch.linspace(-12, 12, 4096), torch.tensor([0.0, -0.0, 1e-30, -1e-30] * 4)]).bfloat16()
    slope = draw(len(values)).bfloat16()
    found = gradients(gelu_fused, (values,), slope, None)
    expected = gradients(F.gelu, (values,), slope, torch.float64)
    for one, other in zip(found, expected, strict=True):
        assert ((one - other).abs() <= 2**-7 * other.abs() + 1e-6).all()


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_dropout_keeps_its_share_and_the_mean(share: float) -> None:
    torch.manual_seed(0)
    ones, zeros, norm = torch.ones(2000, 256).bfloat16().requires_grad_(), torch.zeros(2000, 256), nn.LayerNorm(256)
    normed = add_and_norm_fused(ones, zeros, norm, share)
    (gradient,) = torch.autograd.grad(normed, ones, draw(2000, 256))
    is_dropped = normed < 0
    exact = round(share * 256) / 256
    assert is_dropped.double().mean() == pytest.approx(exact, abs=5 * (exact * (1 - exact) / normed.numel()) ** 0.5)
    assert torch.equal(gradient == 0, is_dropped)  # the gradient finds the same ones again
    for line in (is_dropped.double().mean(0), is_dropped.double().mean(1)):
        assert (line - exact).abs().max() < 6 * (exact * (1 - exact) / 256) ** 0.5
    pairs = is_dropped[:, 1:] & is_dropped[:, :-1]
    assert pairs.double().mean() == pytest.approx(exact**2, rel=0.05)


def test_dropout_of_attention_is_found_again_by_the_gradient() -> None:
    """The result is linear in the values, so its gradient there is what each was multiplied by."""
    query, key, value = (draw(2, 2, 9, 32, seed=seed).bfloat16().requires_grad_() for seed in range(3))
    torch.manual_seed(3)
    mixed = attend_fused(query, key, value, None, 0.3, 0.2)
    slope = draw(2, 2, 9, 32, seed=4).bfloat16()
    (gradient,) = torch.autograd.grad(mixed, value, slope)
    through = (gradient.double() * value.detach().double()).sum()
    assert through.item() == pytest.approx((mixed.detach().double() * slope.double()).sum().item(), abs=0.3)
    torch.manual_seed(3)
    assert torch.equal(attend_fused(query, key, value, None, 0.3, 0.2), mixed)
    assert not torch.equal(attend_fused(query, key, value, None, 0.3, 0.2), mixed)


def test_result_does_not_depend_on_the_number_of_threads() -> None:
    parts = [draw(3, 4, 21, 32, seed=seed).bfloat16() for seed in range(3)]
    slope, before = draw(3, 4, 21, 32, seed=4).bfloat16(), torch.get_num_threads()
    found = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            torch.manual_seed(0)
            found.append(gradients(lambda *own: attend_fused(*own, None, 0.2, 0.2), parts, slope, None))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_only_training_in_bf16_is_fused() -> None:
    low = draw(2, 32).bfloat16()
    assert can_fuse(low.clone().requires_grad_())
    assert not can_fuse(low)
    assert not can_fuse(draw(2, 32).requires_grad_())
    assert not can_fuse(draw(2, 20).bfloat16().requires_grad_())
    with torch.no_grad():
        assert not can_fuse(low.clone().requires_grad_())
    query = draw(1, 2, 4, 32).bfloat16().requires_grad_()
    assert not can_attend(query, query, query, torch.zeros(1, 1, 4, 4))  # what is added to scores


@pytest.mark.parametrize("name", ["penjing_attend", "penjing_gelu", "penjing_lstm", "penjing_lstm_back"])
def test_library_that_computes_wrongly_is_not_used(name: str) -> None:
    """The check finds a library one of whose functions writes some wrong numbers into what it writes last."""
    library = training_library()
    assert library is not None
    assert is_right(library)

    class Wrong:
        def __getattr__(self, asked: str) -> Callable[..., None]:
            function = getattr(library, asked)

            def spoiled(*arguments: Any) -> None:
                function(*arguments)
                ctypes.memset(arguments[-1], 0x3F, 64)  # 0.75 in bf16

            return spoiled if asked == name else function

    assert not is_right(Wrong())  # type: ignore[arg-type]
