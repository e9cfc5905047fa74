"""A text that the decoding engine writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from penjing.inference.decoding.blocks import BlockPool, Chain
from penjing.inference.decoding.drafting import Pace
from penjing.inference.decoding.request import DecodeRequest, Sink
from penjing.inference.decoding.rows import Rows
from penjing.inference.decoding.sampler import SampleState
from penjing.inference.search import BeamSearch, Step, begin_texts


class Branch:
    """A way in which a text may go on.

    Args:
        ids: its tokens, the prompt's first.
        chain: the blocks of their keys and values; None: none yet.
        read: tokens whose keys and values are kept.

    Attributes:
        drafts: tokens that are supposed to come next.
    """

    def __init__(self, ids: Sequence[int], chain: Chain | None = None, read: int = 0) -> None:
        self.ids, self.chain, self.read = list(ids), chain or Chain(), read
        self.drafts: list[int] = []

    @property
    def pending(self) -> int:
        """Tokens that are to be read; more than one: of a prompt, or of a text that had to make room."""
        return len(self.ids) - self.read


class Text:
    """A text that is being written.

    Args:
        request: for it.
        sink: takes it.
        room: most tokens.

    Attributes:
        branches: where a search keeps several beginnings, one for each after the prompt is read; else one.
        cancelled: whether nobody wants it any more.
        pace: how many tokens are supposed to come next.
    """

    def __init__(self, request: DecodeRequest, sink: Sink, room: int) -> None:
        self.request, self.sink, self.room = request, sink, room
        self.state = SampleState.of(request)
        self.branches = [Branch(request.prompt)]
        self.cancelled, self.pace = False, Pace()
        self._search = _begin_search(request, room)

    @property
    def branch(self) -> Branch:
        """The only branch, where there is one."""
        return self.branches[0]

    @property
    def is_searched(self) -> bool:
        """Whether the likeliest text is searched for."""
        return self._search is not None

    @property
    def pending(self) -> int:
        """Tokens that each branch has to read; see `Branch`."""
        return self.branch.pending

    @property
    def written(self) -> int:
        """Tokens that came after the prompt."""
        return len(self.branch.ids) - len(self.request.prompt)

    def forget(self) -> None:
        """Nothing is kept any more of what was read. A search, which gave nothing out yet, begins again."""
        if self._search is None:
            self.branches = [Branch(self.branch.ids)]
        else:
            self.branches = [Branch(self.request.prompt)]
            self._search = _begin_search(self.request, self.room)

    @torch.inference_mode()
    def search(self, logits: Tensor) -> Step:
        """Chooses how the branches go on.

        Args:
            logits: after each branch, [branches, vocab].
        """
        assert self._search is not None
        return self._search.step(logits.expand(self.request.beams, -1))

    def fork(self, pool: BlockPool, sources: Sequence[int], ids: Sequence[int]) -> dict[int, int]:
        """Lets beams go on from branches; the first of a branch has its blocks, the others fork them.

        Args:
            pool: of the blocks; one is spare for each that is forked while it is begun.
            sources: the branch of each beam.
            ids: the next token of each.

        Returns:
            Which block is to be copied into each of some.
        """
        copied: dict[int, int] = {}
        branches: list[Branch] = []
        for place, (source, token) in enumerate(zip(sources, ids, strict=True)):
            parent = self.branches[source]
            chain = parent.chain
            if source in sources[:place]:
                chain, copy = pool.fork(parent.chain, parent.read)
                copied |= {copy[1]: copy[0]} if copy else {}
            branches.append(Branch([*parent.ids, token], chain, parent.read))
        self.branches = branches
        return copied


class Part(NamedTuple):
    """What is read of a text in one step, beside its drafts.

    Attributes:
        text: that it is of.
        branch: likewise.
        tokens: so many.
    """

    text: Text
    branch: Branch
    tokens: int

    @property
    def scored(self) -> int:
        """After how many tokens the next one is scored: the last, and each draft; none, where more is to be read."""
        return 1 + len(self.branch.drafts) if self.branch.pending == self.tokens else 0


def lay_out(parts: Sequence[Part]) -> Rows:
    """Returns what is read as rows of a step."""
    ids: list[int] = []
    positions: list[int] = []
    begins, wanted = [0], list[int]()
    for part in parts:
        branch = part.branch
        new = [*branch.ids[branch.read : branch.read + part.tokens], *branch.drafts]
        ids += new
        positions += range(branch.read, branch.read + len(new))
        wanted += range(len(ids) - part.scored, len(ids))
        begins.append(len(ids))
    tables = np.zeros((len(parts), max(len(part.branch.chain.blocks) for part in parts)), dtype=np.int32)
    for row, part in enumerate(parts):
        tables[row, : len(part.branch.chain.blocks)] = part.branch.chain.blocks
    return Rows(_whole(ids), _whole(positions), _whole(begins), tables, _whole(wanted))


def _begin_search(request: DecodeRequest, room: int) -> BeamSearch | None:
    if request.beams == 1:
        return None
    texts = begin_texts([0], [room], [[]], request.end_ids, torch.device("cpu"))
    return BeamSearch(texts, request.beams, request.length_penalty, request.settings.no_repeat_ngram_size)


def _whole(values: Sequence[int]) -> NDArray[np.int32]:
    return np.array(values, dtype=np.int32)
