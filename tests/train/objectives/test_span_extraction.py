"""What is learned of spans: cross-entropy of both ends over the text alone."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from penjing.train.batches import Batch
from penjing.train.objectives.span_extraction import SpanExtractionObjective, close_question

# start, question, end, three of text, end, padding
TYPES = torch.tensor([[0, 0, 0, 1, 1, 1, 1, 0], [0, 0, 0, 1, 1, 1, 1, 1]])
MASK = torch.tensor([[True] * 7 + [False], [True] * 8])
OPEN = ([0, 3, 4, 5], [0, 3, 4, 5, 6])


class Logits(nn.Module):
    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = nn.Parameter(logits)

    def forward(self, ids: Tensor, mask: Tensor | None, *, token_type_ids: Tensor) -> Tensor:
        return self.logits


def test_only_the_text_and_the_start_can_be_chosen() -> None:
    closed = close_question(torch.zeros(2, 8, 2), TYPES, MASK)
    assert [torch.nonzero(row[:, 0] == 0).flatten().tolist() for row in closed] == list(OPEN)
    no_padding = close_question(torch.zeros(1, 8, 2), TYPES[1:], None)
    assert torch.nonzero(no_padding[0, :, 1] == 0).flatten().tolist() == OPEN[1]


def test_the_loss_is_the_mean_of_both_ends_and_its_gradient_that_of_finite_differences() -> None:
    torch.manual_seed(0)
    network, objective = Logits(torch.randn(2, 8, 2, dtype=torch.float64)), SpanExtractionObjective()
    batch = Batch(
        torch.zeros(2, 8, dtype=torch.int64), MASK, None, token_types=TYPES, spans=torch.tensor([[3, 4], [0, 0]])
    )
    prepared = objective.prepare(batch, torch.Generator(), 0.0)
    assert (prepared.targets, prepared.tokens) == (2, 15)
    loss, right = objective.loss(network, *prepared.tensors)
    expected = 0.0
    for row, (places, span) in enumerate(zip(OPEN, ((3, 4), (0, 0)), strict=True)):
        for end in (0, 1):
            logits = network.logits[row, places, end].detach().numpy()
            expected += (np.log(np.exp(logits).sum()) - network.logits[row, span[end], end].item()) / 2
    assert abs(loss.item() - expected) < 1e-5
    assert right == 0 or right in (1, 2)
    loss.backward()  # type: ignore[no-untyped-call]
    assert network.logits.grad is not None
    step = 1e-2
    for row, place, end in ((0, 3, 0), (0, 4, 1), (1, 0, 0), (0, 1, 0)):
        moved = []
        for sign in (1, -1):
            with torch.no_grad():
                network.logits[row, place, end] += sign * step
                moved.append(float(objective.loss(network, *prepared.tensors)[0]))
                network.logits[row, place, end] -= sign * step
        assert abs((moved[0] - moved[1]) / (2 * step) - network.logits.grad[row, place, end].item()) < 1e-3


def test_a_row_is_right_where_both_ends_are() -> None:
    logits = torch.zeros(2, 8, 2)
    logits[0, 3, 0] = logits[0, 4, 1] = logits[1, 0, 0] = logits[1, 5, 1] = 9.0
    tensors = (torch.zeros(2, 8, dtype=torch.int64), MASK, TYPES, torch.tensor([[3, 4], [0, 0]]))
    assert SpanExtractionObjective().loss(Logits(logits), *tensors)[1] == 1
