"""What of a network is trained, and what is frozen and stays as it is."""

from __future__ import annotations

import hashlib

import torch
from torch import nn


def trained_parameters(network: nn.Module) -> dict[str, nn.Parameter]:
    """Returns the parameters that are trained, by name."""
    return {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}


def count_trained(network: nn.Module) -> int:
    """Returns how many numbers are trained."""
    return sum(parameter.numel() for parameter in trained_parameters(network).values())


def hash_frozen(network: nn.Module) -> str:
    """Returns the hash of all frozen parameters by name, as BLAKE2b of 128 bits; empty where none is frozen."""
    digest, is_empty = hashlib.blake2b(digest_size=16), True
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            is_empty = False
            digest.update(f"{name} {parameter.dtype} {tuple(parameter.shape)}\n".encode())
            digest.update(parameter.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return "" if is_empty else digest.hexdigest()
