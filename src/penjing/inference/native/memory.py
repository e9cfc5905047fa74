"""Memory in large pages, where the system has them: a processor looks up few addresses at once, and large pages make
them reach further."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from contextlib import suppress

import torch
from torch import Tensor


def make_zeros(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    """Returns a tensor of zeros; memory is taken page by page, when it is written."""
    count = 1
    for size in shape:
        count *= size
    room = mmap.mmap(-1, max(count * dtype.itemsize, 1), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a system without: pages are small
            room.madvise(mmap.MADV_HUGEPAGE)
    return torch.frombuffer(room, dtype=dtype, count=count).view(tuple(shape))


def move(tensor: Tensor) -> Tensor:
    """Returns a copy of a tensor."""
    copy = make_zeros(tensor.shape, tensor.dtype)
    copy.copy_(tensor)
    return copy
