"""What is supposed to come next; it is checked in one step, and the text stays what it would be without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from penjing.inference.decoding.sampler import SampleState

_FIRST_REST, _LONGEST_REST = 1, 32  # steps in which nothing is supposed


class Drafter(Protocol):
    """Supposes tokens (Leviathan et al. 2023, arXiv 2211.17192).

    The engine chooses each token as it would without drafts, with the same random number, and goes on in the same step
    while that is the one that was supposed: the text is the same, token for token.
    """

    def propose(self, ids: Sequence[int], state: SampleState, most: int) -> list[int]:
        """Returns the tokens that may follow a text; none where there is no idea.

        Args:
            ids: the text; the same list, grown, from step to step.
            state: by which its next token will be chosen; it stays as it is.
            most: tokens.
        """

    def close(self) -> None:
        """Lets go of threads and memory."""


class Pace:
    """How many tokens are supposed for a text, by how far what was supposed came true.

    Twice as many and one after a step in which all came true, one more than came true after another; half where none
    did, and once that is nothing, one again after a rest that doubles each time. So a drafter that is wrong costs
    little, and one that is right is asked for as much as it may give.

    Attributes:
        supposed: tokens that were supposed in the last step.
    """

    def __init__(self) -> None:
        self.supposed = 0
        self._length: int | None = None
        self._written, self._rest, self._next_rest = 0, 0, _FIRST_REST

    def choose(self, written: int, most: int) -> int:
        """Returns how many tokens may be supposed in the next step.

        Args:
            written: tokens of the text so far.
            most: tokens.
        """
        came_true = written - self._written - 1
        length = most if self._length is None else self._length
        if self.supposed:
            if came_true >= self.supposed:
                length, self._next_rest = 2 * length + 1, _FIRST_REST
            else:
                length = came_true + 1 if came_true > 0 else length // 2
            if not length:
                self._rest, self._next_rest = self._next_rest, min(2 * self._next_rest, _LONGEST_REST)
        elif self._rest:
            self._rest -= 1
            length = 0 if self._rest else 1
        self._written, self.supposed, self._length = written, 0, min(length, most)
        return self._length
