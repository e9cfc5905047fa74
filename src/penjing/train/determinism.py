"""The same numbers every time, on a GPU too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils import deterministic

from penjing.errors import TrainingError


@contextmanager
def deterministic_algorithms(device: torch.device) -> Iterator[None]:
    """For a while a GPU adds numbers up in an order that is always the same; on a CPU that is so anyway.

    The backward passes of fused attention add in the order in which parts of the card happen to finish, unless they are
    told not to; without this a run on a GPU that is stopped could not go on to the bit.

    Raises:
        TrainingError: an operation has no such algorithm; PyTorch names it.
    """
    if device.type == "cpu":
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # PyTorch asks for it, and reads it when it multiplies
    is_on, only_warns = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    fills = deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.use_deterministic_algorithms(True)
    # Nothing here reads memory that was not written.
    deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        yield
    except RuntimeError as error:
        if "does not have a deterministic implementation" not in str(error):
            raise
        raise TrainingError(
            f"this GPU does not add up in the same order every time ({error})",
            do="Set deterministic = false; a run that is stopped then does not go on to the bit.",
        ) from error
    finally:
        torch.use_deterministic_algorithms(is_on, warn_only=only_warns)
        deterministic.fill_uninitialized_memory = fills  # type: ignore[attr-defined]
