"""The in-batch softmax: the loss written out, the correction for popularity, and validation over all items."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from penjing.models.interface import Architecture
from penjing.registry import load_registered
from penjing.train.batches import Batch
from penjing.train.cross_entropy import IGNORED
from penjing.train.objectives.in_batch import InBatchObjective

ITEMS = 12
READ = torch.tensor([[1, 2, 3], [4, 5, 0]])
MASK = READ != 0
WRITTEN = torch.tensor([[2, 3, 4], [5, 2, IGNORED]])
COUNTS = np.arange(ITEMS + 1)


@pytest.fixture
def network() -> Any:
    architecture: Architecture = load_registered("models", "two_tower")
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "hidden_dropout": 0.0, "attention_dropout": 0.0}
    config = architecture.config_from_dict({**architecture.fresh_shape, **sizes, "vocab_size": 30, "num_items": ITEMS})
    network: Any = architecture.language_model(config)
    architecture.initialize(network, config, 0)
    texts = torch.arange(1, 2 * ITEMS + 1).view(ITEMS, 2) % 29 + 1
    network.put_texts(torch.cat([torch.zeros(1, 2, dtype=torch.int64), texts]))
    return network


def test_the_loss_is_that_over_the_items_of_the_batch_less_their_chance_to_be_in_it(network: Any) -> None:
    objective = InBatchObjective(COUNTS)
    prepared = objective.prepare(Batch(READ, MASK, None, written=WRITTEN), torch.Generator(), 0.0)
    assert (prepared.targets, prepared.tokens) == (5, 5)
    loss, _ = objective.loss(network.train(), *prepared.tensors)
    items = torch.tensor([2, 3, 4, 5])
    states = network.encode(READ, MASK)[WRITTEN != IGNORED]
    cosines = F.cosine_similarity(states[:, None], network.item_vectors(items)[None], dim=-1)
    chance = 1 - (1 - torch.tensor(COUNTS / COUNTS.sum())[items]) ** 5
    expected = F.cross_entropy(cosines / 0.07 - chance.log().float(), torch.tensor([0, 1, 2, 3, 0]), reduction="sum")
    torch.testing.assert_close(loss, expected)


def test_validation_asks_for_the_item_among_all(network: Any) -> None:
    objective = InBatchObjective(COUNTS)
    tensors = objective.prepare(Batch(READ, MASK, None, written=WRITTEN), torch.Generator(), 1.0).tensors
    with torch.no_grad():
        loss, right = objective.loss(network.eval(), *tensors)
        scores = network.score(network.encode(READ, MASK))[WRITTEN != IGNORED]
    wanted = WRITTEN[WRITTEN != IGNORED]
    torch.testing.assert_close(loss, F.cross_entropy(scores, wanted, reduction="sum"))
    assert int(right) == int((scores.argmax(dim=-1) == wanted).sum())


def test_a_step_against_the_gradient_lowers_the_loss(network: Any) -> None:
    objective = InBatchObjective(COUNTS)
    tensors = objective.prepare(Batch(READ, MASK, None, written=WRITTEN), torch.Generator(), 0.0).tensors
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    losses = []
    for _ in range(5):
        loss, _ = objective.loss(network.train(), *tensors)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses == sorted(losses, reverse=True)
