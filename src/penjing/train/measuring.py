"""Measures a network on validation batches by what it learns."""

from __future__ import annotations

import torch
from torch import nn

from penjing.models.device import autocast, to_device
from penjing.train.batches import Batches
from penjing.train.objective import Objective


@torch.no_grad()
def measure(
    network: nn.Module,
    objective: Objective,
    batches: Batches,
    device: torch.device,
    precision: torch.dtype,
    seed: int,
) -> dict[str, float]:
    """Returns ``validation_loss`` (nats a prediction) and ``validation_accuracy`` over all batches.

    The same seed chooses the same targets every time.
    """
    network.eval()
    generator = torch.Generator().manual_seed(seed)
    loss = right = targets = 0.0
    for rows in batches.plan(0):
        prepared = objective.prepare(batches.load(rows), generator, 1.0)
        with autocast(device, precision):
            part_loss, part_right = objective.loss(network, *to_device(prepared.tensors, device))
        loss += part_loss.item()
        right += part_right.item()
        targets += prepared.targets
    network.train()
    return {"validation_loss": loss / max(1, targets), "validation_accuracy": right / max(1, targets)}
