from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from penjing.train.batches import Batch
from penjing.train.objectives.classification import ClassificationObjective
from penjing.train.objectives.distillation import DistillationObjective
from penjing.train.objectives.multilabel import MultilabelObjective
from penjing.train.objectives.ordinal import OrdinalObjective

ROWS, TEACHERS, LABELS = 6, 2, 3
TEMPERATURE, WEIGHT = 3.0, 0.7
SETS = ((), (0, 2), (1,))
Values = NDArray[np.float64]


class Given(nn.Module):
    """A network that answers with what it was given."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = nn.Parameter(logits)

    def forward(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        return self.logits


def softmax(values: Values) -> Values:
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def sigmoid(values: Values) -> Values:
    return np.asarray(1 / (1 + np.exp(-values)))


def ranked(logits: Values) -> Values:
    """The probabilities of three labels in order, from two logits (CORN)."""
    first, second = sigmoid(logits).T
    return np.stack([1 - first, first * (1 - second), first * second], axis=1)


def rows(labels: list[int], seed: int = 0, outputs: int = LABELS) -> tuple[Tensor, Batch]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(ROWS, outputs, generator=generator)
    taught = 2 * torch.randn(ROWS, TEACHERS, LABELS, generator=generator)
    return logits, Batch(torch.ones(ROWS, 2, dtype=torch.int64), None, torch.tensor(labels), taught=taught)


def lose(objective: DistillationObjective, logits: Tensor, batch: Batch) -> tuple[float, int]:
    prepared = objective.prepare(batch, torch.Generator(), 0.0)
    loss, right = objective.loss(Given(logits), *prepared.tensors)
    return loss.item(), int(right)


def hinton(true: Values, given: Values, wanted: Values, is_labelled: Values) -> float:
    """The sum over rows of (1 - w) true + w T² KL(wanted ‖ given), in float64."""
    divergences = (wanted * (np.log(wanted) - np.log(given))).sum(axis=-1)
    return float(((1 - WEIGHT) * true * is_labelled + WEIGHT * TEMPERATURE**2 * divergences).sum())


@pytest.mark.parametrize("labels", [[0, 1, 2, 0, 1, 2], [0, -1, 2, -1, -1, 1], [-1] * ROWS])
def test_loss_is_hintons_and_a_row_without_a_label_has_the_teachers_part(labels: list[int]) -> None:
    logits, batch = rows(labels)
    scores, taught = logits.double().numpy(), batch.taught
    assert taught is not None
    wanted = softmax(taught.double().numpy() / TEMPERATURE).mean(axis=1)
    true = -np.log(softmax(scores)[np.arange(ROWS), labels])
    expected = hinton(true, softmax(scores / TEMPERATURE), wanted, np.array(labels) >= 0)
    objective = DistillationObjective(ClassificationObjective(), TEMPERATURE, WEIGHT)
    assert lose(objective, logits, batch)[0] == pytest.approx(expected, rel=1e-5)


def test_labels_in_order_are_learned_by_their_own_probabilities() -> None:
    labels = [0, 1, 2, -1, -1, 1]
    logits, batch = rows(labels, outputs=LABELS - 1)
    probabilities, taught = ranked(logits.double().numpy()), batch.taught
    assert taught is not None
    wanted = softmax(taught.double().numpy() / TEMPERATURE).mean(axis=1)
    true = -np.log(probabilities[np.arange(ROWS), labels])
    expected = hinton(true, softmax(np.log(probabilities) / TEMPERATURE), wanted, np.array(labels) >= 0)
    objective = DistillationObjective(OrdinalObjective(), TEMPERATURE, WEIGHT)
    assert lose(objective, logits, batch)[0] == pytest.approx(expected, rel=1e-5)


def test_several_labels_are_learned_each_by_itself() -> None:
    sets = [0, 1, 2, -1, -1, 1]
    logits, batch = rows(sets)
    scores, taught = logits.double().numpy(), batch.taught
    assert taught is not None
    wanted, given = sigmoid(taught.double().numpy() / TEMPERATURE).mean(axis=1), sigmoid(scores / TEMPERATURE)
    both = np.stack([wanted, 1 - wanted], axis=-1), np.stack([given, 1 - given], axis=-1)
    divergences = (both[0] * np.log(both[0] / both[1])).sum(axis=-1).mean(axis=-1)
    target = np.array([[label in SETS[number] for label in range(LABELS)] for number in sets])
    true = -np.log(np.where(target, sigmoid(scores), 1 - sigmoid(scores))).mean(axis=-1)
    expected = ((1 - WEIGHT) * true * (np.array(sets) >= 0) + WEIGHT * TEMPERATURE**2 * divergences).sum()
    objective = DistillationObjective(MultilabelObjective(SETS, LABELS), TEMPERATURE, WEIGHT)
    assert lose(objective, logits, batch)[0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "learned", [ClassificationObjective, OrdinalObjective, lambda: MultilabelObjective(SETS, LABELS)]
)
def test_gradient_agrees_with_finite_differences(learned: Callable[[], ClassificationObjective]) -> None:
    objective = learned()
    outputs = LABELS - 1 if isinstance(objective, OrdinalObjective) else LABELS
    logits, batch = rows([0] * ROWS, outputs=outputs)
    assert batch.taught is not None
    taught = batch.taught.double()
    assert torch.autograd.gradcheck(
        lambda given: objective.imitate(given, taught, TEMPERATURE), (logits.double().requires_grad_(),)
    )


def test_a_student_that_says_what_its_teachers_do_has_nothing_to_learn() -> None:
    logits, batch = rows([-1] * ROWS)
    batch = Batch(batch.ids, None, batch.labels, taught=logits[:, None].expand(-1, TEACHERS, -1))
    objective = DistillationObjective(ClassificationObjective(), TEMPERATURE, WEIGHT)
    assert lose(objective, logits, batch)[0] == pytest.approx(0.0, abs=1e-5)


def test_rows_that_no_teacher_saw_are_measured_by_their_labels() -> None:
    logits, batch = rows([0, 1, 2, 0, 1, 2])
    plain, batch = ClassificationObjective(), Batch(batch.ids, None, batch.labels)
    prepared = plain.prepare(batch, torch.Generator(), 1.0)
    loss, right = plain.loss(Given(logits), *prepared.tensors)
    found = lose(DistillationObjective(plain, TEMPERATURE, WEIGHT), logits, batch)
    assert found == (pytest.approx(loss.item()), int(right))
