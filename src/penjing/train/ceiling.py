"""How fast the machine multiplies matrices, and what share of that a training run reaches."""

from __future__ import annotations

import time
from typing import Any

import torch

from penjing.models.interface import Architecture

_SIDE = 2048
_ROUNDS = 5


@torch.inference_mode()
def measure_matrix_rate(device: torch.device, precision: torch.dtype) -> float:
    """Returns the operations per second of the best of a few products of square matrices, 2,048 wide (16,384 on a GPU).

    It takes about a fifth of a second. What a whole step reaches of it is its model FLOPs utilization (Chowdhery et al.
    2022, arXiv 2204.02311, appendix B).
    """
    side = 8 * _SIDE if device.type == "cuda" else _SIDE
    left, right = (torch.randn(side, side, device=device, dtype=precision) for _ in range(2))
    best = float("inf")
    for _ in range(_ROUNDS):
        _wait(device)
        began = time.perf_counter()
        left @ right
        _wait(device)
        best = min(best, time.perf_counter() - began)
    return 2 * side**3 / best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def language_flops_per_token(architecture: Architecture, config: Any, row_tokens: int, scored: float) -> float:
    """Returns the operations that training spends on a token, forward and backward, the output layer included.

    Args:
        architecture: of the language model.
        config: its numbers.
        row_tokens: tokens in a row.
        scored: share of the tokens for which the vocabulary is scored.
    """
    output: int = 6 * architecture.embedding_size(config) * config.vocab_size
    return float(architecture.training_flops_per_token(config, row_tokens) + scored * output)
