"""What a fresh language model guesses before it has learned anything: every token as often as it comes."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import nn

from penjing.text.shards import TokenShard

_COUNTED_AT_ONCE = 1 << 22  # tokens


class BiasedOutput(Protocol):
    """A language model whose output adds a number to the score of each entry of its vocabulary."""

    @property
    def output_bias(self) -> nn.Parameter:
        """These numbers, [vocab]."""


@torch.no_grad()
def guess_by_frequency(network: BiasedOutput, shard: TokenShard) -> None:
    """Has a fresh language model whose output has a bias begin by guessing every token as often as it comes.

    The bias becomes the logarithm of the tokens' shares, each counted once more than it comes. Otherwise frequencies
    are learned first, and not by the bias, which an optimizer moves by the learning rate a step, but by hidden states
    that are the same for every token.
    """
    bias = network.output_bias
    counts = np.ones(len(bias), dtype=np.int64)
    for start in range(0, len(shard.tokens), _COUNTED_AT_ONCE):
        counts += np.bincount(shard.tokens[start : start + _COUNTED_AT_ONCE], minlength=len(bias))
    bias.copy_(torch.from_numpy(np.log(counts / counts.sum())))
