"""How the engine holds weights, as commands that write are told it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penjing.errors import UsageError

if TYPE_CHECKING:
    from penjing.inference.native.packing import Weights

WEIGHTS: tuple[Weights, ...] = ("fp32", "bf16", "int8", "int4")


def check_weights(name: str | None) -> Weights | None:
    """Returns how the engine holds weights; None: there is to be no engine.

    Raises:
        UsageError: it knows no such way.
    """
    for known in WEIGHTS:
        if name == known:
            return known
    if name is None:
        return None
    raise UsageError(f"--weights is {name}", do=f"Give one of {', '.join(WEIGHTS)}.")
