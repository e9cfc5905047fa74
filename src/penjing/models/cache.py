"""Keys and values of tokens that were read before, so that a decoder reads each token once."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from penjing.errors import UsageError

# For each layer the keys and values of what is looked at, each [batch, heads, time, dim].
Read = list[tuple[Tensor, Tensor]]


class KeyValueCache:
    """Room for the keys and values of every layer, set aside at once.

    Args:
        layers: how many layers the network has.
        batch: rows.
        heads: heads of keys and values.
        dim: numbers a head.
        longest: tokens a row that there is room for.
        dtype: of the keys and values.
        device: where they lie.
    """

    def __init__(
        self,
        *,
        layers: int,
        batch: int,
        heads: int,
        dim: int,
        longest: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | None = None,
    ) -> None:
        shape = (layers, batch, heads, longest, dim)
        self._keys = torch.empty(shape, dtype=dtype, device=device)
        self._values = torch.empty(shape, dtype=dtype, device=device)
        self._longest = longest
        self.length = 0  # tokens that all layers have read

    def put(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Adds what a layer made of new tokens; returns all its keys and values, [batch, heads, length + new, dim].

        Args:
            layer: its number.
            keys: of the new tokens, [batch, heads, new, dim].
            values: likewise.

        Raises:
            UsageError: there is no room for so many.
        """
        end = self.length + keys.shape[2]
        if end > self._longest:
            raise UsageError(
                f"there is room for {self._longest} tokens, and {end} are to be kept",
                do="Ask for fewer tokens, or shorten the prompt.",
            )
        self._keys[layer, :, :, self.length : end] = keys
        self._values[layer, :, :, self.length : end] = values
        return self._keys[layer, :, :, :end], self._values[layer, :, :, :end]

    def advance(self, count: int) -> None:
        """Counts new tokens as read, after every layer has put theirs."""
        self.length += count


@dataclass
class EncoderDecoderCache:
    """What a decoder keeps that looks at the text of an encoder too.

    Attributes:
        written: keys and values of what it read itself.
        read: those of the encoder's tokens; empty until the decoder has been given them.
        mask: true where a token of the encoder is real, bool [batch, time]; None where nothing is padding.
    """

    written: KeyValueCache
    read: Read = field(default_factory=list)
    mask: Tensor | None = None
