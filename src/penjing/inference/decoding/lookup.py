"""Supposes that a text goes on as it did before, where the same words stood."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from penjing.inference.decoding.sampler import SampleState

_TEXTS = 8  # whose places are remembered
_COMPARED = 8  # last tokens that show whether a text is the one that was read


class PromptLookup:
    """Looks up what followed the last tokens of a text where they stood before (Saxena 2023, prompt lookup decoding).

    The longest run of last tokens that stood before decides, and its latest place. Places are remembered as the text
    grows, so that a step costs a few look-ups; a `penjing.inference.decoding.drafting.Drafter`.

    Args:
        longest: tokens of the longest run that is looked up.
        shortest: of the shortest.
    """

    def __init__(self, longest: int = 4, shortest: int = 2) -> None:
        self._lengths = range(longest, shortest - 1, -1)
        self._known: OrderedDict[int, _Places] = OrderedDict()

    def propose(self, ids: Sequence[int], state: SampleState | None, most: int) -> list[int]:
        """Returns the tokens that may follow a text, at most so many.

        Args:
            ids: the text. A list that grows between the calls is read on; one that changed otherwise is read again.
            state: not needed.
            most: tokens.
        """
        places = self._known.pop(id(ids), None)
        if places is None or not places.goes_on(ids):
            places = _Places(ids, self._lengths)
        self._known[id(ids)] = places
        if len(self._known) > _TEXTS:
            self._known.popitem(last=False)
        return places.propose(most)

    def close(self) -> None:
        """Forgets all texts."""
        self._known.clear()


class _Places:
    """Where runs of tokens of a text stand.

    Args:
        ids: the text, which may grow.
        lengths: of the runs.
    """

    def __init__(self, ids: Sequence[int], lengths: range) -> None:
        self._ids, self._lengths = ids, lengths
        self._latest: dict[tuple[int, ...], int] = {}  # where the text goes on after a run
        self._read = 0  # tokens; the runs that end with each of them but the last are known
        self._last: tuple[int, ...] = ()

    def goes_on(self, ids: Sequence[int]) -> bool:
        """Whether this is the same text, or more of it."""
        return ids is self._ids and len(ids) >= self._read and self._tail(self._read) == self._last

    def _tail(self, end: int) -> tuple[int, ...]:
        return tuple(self._ids[max(end - _COMPARED, 0) : end])

    def propose(self, most: int) -> list[int]:
        """Returns what followed the last tokens before."""
        ids = self._ids
        for end in range(max(self._read, 1), len(ids)):
            for length in self._lengths:
                if length <= end:
                    self._latest[tuple(ids[end - length : end])] = end
        self._read, self._last = len(ids), self._tail(len(ids))
        for length in self._lengths:
            found = self._latest.get(tuple(ids[len(ids) - length :])) if length <= len(ids) else None
            if found is not None:
                return list(ids[found : found + most])
        return []
