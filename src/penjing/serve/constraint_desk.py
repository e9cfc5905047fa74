"""Where grammars that clients send become constraints."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore

from penjing.inference.decoding.constraints import ConstraintMaker
from penjing.inference.decoding.request import Constraint
from penjing.serve.failures import busy

_MOST = 16  # requests whose grammars are read, or wait for that


class ConstraintDesk:
    """Makes constraints on threads of its own: others who need a thread do not wait for grammars.

    Args:
        maker: of the constraints of a model.
    """

    def __init__(self, maker: ConstraintMaker) -> None:
        self._maker = maker
        self._threads = ThreadPoolExecutor(_MOST, thread_name_prefix="grammars")
        self._places = BoundedSemaphore(_MOST)

    async def make(self, make: Callable[[ConstraintMaker], Constraint], count: int) -> list[Constraint]:
        """Returns so many constraints, a text each.

        Raises:
            RequestError: too many are being made (429).
            UsageError: there is none.
        """
        if not self._places.acquire(blocking=False):
            raise busy(f"{_MOST} expressions and schemas are being read. Ask again in a while.")
        made = self._threads.submit(lambda: [make(self._maker) for _ in range(count)])
        made.add_done_callback(lambda _: self._places.release())  # not before, though who asked may be gone
        return await asyncio.wrap_future(made)
