"""Binary cross-entropy a label: its formula, its gradient, its targets."""

from __future__ import annotations

import torch

from penjing.train.batches import Batch
from penjing.train.objectives.multilabel import MultilabelObjective

SETS = [[0, 2], [], [1]]


def test_targets_are_the_labels_of_each_set() -> None:
    objective = MultilabelObjective(SETS, 3)
    batch = Batch(torch.ones(3, 2, dtype=torch.int64), None, torch.tensor([1, 0, 2]))
    prepared = objective.prepare(batch, torch.Generator(), 0.0)
    assert prepared.targets == 3
    labels = prepared.tensors[-1]
    assert labels is not None
    assert labels.tolist() == [[0, 0, 0], [1, 0, 1], [0, 1, 0]]


def test_loss_is_the_formula_and_its_gradient_agrees_with_finite_differences() -> None:
    objective = MultilabelObjective(SETS, 3)
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    labels = (torch.rand(4, 3, generator=generator) < 0.5).double()
    for smoothing in (0.0, 0.2):
        soft = labels * (1 - smoothing) + smoothing / 2
        chances = torch.sigmoid(logits)
        expected = -(soft * chances.log() + (1 - soft) * (1 - chances).log()).mean(dim=1).sum()
        torch.testing.assert_close(objective.compare(logits, labels, smoothing)[0], expected)
        assert torch.autograd.gradcheck(
            lambda z, s=smoothing: objective.compare(z, labels, s)[0], logits.clone().requires_grad_()
        )


def test_a_row_is_right_where_all_its_labels_are() -> None:
    logits = torch.tensor([[2.0, -1.0], [2.0, 1.0], [-1.0, -1.0]])
    labels = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    assert int(MultilabelObjective(SETS, 2).compare(logits, labels, 0.0)[1]) == 2
