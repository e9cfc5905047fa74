from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from penjing.train.batches import Batch
from penjing.train.objectives.contrastive import (
    Comparison,
    ContrastiveObjective,
    compare_by_cosine,
    compare_by_supervision,
)

LABELS = torch.tensor([0, 1, 0, 2, 1, 0])


def cosines_of(vectors: Tensor) -> Tensor:
    unit = nn.functional.normalize(vectors, dim=-1)
    return unit @ unit.T


def some_vectors(rows: int = 6) -> Tensor:
    return torch.randn(rows, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_supervised_contrast_is_that_of_the_paper() -> None:
    vectors, temperature = some_vectors(), 0.2
    cosines, labels = cosines_of(vectors), LABELS.tolist()
    expected = []
    for row in range(6):
        below = sum(math.exp(cosines[row, other] / temperature) for other in range(6) if other != row)
        same = [other for other in range(6) if other != row and labels[other] == labels[row]]
        terms = [math.log(math.exp(cosines[row, other] / temperature) / below) for other in same]
        expected.append(-sum(terms) / len(terms) if terms else 0.0)  # the third class has one row
    found = compare_by_supervision(temperature)(cosines, LABELS[:, None] == LABELS)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_cosine_error_is_the_mean_over_the_other_rows() -> None:
    cosines = cosines_of(some_vectors())
    wanted = (LABELS[:, None] == LABELS).double()
    expected = [sum((cosines[i, j] - wanted[i, j]) ** 2 for j in range(6) if j != i) / 5 for i in range(6)]
    torch.testing.assert_close(compare_by_cosine(cosines, LABELS[:, None] == LABELS), torch.stack(expected))


@pytest.mark.parametrize("comparison", [compare_by_supervision(0.1), compare_by_cosine])
def test_gradients_agree_with_finite_differences(comparison: Comparison) -> None:
    vectors = some_vectors().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda given: comparison(cosines_of(given), LABELS[:, None] == LABELS).sum(), vectors
    )


class WordMeans(nn.Module):
    """Pools the means of word vectors, as a classifier does, and remembers how many tokens it was given."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.words, self.head, self.given = nn.Embedding(50, 8), nn.Linear(8, 3), 0

    def pool(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        self.given += ids.numel()
        real = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
        return (self.words(ids) * real[..., None]).sum(dim=1) / real.sum(dim=1, keepdim=True)


def test_rows_are_pooled_by_length_with_the_vectors_and_the_loss_of_one_batch() -> None:
    generator = torch.Generator().manual_seed(1)
    lengths = torch.randint(1, 30, (20,), generator=generator)
    mask = torch.arange(30) < lengths[:, None]
    ids = torch.randint(1, 50, (20, 30), generator=generator) * mask
    labels = torch.randint(0, 3, (20,), generator=generator)
    network, objective = WordMeans(), ContrastiveObjective(compare_by_supervision(0.1))
    prepared = objective.prepare(Batch(ids, mask, labels), generator, 0.0)
    assert (prepared.targets, prepared.tokens) == (20, int(lengths.sum()))
    loss, right = objective.loss(network, *prepared.tensors)
    assert network.given < ids.numel()
    cosines = cosines_of(network.pool(ids, mask))
    torch.testing.assert_close(loss, compare_by_supervision(0.1)(cosines, labels[:, None] == labels).sum())
    nearest = (cosines - 9 * torch.eye(20)).argmax(dim=1)
    assert int(right) == int((labels[nearest] == labels).sum())


@pytest.mark.parametrize("comparison", [compare_by_supervision(0.1), compare_by_cosine])
def test_classes_come_apart_and_the_head_is_not_touched(comparison: Comparison) -> None:
    network, objective = WordMeans(), ContrastiveObjective(comparison)
    labels = torch.tensor([0, 0, 0, 1, 1, 1])
    ids = torch.tensor([[1, 7, 9], [2, 7, 8], [3, 9, 8], [4, 7, 9], [5, 8, 7], [6, 9, 8]])  # 7 to 9 are of both
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
    for _ in range(40):
        loss, _ = objective.loss(network, ids, None, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert network.head.weight.grad is None
    cosines = cosines_of(network.pool(ids)).detach()
    is_same = labels[:, None] == labels
    assert cosines[is_same].min() > cosines[~is_same].max() + 0.3
