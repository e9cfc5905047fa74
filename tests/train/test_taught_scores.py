from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from penjing.models.interface import OutputLayer
from penjing.train import cross_entropy
from penjing.train.cross_entropy import IGNORED, output_cross_entropy, score_piece
from penjing.train.taught_scores import Taught, taught_cross_entropy

POSITIONS, VOCABULARY = 37, 50


def make_layer(seed: int, entries: int, dim: int, *, has_bias: bool, dtype: torch.dtype = torch.float32) -> OutputLayer:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=dtype, requires_grad=True)

    return OutputLayer(draw(POSITIONS, dim), draw(entries, dim), draw(entries) if has_bias else None)


def make_targets() -> Tensor:
    targets = torch.randint(VOCABULARY, (POSITIONS,), generator=torch.Generator().manual_seed(5))
    targets[::5] = IGNORED
    return targets


def reference(layer: OutputLayer, teacher: OutputLayer, targets: Tensor, taught: Taught) -> Tensor:
    """The formula in plain PyTorch, over the entries that both have."""
    scores, theirs = F.linear(*layer), F.linear(*teacher).detach()
    true = F.cross_entropy(scores, targets, ignore_index=IGNORED, reduction="sum", label_smoothing=taught.smoothing)
    known = min(scores.shape[1], theirs.shape[1])
    shares = F.log_softmax(scores / taught.temperature, dim=-1)[targets != IGNORED, :known]
    wanted = F.softmax(theirs[:, :known] / taught.temperature, dim=-1)[targets != IGNORED]
    soft = F.kl_div(shares, wanted, reduction="sum")
    return (1 - taught.weight) * true + taught.weight * taught.temperature**2 * soft


def learned(layer: OutputLayer) -> list[Tensor]:
    return [tensor for tensor in layer if tensor is not None]


@pytest.mark.parametrize("taught", [Taught(1.0, 0.5), Taught(2.5, 0.3), Taught(1.5, 1.0), Taught(2.0, 0.5, 0.1)])
@pytest.mark.parametrize("has_bias", [False, True])
@pytest.mark.parametrize("entries", [VOCABULARY, VOCABULARY + 7, VOCABULARY - 3])
def test_loss_and_gradients_are_those_of_the_plain_formula_over_all_scores(
    monkeypatch: pytest.MonkeyPatch, taught: Taught, has_bias: bool, entries: int
) -> None:
    monkeypatch.setattr(cross_entropy, "_SCORES_AT_ONCE", {"cpu": 500})  # ten positions a piece
    layer = make_layer(1, VOCABULARY, 16, has_bias=has_bias)
    teacher, targets = make_layer(2, entries, 24, has_bias=not has_bias), make_targets()
    loss, right = taught_cross_entropy(layer, teacher, targets, taught)
    expected = reference(layer, teacher, targets, taught)
    torch.testing.assert_close(loss, expected)
    assert right == (F.linear(*layer).argmax(dim=-1) == targets).sum()
    found, wanted = (torch.autograd.grad(value * 0.3, learned(layer)) for value in (loss, expected))
    for own, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(own, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_without_weight_the_loss_is_the_ordinary_one(smoothing: float) -> None:
    layer, targets = make_layer(1, VOCABULARY, 16, has_bias=True), make_targets()
    teacher = make_layer(2, VOCABULARY, 24, has_bias=False)

    def score(*piece: Tensor) -> cross_entropy.Piece:
        return score_piece(*piece, smoothing=smoothing)

    plain, _ = output_cross_entropy(layer, targets, score)
    loss, _ = taught_cross_entropy(layer, teacher, targets, Taught(2.0, 0.0, smoothing))
    assert loss.item() == plain.item()
    for own, other in zip(
        torch.autograd.grad(loss, learned(layer)), torch.autograd.grad(plain, learned(layer)), strict=True
    ):
        torch.testing.assert_close(own, other, rtol=0, atol=0)


def test_a_student_that_says_what_its_teacher_does_has_nothing_to_learn() -> None:
    layer, targets = make_layer(1, VOCABULARY, 16, has_bias=True), make_targets()
    loss, _ = taught_cross_entropy(layer, layer, targets, Taught(2.0, 1.0))
    assert loss.item() == pytest.approx(0.0, abs=1e-4)
    assert all(not gradient.abs().gt(1e-4).any() for gradient in torch.autograd.grad(loss, learned(layer)))


def test_the_teacher_gets_no_gradient() -> None:
    layer, teacher = (make_layer(seed, VOCABULARY, 16, has_bias=True) for seed in (1, 2))
    taught_cross_entropy(layer, teacher, make_targets(), Taught(1.0, 0.5))[0].backward()  # type: ignore[no-untyped-call]
    assert all(tensor.grad is None for tensor in learned(teacher))


def test_in_bf16_the_gradient_is_as_near_to_exact_as_that_of_all_scores_at_once() -> None:
    layer, targets = make_layer(1, VOCABULARY, 16, has_bias=False), make_targets()
    teacher, taught = make_layer(2, VOCABULARY, 24, has_bias=False), Taught(2.0, 0.5)
    exact = torch.autograd.grad(reference(layer, teacher, targets, taught), learned(layer))
    with torch.autocast("cpu", torch.bfloat16):
        theirs = torch.autograd.grad(reference(layer, teacher, targets, taught), learned(layer))
        ours = torch.autograd.grad(taught_cross_entropy(layer, teacher, targets, taught)[0], learned(layer))
    for own, other, true in zip(ours, theirs, exact, strict=True):
        assert own.dtype == torch.float32
        assert (own - true).norm() < 1.1 * (other - true).norm()


def test_scores_of_all_positions_are_never_held_at_once() -> None:
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(4096, 16, generator=generator, requires_grad=True)
    layer = OutputLayer(states, torch.randn(8192, 16, generator=generator, requires_grad=True), None)
    targets = torch.randint(8192, (4096,), generator=generator)
    with torch.profiler.profile(profile_memory=True) as profile:
        taught_cross_entropy(layer, layer, targets, Taught(2.0, 0.5))[0].backward()  # type: ignore[no-untyped-call]
    largest = max(event.self_cpu_memory_usage for event in profile.events())
    assert 0 < largest <= 4 * (1 << 22)
