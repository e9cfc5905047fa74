"""Lays matrices out as the compiled engine reads them; see ``product.h`` for the layouts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from penjing.models.quantized import GROUP, quantize_matrix

Weights = Literal["fp32", "bf16", "int8", "int4"]
TILE = 16
_GROUP_INT8 = 64  # activations that share a scale
_ZERO = 128  # of unsigned weights
_LARGEST = 127  # of codes with a sign; -128, which Penjing never writes, would have no opposite


class Kind(IntEnum):
    """How numbers are held, as the library counts them."""

    FP32 = 0
    BF16 = 1
    INT8 = 2
    INT4 = 3


KINDS: dict[Weights, Kind] = {"fp32": Kind.FP32, "bf16": Kind.BF16, "int8": Kind.INT8, "int4": Kind.INT4}
_STEP = {Kind.FP32: 1, Kind.BF16: 2, Kind.INT8: _GROUP_INT8, Kind.INT4: GROUP}


@dataclass(frozen=True)
class Packed:
    """A matrix in tiles of 16 outputs.

    Attributes:
        kind: how its numbers are held.
        outputs: how many, with those that fill the last tile.
        inputs: how many, with those that fill the last group.
        weights: the numbers.
        scales: of int8, fp32 [outputs]; of int4, bf16 [tiles, groups, 16].
    """

    kind: Kind
    outputs: int
    inputs: int
    weights: Tensor
    scales: Tensor | None


def pack(matrix: Tensor, kind: Kind) -> Packed:
    """Returns a matrix, [out, in], rounded to a kind and laid out in tiles."""
    if kind in (Kind.INT8, Kind.INT4):
        codes, scales = quantize_matrix(matrix, "int8" if kind == Kind.INT8 else "int4")
        return pack_codes(codes, scales, matrix.shape[1])
    outputs, inputs = _padded(matrix.shape[0], TILE), _padded(matrix.shape[1], _STEP[kind])
    whole = F.pad(matrix.detach().float(), (0, inputs - matrix.shape[1], 0, outputs - matrix.shape[0]))
    step = _STEP[kind]
    tiles = whole.view(outputs // TILE, TILE, inputs // step, step).permute(0, 2, 1, 3)  # [tiles, steps, 16, step]
    return Packed(
        kind, outputs, inputs, tiles.to(torch.float32 if kind == Kind.FP32 else torch.bfloat16).contiguous(), None
    )


def pack_codes(codes: Tensor, scales: Tensor, columns: int) -> Packed:
    """Returns a quantized matrix laid out in tiles; nothing of it is rounded again.

    Args:
        codes: as `penjing.models.quantized.quantize_matrix` makes them.
        scales: likewise.
        columns: of the matrix.
    """
    outputs = _padded(len(codes), TILE)
    missing = outputs - len(codes)
    if codes.dtype == torch.int8:
        inputs = _padded(columns, _GROUP_INT8)
        values = F.pad(codes.to(torch.int16).clamp(min=-_LARGEST), (0, inputs - columns, 0, missing)) + _ZERO
        tiles = values.to(torch.uint8).view(outputs // TILE, TILE, inputs // 4, 4).permute(0, 2, 1, 3)
        return Packed(Kind.INT8, outputs, inputs, tiles.contiguous(), F.pad(scales.float().flatten(), (0, missing)))
    inputs = codes.shape[1] * 2
    levels = torch.stack([codes >> 4, codes & 15], dim=2).view(len(codes), inputs)  # the first of two is the high one
    levels = F.pad(levels, (0, 0, 0, missing))
    quads = levels.view(outputs // TILE, TILE, inputs // 8, 2, 4).permute(0, 2, 3, 1, 4)  # [tiles, eights, 2, 16, 4]
    groups = F.pad(scales.float().view(len(codes), -1) / 127, (0, 0, 0, missing)).to(torch.bfloat16)
    laid = groups.view(outputs // TILE, TILE, -1).transpose(1, 2).contiguous()  # [tiles, groups, 16]
    return Packed(Kind.INT4, outputs, inputs, (quads[:, :, 0] | quads[:, :, 1] << 4).contiguous(), laid)


def _padded(count: int, step: int) -> int:
    return -(-count // step) * step
