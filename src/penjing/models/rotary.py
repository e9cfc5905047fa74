"""Rotary position embeddings (Su et al. 2021, arXiv 2104.09864, eq. 34), in the layout of the hub's models.

Dimension i of a head is turned together with dimension i + dim / 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

import torch
from torch import Tensor, nn

RotaryKind = Literal["default", "linear", "llama3"]


@dataclass(frozen=True)
class Rotary:
    """How fast each pair of dimensions turns.

    Attributes:
        kind: ``default``; ``linear``, all slower by ``factor`` (Chen et al. 2023, arXiv 2306.15595); or ``llama3``:
            slow pairs are slowed by ``factor``, fast ones stay, those between are blended (Llama Team 2024,
            arXiv 2407.21783, and the reference code published with it).
        theta: base of the wavelengths; the slowest pair turns once in about 2π · theta tokens.
        factor: how much slower.
        low_freq_factor: pairs that turn less often than this in ``original_positions`` are slow.
        high_freq_factor: pairs that turn more often than this are fast.
        original_positions: the length that the model was first trained on.
    """

    kind: RotaryKind = "default"
    theta: float = 10_000.0
    factor: float = 1.0
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    original_positions: int = 8192


def rotary_frequencies(settings: Rotary, dim: int) -> Tensor:
    """Returns how many radians each pair turns from one token to the next, float32 [dim / 2]."""
    frequencies = settings.theta ** -(torch.arange(0, dim, 2, dtype=torch.float32) / dim)
    if settings.kind == "default":
        return frequencies
    if settings.kind == "linear":
        return frequencies / settings.factor
    turns = settings.original_positions * frequencies / (2 * math.pi)
    blend = (turns - settings.low_freq_factor) / (settings.high_freq_factor - settings.low_freq_factor)
    kept = blend.clamp(0, 1)  # 1 for the fast pairs, 0 for the slow ones
    return kept * frequencies + (1 - kept) * frequencies / settings.factor


class RotaryModule(nn.Module):
    """What turns queries and keys by their positions.

    Its frequencies stay in fp32 whatever a network is cast to: in bf16 they are off by up to one part in 512, and a
    thousand tokens on by more than a radian. They are made anew wherever a network is moved, so they are right too
    where a network without memory (on ``meta``) is given some.

    Args:
        rotary: how fast pairs turn.
        width: of a head.
    """

    frequencies: Tensor

    def __init__(self, rotary: Rotary, width: int) -> None:
        super().__init__()
        self._rotary, self._width = rotary, width
        self.register_buffer("frequencies", self._compute().to(torch.get_default_device()), persistent=False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.frequencies = self._compute().to(self.frequencies.device)
        return self

    def _compute(self) -> Tensor:
        with torch.device("cpu"):
            return rotary_frequencies(self._rotary, self._width)


def rotary_angles(frequencies: Tensor, first: int, count: int) -> tuple[Tensor, Tensor]:
    """Returns cosine and sine for positions ``first`` to ``first + count - 1``, each float32 [count, dim]."""
    positions = torch.arange(first, first + count, dtype=torch.float32, device=frequencies.device)
    angles = torch.outer(positions, frequencies).repeat(1, 2)  # [count, dim]
    return angles.cos(), angles.sin()


def rotate(heads: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turns queries or keys [batch, heads, time, dim] by the angles of their positions, [time, dim]."""
    first, second = heads.chunk(2, dim=-1)
    turned = torch.cat([-second, first], dim=-1)
    return heads * cosine.to(heads.dtype) + turned * sine.to(heads.dtype)
