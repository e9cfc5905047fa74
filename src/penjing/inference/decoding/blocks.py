"""Which blocks of keys and values hold which tokens; what a prompt shares with one before is found again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from penjing.inference.decoding.rows import BLOCK

_ROOT = 0  # the number of what comes before the first block


@dataclass
class Chain:
    """The blocks of one text, in order.

    Attributes:
        blocks: their numbers.
        known: how many of them, from the first, can be found by their tokens.
        last: the number by which the last of those is known.
    """

    blocks: list[int] = field(default_factory=list)
    known: int = 0
    last: int = _ROOT


class BlockPool:
    """Shares out blocks, and finds full ones again by their tokens and by those before them (Kwon et al. 2023, arXiv
    2309.06180, section 4.4).

    A block is known by its tokens themselves and the number of the block before, not by a hash of them: no text can
    ever read what another one with the same hash left. What nobody holds is kept until room is needed, and the longest
    unused goes first.

    Args:
        blocks: how many there are.
    """

    def __init__(self, blocks: int) -> None:
        self._free = list(range(blocks))[::-1]
        self._holders = [0] * blocks
        self._found: dict[tuple[int, tuple[int, ...]], tuple[int, int]] = {}  # to the block and its number
        self._keys: dict[int, tuple[int, tuple[int, ...]]] = {}  # by block
        self._idle: OrderedDict[int, None] = OrderedDict()  # known, held by nobody, the longest unused first
        self._numbers = _ROOT
        self.total = blocks

    @property
    def used(self) -> int:
        """How many are held by texts."""
        return self.total - len(self._free) - len(self._idle)

    @property
    def spare(self) -> int:
        """How many can be taken."""
        return len(self._free) + len(self._idle)

    def match(self, ids: Sequence[int]) -> Chain:
        """Returns the longest chain of known blocks that a text begins with, and holds them.

        At least one token is left out, for what follows it is to be computed.
        """
        chain = Chain()
        while (len(chain.blocks) + 1) * BLOCK < len(ids):
            begin = len(chain.blocks) * BLOCK
            found = self._found.get((chain.last, tuple(ids[begin : begin + BLOCK])))
            if found is None:
                break
            block, chain.last = found
            self._hold(block)
            chain.blocks.append(block)
        chain.known = len(chain.blocks)
        return chain

    def extend(self, chain: Chain, tokens: int) -> bool:
        """Lets a chain have room for so many tokens; returns whether there was; what it got so far it keeps."""
        while len(chain.blocks) * BLOCK < tokens:
            block = self._take()
            if block is None:
                return False
            self._hold(block)
            chain.blocks.append(block)
        return True

    def fork(self, chain: Chain, tokens: int) -> tuple[Chain, tuple[int, int] | None]:
        """Returns another chain of the first tokens of a text, which goes on by itself.

        Full blocks are held together. One that is begun is had twice: then it is said which block is to be copied into
        which, and there must be a spare one.

        Args:
            chain: of the text.
            tokens: that it holds.
        """
        full, begun = divmod(tokens, BLOCK)
        other, copied = Chain(chain.blocks[:full], chain.known, chain.last), None
        if begun:
            block = self._take()
            assert block is not None
            other.blocks.append(block)
            copied = chain.blocks[full], block
        for block in other.blocks:
            self._hold(block)
        return other, copied

    def know(self, chain: Chain, ids: Sequence[int], read: int) -> None:
        """Lets the full blocks of a text be found again.

        Args:
            chain: its blocks.
            ids: its tokens.
            read: how many of them the blocks hold for good.
        """
        while (chain.known + 1) * BLOCK <= read:
            begin = chain.known * BLOCK
            key = chain.last, tuple(ids[begin : begin + BLOCK])
            if key not in self._found:  # else another text was quicker: those after are known by that one's number
                self._numbers += 1
                block = chain.blocks[chain.known]
                self._found[key] = block, self._numbers
                self._keys[block] = key
            chain.last = self._found[key][1]
            chain.known += 1

    def release(self, chain: Chain) -> None:
        """Gives the blocks of a text back."""
        for block in reversed(chain.blocks):  # the last ones go first, for what is before them serves more texts
            self._holders[block] -= 1
            if self._holders[block]:
                continue
            if block in self._keys:
                self._idle[block] = None
            else:
                self._free.append(block)
        chain.blocks, chain.known, chain.last = [], 0, _ROOT

    def _hold(self, block: int) -> None:
        self._holders[block] += 1
        self._idle.pop(block, None)

    def _take(self) -> int | None:
        if self._free:
            return self._free.pop()  # what was used last is nearest
        if not self._idle:
            return None
        block, _ = self._idle.popitem(last=False)
        del self._found[self._keys.pop(block)]
        return block
