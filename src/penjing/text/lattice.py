"""All ways to cut many words into pieces at once, and how often each piece is expected in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Arcs = NDArray[np.int32]  # there are many


@dataclass(frozen=True)
class Words:
    """Words one after another, with a place to spare after each.

    Attributes:
        characters: number of the character at each place; -1 after the end of a word, [places].
        alphabet: the characters by number.
        starts: where each word starts, [words].
        ends: the place after its last character, [words].
    """

    characters: Ints
    alphabet: list[str]
    starts: Ints
    ends: Ints

    @property
    def word_of(self) -> Ints:
        """The word that each place belongs to, [places]."""
        return np.repeat(np.arange(len(self.starts)), self.ends - self.starts + 1)


def lay_out(words: list[str], alphabet: list[str] | None = None) -> Words:
    """Returns words laid out for a lattice.

    Args:
        words: none of them empty.
        alphabet: by whose order the characters are numbered, if there is one already; it has all of them, sorted.
    """
    lengths = np.fromiter(map(len, words), dtype=np.int64, count=len(words))
    ends = np.cumsum(lengths + 1) - 1
    codes = np.frombuffer("\0".join([*words, ""]).encode("utf-32-le"), dtype=np.uint32)
    is_character = np.ones(len(codes), dtype=bool)
    is_character[ends] = False
    found = np.unique(codes[is_character]) if alphabet is None else np.array([ord(c) for c in alphabet], np.uint32)
    characters = np.full(len(codes), -1, dtype=np.int64)
    characters[is_character] = np.searchsorted(found, codes[is_character])
    return Words(characters, [chr(code) for code in found], ends - lengths, ends)


class Lattice:
    """The pieces that words can be cut into: an arc from its first place to the place after it.

    Args:
        words: with the places.
        first: where each arc starts, [arcs].
        last: where it ends, [arcs].
        piece: the piece on it, [arcs].
    """

    def __init__(self, words: Words, first: Arcs, last: Arcs, piece: Arcs) -> None:
        self._words, self._places = words, len(words.characters)
        self._word_of = words.word_of.astype(np.int32)
        self._starts = words.starts.astype(np.int32)[self._word_of]
        # An arc comes after all that end where it starts; and, backward, after all that start where it ends.
        forward = np.lexsort((last, last - self._starts[last]))
        self._forward = _Order(first[forward], last[forward], piece[forward], by_last=True)
        backward = np.lexsort((first, self._starts[first] - first))
        self._backward = _Order(first[backward], last[backward], piece[backward], by_last=False)

    def keep(self, is_kept: NDArray[np.bool_], renumbered: Ints) -> None:
        """Leaves out the arcs of some pieces, and gives the others new numbers.

        Args:
            is_kept: whether a piece stays, [pieces].
            renumbered: its new number, [pieces].
        """
        for order in (self._forward, self._backward):
            order.keep(is_kept, renumbered)

    def sum_paths(self, weights: Floats) -> Floats:
        """Returns the sum over all ways to cut each word of the product of its pieces' weights, [words].

        Args:
            weights: of the pieces, [pieces].
        """
        return self._sum_before(weights)[self._words.ends]

    def expect(self, weights: Floats, counts: Floats) -> Floats:
        """Returns how often each piece is expected, [pieces]: the forward-backward algorithm.

        Args:
            weights: of the pieces, [pieces].
            counts: how often each word occurs, [words].
        """
        before, after = self._sum_before(weights), self._sum_after(weights)
        total = before[self._words.ends]
        known = np.divide(counts, total, out=np.zeros_like(total), where=total > 0)
        arcs = self._forward
        share = before[arcs.first] * weights[arcs.piece] * after[arcs.last] * known[self._word_of[arcs.first]]
        return np.bincount(arcs.piece, weights=share, minlength=len(weights)).astype(np.float64)

    def _sum_before(self, weights: Floats) -> Floats:
        """Returns the sum over all ways from the start of its word to each place, [places]."""
        sums = np.zeros(self._places)
        sums[self._words.starts] = 1
        arcs = self._forward
        for step in arcs.steps(arcs.last - self._starts[arcs.last]):
            reached = np.add.reduceat(sums[arcs.first[step.arcs]] * weights[arcs.piece[step.arcs]], step.groups)
            sums[arcs.last[step.arcs][step.groups]] = reached
        return sums

    def _sum_after(self, weights: Floats) -> Floats:
        """Returns the sum over all ways from each place to the end of its word, [places]."""
        sums = np.zeros(self._places)
        sums[self._words.ends] = 1
        arcs = self._backward
        for step in arcs.steps(self._starts[arcs.first] - arcs.first):
            reached = np.add.reduceat(sums[arcs.last[step.arcs]] * weights[arcs.piece[step.arcs]], step.groups)
            sums[arcs.first[step.arcs][step.groups]] = reached
        return sums


@dataclass(frozen=True)
class _Step:
    """Arcs that can be taken at the same time.

    Attributes:
        arcs: which.
        groups: where those of another place begin among them.
    """

    arcs: slice
    groups: Ints


class _Order:
    """The arcs in the order in which they are taken."""

    def __init__(self, first: Arcs, last: Arcs, piece: Arcs, *, by_last: bool) -> None:
        self.first, self.last, self.piece, self._by_last = first, last, piece, by_last

    def keep(self, is_kept: NDArray[np.bool_], renumbered: Ints) -> None:
        chosen = is_kept[self.piece]
        self.first, self.last = self.first[chosen], self.last[chosen]
        self.piece = renumbered[self.piece[chosen]].astype(self.first.dtype)

    def steps(self, depth: Arcs) -> list[_Step]:
        """Returns the steps, given how far into its word each arc is taken; it never falls."""
        place = self.last if self._by_last else self.first
        borders = np.flatnonzero(np.diff(depth, prepend=depth[:1] - 1))
        steps = []
        for start, end in zip(borders, [*borders[1:], len(depth)], strict=True):
            taken = place[start:end]
            steps.append(_Step(slice(start, end), np.flatnonzero(np.diff(taken, prepend=taken[:1] - 1))))
        return steps
