"""The layers of a network, whatever its architecture calls them."""

from __future__ import annotations

from torch import nn


def outermost_layers(module: nn.Module) -> list[nn.Module]:
    """Returns the members of lists of modules that are in no other such list."""
    found: list[nn.Module] = []
    for child in module.children():
        found += list(child) if isinstance(child, nn.ModuleList) else outermost_layers(child)
    return found
