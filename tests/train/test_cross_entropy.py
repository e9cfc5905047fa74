from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from penjing.models.interface import OutputLayer
from penjing.train import cross_entropy
from penjing.train.cross_entropy import (
    IGNORED,
    ScorePiece,
    output_cross_entropy,
    score_piece,
    score_piece_in_one_pass,
    take_learned,
)


def make_layer(positions: int, vocabulary: int, *, has_bias: bool, dtype: torch.dtype) -> tuple[OutputLayer, Tensor]:
    generator = torch.Generator().manual_seed(positions)
    states = torch.randn(positions, 16, generator=generator, dtype=dtype, requires_grad=True)
    weight = torch.randn(vocabulary, 16, generator=generator, dtype=dtype, requires_grad=True)
    bias = torch.randn(vocabulary, generator=generator, dtype=dtype, requires_grad=True) if has_bias else None
    targets = torch.randint(vocabulary, (positions,), generator=generator)
    return OutputLayer(states, weight, bias), targets


def reference(layer: OutputLayer, targets: Tensor) -> tuple[Tensor, Tensor]:
    logits = F.linear(*layer)
    loss = F.cross_entropy(logits.float(), targets, ignore_index=IGNORED, reduction="sum")
    return loss, (logits.argmax(dim=-1) == targets).sum()


@pytest.mark.parametrize("score", [score_piece, score_piece_in_one_pass])
@pytest.mark.parametrize("has_bias", [False, True])
@pytest.mark.parametrize("positions", [1, 7, 130])
def test_loss_and_gradients_are_those_of_all_logits_at_once(
    monkeypatch: pytest.MonkeyPatch, positions: int, has_bias: bool, score: ScorePiece
) -> None:
    monkeypatch.setattr(cross_entropy, "_SCORES_AT_ONCE", {"cpu": 500})  # ten positions a piece
    layer, targets = make_layer(positions, 50, has_bias=has_bias, dtype=torch.float32)
    targets[::5] = IGNORED
    learned = [tensor for tensor in layer if tensor is not None]
    loss, right = output_cross_entropy(layer, targets, score)
    expected, expected_right = reference(layer, targets)
    torch.testing.assert_close(loss, expected)
    assert right == expected_right
    for own, theirs in zip(
        torch.autograd.grad(loss * 0.3, learned), torch.autograd.grad(expected * 0.3, learned), strict=True
    ):
        torch.testing.assert_close(own, theirs, rtol=1e-5, atol=1e-5)
    with torch.no_grad():
        loss, right = output_cross_entropy(layer, targets)
    torch.testing.assert_close(loss, expected.detach())
    assert right == expected_right


def test_pieces_take_all_positions_once() -> None:
    for positions in (0, 1, 15, 16, 17, 4096, 100_000):
        pieces = cross_entropy._pieces(positions, 8192, "cpu")
        assert sum(min(pieces.step, positions - start) for start in pieces) == positions


@pytest.mark.parametrize("positions", [816, 832, 4080, 4096])
def test_pieces_have_one_length_so_that_one_is_compiled(positions: int) -> None:
    pieces = cross_entropy._pieces(positions, 8192, "cpu")
    assert positions % pieces.step == 0
    assert 256 <= pieces.step <= 512


def test_in_bf16_the_gradient_is_as_near_to_exact_as_that_of_all_logits_at_once() -> None:
    layer, targets = make_layer(400, 300, has_bias=False, dtype=torch.float32)
    learned = [layer.states, layer.weight]
    exact = torch.autograd.grad(reference(layer, targets)[0], learned)
    with torch.autocast("cpu", torch.bfloat16):
        theirs = torch.autograd.grad(reference(layer, targets)[0], learned)
        ours = torch.autograd.grad(output_cross_entropy(layer, targets)[0], learned)
    for own, other, true in zip(ours, theirs, exact, strict=True):
        assert own.dtype == torch.float32
        assert (own - true).norm() < 1.05 * (other - true).norm()


def test_targets_that_are_all_ignored_teach_nothing() -> None:
    layer, targets = make_layer(5, 50, has_bias=True, dtype=torch.float32)
    loss, right = output_cross_entropy(layer, torch.full_like(targets, IGNORED))
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss == right == 0
    assert all(tensor is not None and tensor.grad is not None and not tensor.grad.any() for tensor in layer)


def test_scores_of_all_positions_are_never_held_at_once() -> None:
    layer, targets = make_layer(4096, 8192, has_bias=False, dtype=torch.float32)
    with torch.profiler.profile(profile_memory=True) as profile:
        output_cross_entropy(layer, targets)[0].backward()  # type: ignore[no-untyped-call]
    largest = max(event.self_cpu_memory_usage for event in profile.events())
    assert 0 < largest <= 4 * (1 << 22)


def test_what_is_learned_is_filled_up_with_what_is_not_and_the_loss_is_the_same() -> None:
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(3, 50, 16, generator=generator, requires_grad=True)
    weight = torch.randn(40, 16, generator=generator)
    targets = torch.randint(40, (3, 50), generator=generator)
    targets[torch.rand(3, 50, generator=generator) < 0.4] = IGNORED
    states, wanted = take_learned(hidden, targets)
    count = int((targets != IGNORED).sum())
    assert len(states) == len(wanted) == 128 > count > 64
    assert torch.equal(states[:count], hidden[targets != IGNORED])
    assert wanted[count:].eq(IGNORED).all()
    loss, right = output_cross_entropy(OutputLayer(states, weight, None), wanted)
    (found,) = torch.autograd.grad(loss, hidden)
    expected, expected_right = reference(OutputLayer(hidden.flatten(0, 1), weight, None), targets.flatten())
    (gradient,) = torch.autograd.grad(expected, hidden)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert right == expected_right
    torch.testing.assert_close(found, gradient, rtol=1e-4, atol=1e-5)
