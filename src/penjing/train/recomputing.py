"""Less memory for more work: what a layer computes inside is forgotten, and computed again on the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn
from torch.utils.checkpoint import checkpoint

from penjing.train.layers import outermost_layers


def recompute_layers(network: nn.Module) -> Callable[[], None]:
    """Lets every layer of a network keep only what goes into it (Chen et al. 2016, arXiv 1604.06174).

    Losses and gradients stay the same, to the bit where nothing is compiled; a step computes each layer's forward pass
    twice.

    Returns:
        A function that makes the layers keep everything again.
    """
    layers = list(outermost_layers(network))
    for layer in layers:
        layer.forward = _computed_again(layer.forward)

    def keep() -> None:
        for layer in layers:
            del layer.forward  # the instance's; that of the class is seen again

    return keep


def _computed_again(forward: Callable[..., Any]) -> Callable[..., Any]:
    # A function of our own: a compiler does not look into PyTorch's.
    def forward_again(*inputs: Any) -> Any:
        return checkpoint(forward, *inputs, use_reentrant=False)

    return forward_again
