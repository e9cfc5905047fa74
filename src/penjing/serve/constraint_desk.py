"""Where grammars that clients send become constraints."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from penjing.inference.decoding.constraints import MOST_READ, ConstraintMaker
from penjing.inference.decoding.interface import EngineFullError
from penjing.inference.decoding.request import Constraint
from penjing.serve.failures import busy


class ConstraintDesk:
    """Makes constraints on threads of its own: others who need a thread do not wait for grammars.

    Args:
        maker: of the constraints of a model.
    """

    def __init__(self, maker: ConstraintMaker) -> None:
        self._maker = maker
        # One more than may wait for a grammar to be read: those that are known always find one.
        self._threads = ThreadPoolExecutor(MOST_READ + 1, thread_name_prefix="grammars")

    async def make(self, make: Callable[[ConstraintMaker], Constraint], count: int) -> list[Constraint]:
        """Returns so many constraints, a text each.

        Raises:
            RequestError: too many are being made (429).
            UsageError: there is none.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, lambda: [make(self._maker) for _ in range(count)])
        except EngineFullError as error:
            raise busy(str(error)) from error
