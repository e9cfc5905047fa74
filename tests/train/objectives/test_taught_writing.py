"""A network that learns to write beside a larger one: what is learned of it, and what is not."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.models.interface import Architecture
from penjing.registry import load_registered
from penjing.train.batches import Batch
from penjing.train.cross_entropy import IGNORED
from penjing.train.objectives.taught_writing import TaughtWritingObjective
from penjing.train.objectives.writing import AnswerObjective, ContinuationObjective, WritingObjective

PAD, END, VOCABULARY = 0, 3, 60
READ = torch.tensor([[7, 8, 9, END], [11, END, PAD, PAD]])
SHAPES: dict[str, dict[str, Any]] = {
    "t5": {"d_kv": 16, "d_ff": 48, "num_layers": 1, "num_heads": 2, "dropout_rate": 0.5},
    "llama": {"intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2},
    "lstm": {"embedding_size": 16, "num_hidden_layers": 1, "bidirectional": False},
}


def network_of(family: str, dim: int, seed: int) -> nn.Module:
    architecture: Architecture = load_registered("models", family)
    width = "d_model" if family == "t5" else "hidden_size"
    values = {**architecture.fresh_shape, **SHAPES[family], width: dim}
    values |= {"vocab_size": VOCABULARY, "pad_token_id": PAD, "eos_token_id": END}
    config = architecture.config_from_dict(values)
    network = architecture.language_model(config)
    architecture.initialize(network, config, seed)
    return network


def lesson(family: str) -> tuple[WritingObjective, Batch]:
    """What is learned of two rows: two tokens of the first, one of the second."""
    if family == "t5":
        written = torch.tensor([[20, 21, END], [22, END, IGNORED]])
        return AnswerObjective(PAD), Batch(READ, READ != PAD, None, written=written)
    written = torch.tensor([[IGNORED, 9, END, IGNORED], [END, IGNORED, IGNORED, IGNORED]])
    return ContinuationObjective(), Batch(READ, READ != PAD, None, written=written)


def prepare(objective: WritingObjective | TaughtWritingObjective, batch: Batch) -> tuple[Tensor | None, ...]:
    return objective.prepare(batch, torch.Generator(), 0.0).tensors


@pytest.mark.parametrize(
    ("student", "teacher"), [("llama", "llama"), ("lstm", "llama"), ("llama", "lstm"), ("t5", "t5")]
)
def test_loss_is_that_of_both_networks_over_the_learned_tokens(student: str, teacher: str) -> None:
    network, other = network_of(student, 32, 0).eval(), network_of(teacher, 48, 1)
    plain, batch = lesson(student)
    objective = TaughtWritingObjective(plain, other.train(), temperature=2.0, weight=0.3)
    loss, right = objective.loss(network, *prepare(objective, batch))
    true, plain_right = plain.loss(network, *prepare(plain, batch))
    (own, targets), (theirs, _) = (plain.read(each, *prepare(plain, batch)) for each in (network, other.eval()))
    kept = targets != IGNORED
    shares, wanted = (F.linear(*layer)[kept] / 2 for layer in (own, theirs))
    soft = F.kl_div(shares.log_softmax(dim=-1), wanted.softmax(dim=-1), reduction="sum")
    torch.testing.assert_close(loss, 0.7 * true + 0.3 * 4 * soft)
    assert right == plain_right


def test_the_teacher_has_no_dropout_and_learns_nothing() -> None:
    plain, batch = lesson("t5")
    teacher = network_of("t5", 48, 1).train()
    objective = TaughtWritingObjective(plain, teacher, 1.0, 1.0)
    network = network_of("t5", 32, 0).eval()
    losses = [objective.loss(network, *prepare(objective, batch))[0] for _ in range(2)]
    losses[0].backward()  # type: ignore[no-untyped-call]
    assert losses[0].item() == losses[1].item()
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert any(parameter.grad is not None for parameter in network.parameters())


def test_what_is_measured_has_the_loss_of_the_tokens_alone() -> None:
    plain, batch = lesson("llama")
    network = network_of("llama", 32, 0).eval()
    objective = TaughtWritingObjective(plain, network_of("llama", 48, 1), 2.0, 0.5)
    with torch.no_grad():
        found, expected = (each.loss(network, *prepare(each, batch)) for each in (objective, plain))
    assert [value.item() for value in found] == [value.item() for value in expected]
    assert objective.loss(network, *prepare(objective, batch))[0].item() != expected[0].item()


def test_a_batch_is_laid_out_and_counted_as_without_a_teacher() -> None:
    plain, batch = lesson("llama")
    objective = TaughtWritingObjective(plain, network_of("llama", 48, 1), 2.0, 0.5)
    found, expected = (each.prepare(batch, torch.Generator(), 0.0) for each in (objective, plain))
    assert (found.targets, found.tokens) == (expected.targets, expected.tokens) == (3, 6)
