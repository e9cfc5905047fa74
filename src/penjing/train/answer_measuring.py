"""Measures answers to prompts with a network: how probable each is, batch by batch."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from penjing.models.device import autocast, to_device
from penjing.progress import Progress, stop_if_asked
from penjing.text.shards import TokenShard
from penjing.train.objectives.preference import reader_of
from penjing.train.pair_batches import PairLimits
from penjing.train.preference_batches import PreferenceBatches


@torch.no_grad()
def measure_answers(
    network: nn.Module,
    shard: TokenShard,
    pad_id: int,
    limits: PairLimits,
    precision: torch.dtype,
    progress: Progress,
) -> NDArray[np.float64]:
    """Returns the log-probability of the answer in each row, in nats, [rows], without dropout.

    The same numbers as training computes of the same weights, but for the order of sums in batches of another size.

    Args:
        network: a language model.
        shard: as `PreferenceBatches` takes it.
        pad_id: fills shorter rows.
        limits: how large a batch may be.
        precision: in which matrices are multiplied.
        progress: told how many pairs were read.

    Raises:
        Interrupted: the user asked to stop.
    """
    device, reader, was_training = next(network.parameters()).device, reader_of(network), network.training
    network.eval()
    found = np.zeros(shard.rows)
    batches = PreferenceBatches(shard, found, pad_id, limits, 0, reads_first=reader.reads_first, shuffled=False)
    with progress.bar("reference", shard.rows // 2, "pairs") as bar:
        for pairs in batches.plan(0):
            stop_if_asked(progress)
            tensors, _ = reader.prepare(batches.load(pairs))
            with autocast(device, precision):
                measured = reader.measure(network, *to_device(tensors, device))
            found[np.concatenate([2 * pairs, 2 * pairs + 1])] = measured.double().cpu().numpy()
            bar.advance(len(pairs))
    network.train(was_training)
    return found
