"""A network that learns where answers stand beside a larger one: what is learned of it, and what is not."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.models.interface import Architecture
from penjing.registry import load_registered
from penjing.train.batches import Batch
from penjing.train.objectives.span_extraction import SpanExtractionObjective, open_logits
from penjing.train.objectives.taught_spans import TaughtSpanObjective

IDS = torch.tensor([[2, 7, 3, 8, 9, 10, 3], [2, 7, 3, 11, 3, 0, 0]])
TYPES = torch.tensor([[0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 1, 0, 0]])
SPANS = torch.tensor([[3, 4], [0, 0]])
OPEN = {0: [0, 3, 4, 5], 1: [0, 3]}  # the start token, and the tokens of the text


def network_of(width: int, seed: int, dropout: float = 0.0) -> nn.Module:
    architecture: Architecture = load_registered("models", "bert")
    shape = {"hidden_size": width, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48}
    drops = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    config = architecture.config_from_dict({**shape, **drops, "vocab_size": 20, "pad_token_id": 0})
    assert architecture.span_scorer is not None
    network = architecture.span_scorer(config)
    architecture.initialize(network, config, seed)
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():  # as fresh weights, but larger, so that places differ
        with torch.no_grad():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.3)
    return network


def prepare(objective: SpanExtractionObjective | TaughtSpanObjective) -> tuple[Tensor | None, ...]:
    batch = Batch(IDS, IDS != 0, None, token_types=TYPES, spans=SPANS)
    return objective.prepare(batch, torch.Generator(), 0.0).tensors


def test_loss_is_that_of_both_networks_over_the_places_of_the_text() -> None:
    network, teacher, plain = (
        network_of(32, 0).eval(),
        network_of(48, 1, dropout=0.5).train(),
        SpanExtractionObjective(),
    )
    objective = TaughtSpanObjective(plain, teacher, temperature=2.0, weight=0.3)
    loss, right = objective.loss(network, *prepare(objective))
    true, plain_right = plain.loss(network, *prepare(plain))
    with torch.no_grad():
        own, theirs = (open_logits(each, *prepare(plain)).double() for each in (network, teacher.eval()))
    apart = 0.0
    for row, places in OPEN.items():
        for end in (0, 1):
            shares, wanted = ((each[row, places, end] / 2.0).softmax(dim=0) for each in (own, theirs))
            apart += F.kl_div(shares.log(), wanted, reduction="sum").item()
    assert loss.item() == pytest.approx(0.7 * true.item() + 0.3 * 4 * apart / 2, rel=1e-5)
    assert apart > 0.1
    assert right == plain_right


def test_gradient_is_that_of_finite_differences_and_the_teacher_has_none() -> None:
    network, teacher = network_of(8, 0).double().eval(), network_of(8, 1).double()
    objective = TaughtSpanObjective(SpanExtractionObjective(), teacher, temperature=1.5, weight=0.6)
    tensors = prepare(objective)
    objective.loss(network, *tensors)[0].backward()
    bias = next(parameter for name, parameter in network.named_parameters() if name.endswith("qa_outputs.weight"))
    assert bias.grad is not None
    found = bias.grad[0, 3].item()
    losses = []
    for step in (1e-3, -2e-3):
        with torch.no_grad():
            bias[0, 3] += step
        losses.append(objective.loss(network, *tensors)[0].item())
    assert found == pytest.approx((losses[0] - losses[1]) / 2e-3, rel=1e-2, abs=1e-4)
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in teacher.parameters())


def test_a_teacher_that_says_the_same_pulls_nowhere() -> None:
    network = network_of(32, 0).eval()
    objective = TaughtSpanObjective(SpanExtractionObjective(), network_of(32, 0), temperature=2.0, weight=1.0)
    loss, _ = objective.loss(network, *prepare(objective))
    loss.backward()
    assert loss.item() == pytest.approx(0.0, abs=1e-6)
    assert max(float(p.grad.abs().max()) for p in network.parameters() if p.grad is not None) < 1e-6


def test_what_is_measured_has_the_loss_of_the_answers_alone() -> None:
    network, plain = network_of(32, 0).eval(), SpanExtractionObjective()
    objective = TaughtSpanObjective(plain, network_of(48, 1), temperature=2.0, weight=0.5)
    with torch.no_grad():
        assert objective.loss(network, *prepare(objective))[0] == plain.loss(network, *prepare(plain))[0]
