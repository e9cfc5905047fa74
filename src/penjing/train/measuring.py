"""Measures a network on validation batches by what it learns."""

from __future__ import annotations

import torch
from torch import nn

from penjing.models.device import autocast, to_device
from penjing.train.batches import Batches
from penjing.train.mixing import PartBatches
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

    Of several parts both are the means of the parts, each of which counts as much; ``validation_loss.NAME`` and
    ``validation_accuracy.NAME`` are those of each. The same seed chooses the same targets every time.
    """
    network.eval()
    generator = torch.Generator().manual_seed(seed)
    plans = batches.plans() if isinstance(batches, PartBatches) else {"": batches.plan(0)}
    figures: dict[str, float] = {}
    for name, plan in plans.items():
        loss = right = targets = 0.0
        for rows in plan:
            prepared = objective.prepare(batches.load(rows), generator, 1.0)
            with autocast(device, precision):
                part_loss, part_right = objective.loss(network, *to_device(prepared.tensors, device))
            loss += part_loss.item()
            right += part_right.item()
            targets += prepared.targets
        end = f".{name}" if name else ""
        figures |= {
            f"validation_loss{end}": loss / max(1, targets),
            f"validation_accuracy{end}": right / max(1, targets),
        }
    network.train()
    if not isinstance(batches, PartBatches):
        return figures
    means = {
        key: sum(figures[f"{key}.{name}"] for name in plans) / len(plans)
        for key in ("validation_loss", "validation_accuracy")
    }
    return {**means, **figures}
