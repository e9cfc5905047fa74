"""What is supposed to come next; it is checked in one step, and the text stays what it would be without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from penjing.inference.decoding.sampler import SampleState


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
