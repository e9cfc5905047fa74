"""Networks that have shapes and no numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


class _NothingDrawn(TorchFunctionMode):
    """Leaves every tensor as it is where numbers would be drawn or set by `torch.nn.init`."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else named["tensor"]
        return func(*args, **named)


@contextmanager
def meta_device() -> Iterator[None]:
    """Within it modules are made on the device ``meta``: of their weights there are shapes and types, and no memory.

    Nothing is drawn for them: PyTorch would do so in Python there, and import its compiler for it, which takes long.
    """
    with torch.device("meta"), _NothingDrawn():
        yield
