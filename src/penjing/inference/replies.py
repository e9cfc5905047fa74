"""How probable several replies are after the same words, which are read once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from penjing.inference.likelihood import ReadingModel, score_targets
from penjing.text.batching import pad_rows


@torch.inference_mode()
def measure_replies(
    network: ReadingModel, prompt: Sequence[int], replies: Sequence[Sequence[int]]
) -> NDArray[np.float64]:
    """Returns the log-probability of each reply after a prompt, in nats, summed over its tokens, [replies].

    Args:
        network: a decoder; dropout is switched off.
        prompt: token ids, at least one.
        replies: token ids, at least one each; prompt and reply fit into the network's positions.
    """
    cast("nn.Module", network).eval()
    device = network.input_embeddings.weight.device
    ids, mask = pad_rows([list(reply) for reply in replies], 0)
    targets, real = torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device)  # [replies, time]
    memory, new = network.start(torch.tensor([list(prompt)], device=device), targets.shape[1])
    hidden = network.read(new, memory)[:, -1:].expand(len(replies), -1, -1)  # guesses the first token of each
    if targets.shape[1] > 1:
        memory.repeat(len(replies))
        # Padding is on the right, where no token that counts looks at it.
        hidden = torch.cat([hidden, network.read(targets[:, :-1], memory)], dim=1)  # [replies, time, dim]
    row, place = real.nonzero(as_tuple=True)
    sums = torch.zeros(len(replies), dtype=torch.float64, device=device)
    sums.index_add_(0, row, score_targets(network, hidden[row, place], targets[row, place]))
    return sums.cpu().numpy()
