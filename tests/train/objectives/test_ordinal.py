"""CORN: its loss is the formula of the paper, its gradient agrees with finite differences."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.models.ranked import RankedClassifier, rank_log_probabilities
from penjing.train.objectives.ordinal import OrdinalObjective


def logits_and_labels(rows: int = 40, labels: int = 5) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(rows, labels - 1, generator=generator, dtype=torch.float64)
    return logits, torch.randint(0, labels, (rows,), generator=generator)


def test_loss_is_the_sum_over_the_conditional_subsets_of_the_paper() -> None:
    logits, labels = logits_and_labels()
    expected = torch.zeros((), dtype=torch.float64)
    for k in range(logits.shape[1]):  # eq. 6: task k sees the rows that passed all tasks before
        subset = labels >= k
        targets = (labels[subset] > k).double()
        expected += F.binary_cross_entropy_with_logits(logits[subset, k], targets, reduction="sum")
    loss, _ = OrdinalObjective().compare(logits, labels, 0.0)
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=0)


def test_gradient_agrees_with_finite_differences() -> None:
    logits, labels = logits_and_labels(6)
    objective = OrdinalObjective()
    for smoothing in (0.0, 0.1):
        assert torch.autograd.gradcheck(
            lambda z, s=smoothing: objective.compare(z, labels, s)[0], logits.requires_grad_()
        )


def test_probabilities_of_any_logits_are_products_of_the_paper_and_add_up_to_one() -> None:
    logits, _ = logits_and_labels()
    found = rank_log_probabilities(logits).exp()
    above = F.pad(torch.sigmoid(logits).cumprod(dim=-1), (1, 1), value=1.0)
    above[:, -1] = 0.0  # P(y > k), k from before the first label to the last
    torch.testing.assert_close(found, above[:, :-1] - above[:, 1:])
    torch.testing.assert_close(found.sum(dim=-1), torch.ones(len(logits), dtype=torch.float64))
    extreme = rank_log_probabilities(torch.tensor([[-200.0, 200.0], [200.0, -200.0]]))
    assert torch.isfinite(extreme).all()


def test_right_are_the_rows_whose_median_is_the_label() -> None:
    logits, labels = logits_and_labels()
    _, right = OrdinalObjective().compare(logits, labels, 0.0)
    ranks = (torch.sigmoid(logits).cumprod(dim=-1) > 0.5).sum(dim=-1)  # eq. 5
    assert int(right) == int((ranks == labels).sum())


def test_a_ranked_classifier_gives_log_probabilities_of_its_network() -> None:
    class Two(nn.Module):
        def forward(self, ids: Tensor, mask: Tensor | None, *, inputs_embeds: Tensor | None = None) -> Tensor:
            return torch.tensor([[0.0, 0.0]])

    ids = torch.zeros(1, 1, dtype=torch.int64)
    assert RankedClassifier(Two())(ids).exp().tolist() == [pytest.approx([0.5, 0.25, 0.25])]
