"""Keys and values of tokens that were read before, so that a decoder reads each token once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from penjing.errors import UsageError

# For each layer the keys and values of what is looked at, each [batch, heads, time, dim].
Read = list[tuple[Tensor, Tensor]]


class Memory(Protocol):
    """What a network keeps of the texts that it reads on, in rows: one for each text, or several next to each other."""

    def repeat(self, times: int) -> None:
        """Lets as many rows go on from each, next to each other."""

    def reorder(self, rows: Tensor) -> None:
        """Lets each row go on from what another of the same text holds, whose number is in its place, int64 [rows]."""

    def keep(self, rows: Tensor) -> None:
        """Forgets all rows but these, int64, in rising order, all or none of each text."""


class LayerCache(Protocol):
    """Keys and values of every layer, as a decoder uses them while it reads.

    Attributes:
        length: tokens that all layers have read.
    """

    length: int

    def put(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Adds what a layer made of new tokens; returns all its keys and values; see `KeyValueCache.put`."""

    def advance(self, count: int) -> None:
        """Counts new tokens as read, after every layer has put theirs."""


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

    @property
    def rows(self) -> int:
        """How many there are."""
        return self._keys.shape[1]

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

    def repeat(self, times: int) -> None:
        """Lets as many rows go on from each, next to each other; see `Memory`."""
        self.keep(torch.arange(self._keys.shape[1], device=self._keys.device).repeat_interleave(times))

    def reorder(self, rows: Tensor) -> None:
        """Lets each row go on from another; see `Memory`. Only rows that change are copied."""
        (changed,) = (rows != torch.arange(len(rows), device=rows.device)).nonzero(as_tuple=True)
        if len(changed):
            sources = rows[changed]
            for stored in (self._keys, self._values):
                filled = stored[:, :, :, : self.length]
                filled[:, changed] = filled.index_select(1, sources)

    def keep(self, rows: Tensor) -> None:
        """Forgets all rows but these; see `Memory`."""
        self._keys, self._values = (self._pick(stored, rows) for stored in (self._keys, self._values))

    def _pick(self, stored: Tensor, rows: Tensor) -> Tensor:
        layers, _, heads, longest, dim = stored.shape
        picked = stored.new_empty((layers, len(rows), heads, longest, dim))
        picked[:, :, :, : self.length] = stored[:, :, :, : self.length].index_select(1, rows)
        return picked


@dataclass
class EncoderDecoderCache:
    """What a decoder keeps that looks at the text of an encoder too.

    Attributes:
        written: keys and values of what it read itself.
        read: those of the encoder's tokens; empty until the decoder has been given them. Rows of one text share them.
        mask: true where a token of the encoder is real, bool [batch, time]; None where nothing is padding.
    """

    written: KeyValueCache
    read: Read = field(default_factory=list)
    mask: Tensor | None = None

    def repeat(self, times: int) -> None:
        """Lets as many rows go on from each, next to each other; see `Memory`."""
        self.written.repeat(times)

    def reorder(self, rows: Tensor) -> None:
        """Lets each row go on from another of the same text; see `Memory`."""
        self.written.reorder(rows)

    def keep(self, rows: Tensor) -> None:
        """Forgets all rows but these; see `Memory`."""
        times = self.written.rows // len(self.read[0][0])
        texts = rows[::times] // times
        self.written.keep(rows)
        self.read = [(keys.index_select(0, texts), values.index_select(0, texts)) for keys, values in self.read]
        self.mask = None if self.mask is None else self.mask.index_select(0, texts)
