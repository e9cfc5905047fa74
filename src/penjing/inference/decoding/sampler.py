"""Chooses the next tokens of many texts at once; each is the one that it would be alone."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from penjing.errors import PenjingError
from penjing.inference.decoding.request import Constraint, DecodeRequest, Token
from penjing.inference.repeats import repeating_tokens
from penjing.inference.sampling import COLD, SamplingSettings, change_logits

_BLOCK = 64  # entries of the vocabulary that are looked at together
_ENTRIES_AT_ONCE = 2**19  # whose probabilities are reckoned together: what stays near the processor
_SORTED_AT_ONCE = 4096  # more are counted in bins first, and one bin is sorted
_DRAWN_AT_ONCE = 64  # random numbers

Floats = NDArray[np.float32]


class NoTokenError(PenjingError):
    """No token can be chosen.

    Args:
        rows: of the batch, for which there is none.
        reason: what a constraint says.
    """

    def __init__(self, rows: list[int], reason: str = "") -> None:
        self.rows = tuple(rows)
        why = reason or "the model's scores are not numbers, or nothing is allowed"
        do = "Check the weights of the model, and what its texts may be."
        super().__init__(f"no token can be chosen: {why}", do=do)


class SampleState:
    """What decides the next token of a text, beside its logits.

    Args:
        settings: how tokens are chosen.
        prompt: what the text continues.
        logprobs: how many of the likeliest tokens are told; None: no log-probabilities.
        constraint: what the text may be.
    """

    def __init__(
        self,
        settings: SamplingSettings,
        prompt: Sequence[int] = (),
        logprobs: int | None = None,
        constraint: Constraint | None = None,
    ) -> None:
        self.settings, self.logprobs, self.constraint = settings, logprobs, constraint
        self._position = 0
        self._random: tuple[int, NDArray[np.float64]] | None = None  # which of many drawn at once, and they
        self._counted = settings.has_penalty
        self._written, self._seen = _Counts(), _Counts()
        self._text: tuple[int, ...] = ()  # where it may not repeat itself
        if self._counted:
            for token in prompt:
                self._seen.add(token)

    @classmethod
    def of(cls, request: DecodeRequest) -> SampleState:
        """Returns the state of a request of which nothing is written."""
        return cls(request.settings, request.prompt, request.logprobs, request.constraint)

    @property
    def position(self) -> int:
        """How many tokens were written."""
        return self._position

    @property
    def changes_logits(self) -> bool:
        """Whether logits are not taken as they are."""
        settings = self.settings
        return settings.changes_logits or bool(settings.no_repeat_ngram_size) or self.constraint is not None

    def accept(self, token: int) -> None:
        """Takes in the token that comes next."""
        self._position += 1
        if self._counted:
            self._written.add(token)
            self._seen.add(token)
        if self.settings.no_repeat_ngram_size:
            self._text += (token,)
        if self.constraint is not None:
            self.constraint.accept(token)

    def ahead(self, tokens: Sequence[int]) -> list[SampleState]:
        """Returns the states before and after each of some tokens that are only supposed; this one stays.

        Not for a text with a constraint, which cannot be taken back.
        """
        assert self.constraint is None
        states = [self]
        for token in tokens:
            state = copy.copy(states[-1])
            if self._counted:
                state._written, state._seen = state._written.copy(), state._seen.copy()
            state.accept(token)
            states.append(state)
        return states

    def draw(self) -> float:
        """Returns the random number of this position, from 0 to below 1; the same whenever it is asked for."""
        part, place = divmod(self._position, _DRAWN_AT_ONCE)
        if self._random is None or self._random[0] != part:
            stream = np.random.Philox(key=self.settings.seed, counter=[0, part, 0, 0])
            self._random = part, np.random.Generator(stream).random(_DRAWN_AT_ONCE)
        return float(self._random[1][place])

    def change(self, logits: Floats) -> None:
        """Applies penalties, bias, what may not be repeated and constraint to logits, [vocab], in place."""
        if self.settings.changes_logits:
            change_logits(logits, self.settings, self._seen.ids, self._written.ids, self._written.times)
        if self.settings.no_repeat_ngram_size:
            logits[repeating_tokens(self._text, self.settings.no_repeat_ngram_size)] = -np.inf
        allowed = None if self.constraint is None else self.constraint.allowed()
        if allowed is not None:
            logits[: len(allowed)][~allowed] = -np.inf
            logits[len(allowed) :] = -np.inf


class _Counts:
    """How often tokens came, as arrays that grow."""

    def __init__(self) -> None:
        self._places: dict[int, int] = {}
        self._table = np.zeros((2, 16), np.int64)

    def add(self, token: int) -> None:
        """Counts a token once more."""
        place = self._places.setdefault(token, len(self._places))
        if place == self._table.shape[1]:
            self._table = np.concatenate([self._table, np.zeros_like(self._table)], axis=1)
        self._table[0, place] = token
        self._table[1, place] += 1

    def copy(self) -> _Counts:
        """Returns others that count on from here."""
        other = _Counts()
        other._places, other._table = dict(self._places), self._table.copy()
        return other

    @property
    def ids(self) -> NDArray[np.int64]:
        """The tokens that came, each once."""
        return self._table[0, : len(self._places)]

    @property
    def times(self) -> NDArray[np.int64]:
        """How often each did."""
        return self._table[1, : len(self._places)]


class Sampler:
    """Chooses tokens for a batch.

    What is drawn for a text is decided by its logits, its settings, and the random number of its seed and position,
    bit for bit: whatever is reckoned over the batch together is reckoned for each row in the same order. For one
    thread.
    """

    def __init__(self) -> None:
        self._room = torch.empty(2, 0)  # to reckon in, for fresh memory is slower than the work in it

    def choose(self, logits: Tensor, states: Sequence[SampleState]) -> list[Token]:
        """Returns the next token of each text; the states stay, until they accept it.

        Args:
            logits: one row a text, fp32 [rows, vocab] on the CPU; changed where a text has penalties, a bias or a
                constraint.
            states: of each text.

        Raises:
            NoTokenError: the logits of a row are not numbers, or its constraint allows nothing or fails.
        """
        scores: Floats = logits.numpy()
        told = [row for row, state in enumerate(states) if state.logprobs is not None]
        own = _LogProbabilities(logits, told) if told else None
        reason = ""
        for row, state in enumerate(states):
            if state.changes_logits:
                try:
                    state.change(scores[row])
                except (PenjingError, IndexError) as error:  # of one text; the others go on
                    scores[row], reason = np.nan, getattr(error, "what", "a token is not in the vocabulary")
        ids = scores.argmax(axis=1)  # [rows]
        best = scores[np.arange(len(states)), ids]
        if not np.isfinite(best).all():
            raise NoTokenError(np.flatnonzero(~np.isfinite(best)).tolist(), reason)
        drawn = [row for row, state in enumerate(states) if not state.settings.is_greedy]
        if drawn:
            ids[drawn] = self._draw(logits, best, drawn, states)
        if own is None:
            return [Token(token) for token in ids.tolist()]
        return [own.describe(row, int(ids[row]), state.logprobs) for row, state in enumerate(states)]

    def _draw(self, logits: Tensor, best: Floats, rows: list[int], states: Sequence[SampleState]) -> list[int]:
        """Returns a token of each of some rows, some of them at a time.

        Args:
            logits: of all rows, [rows, vocab].
            best: the highest of each.
            rows: for which tokens are drawn.
            states: of all rows.
        """
        vocab = logits.shape[1]
        width = vocab + -vocab % _BLOCK
        at_once = max(1, _ENTRIES_AT_ONCE // width)
        found: list[int] = []
        for first in range(0, len(rows), at_once):
            some = rows[first : first + at_once]
            heat = [max(states[row].settings.temperature, COLD) for row in some]
            table = self._find_probabilities(logits, some, best[some], heat, width)  # [some, blocks, entries]
            highest, masses = table.amax(dim=-1).numpy(), table.sum(dim=-1).numpy()  # [some, blocks]
            for place, row in enumerate(some):
                cut, random = states[row].settings, states[row].draw()
                found.append(_draw_one(table[place].numpy(), highest[place], masses[place], cut, random))
        return found

    def _find_probabilities(
        self, logits: Tensor, rows: list[int], best: Floats, heat: list[float], width: int
    ) -> Tensor:
        """Returns the probabilities of some rows in blocks, [rows, blocks, entries], the last one filled up with 0.

        Done is only what is the same for a row wherever it stands: differences and quotients of single numbers, and
        softmax, which goes through each row by itself.
        """
        vocab, size = logits.shape[1], len(rows) * width
        if self._room.shape[1] < size:
            self._room = torch.empty(2, size)
        shifted, probabilities = (part[:size].view(len(rows), width) for part in self._room)
        shifted[:, vocab:] = -torch.inf
        for place, row in enumerate(rows):
            torch.sub(logits[row], float(best[place]), out=shifted[place, :vocab])
            if heat[place] != 1:
                shifted[place, :vocab] /= heat[place]
        torch.softmax(shifted, dim=-1, out=probabilities)
        found: Tensor = probabilities.view(len(rows), -1, _BLOCK)
        return found


def _in_blocks(rows: Tensor, filling: float) -> Tensor:
    """Returns rows in blocks, [rows, blocks, entries], the last one filled up."""
    lacking = -rows.shape[1] % _BLOCK
    filled = functional.pad(rows, (0, lacking), value=filling) if lacking else rows
    return filled.view(len(rows), -1, _BLOCK)


def _draw_one(table: Floats, highest: Floats, masses: Floats, settings: SamplingSettings, random: float) -> int:
    """Returns a token by its probability, of those that are not cut.

    Args:
        table: probabilities, [blocks, entries].
        highest: of each block.
        masses: sums of each block.
        settings: which tokens are cut.
        random: from 0 to below 1.
    """
    fewest = _find_threshold(table, highest, settings)
    if fewest <= 0:
        block, left = _find(masses, random)
        return block * _BLOCK + _find(table[block], left)[0]
    blocks = np.flatnonzero(highest >= fewest)
    kept = table[blocks].ravel()
    places = np.flatnonzero(kept >= fewest)
    place = int(places[_find(kept[places], random)[0]])
    return int(blocks[place // _BLOCK]) * _BLOCK + place % _BLOCK


def _find(masses: Floats, random: float) -> tuple[int, float]:
    """Returns in which of some parts a share of all falls, and at which share of that part."""
    ends = masses.cumsum(dtype=np.float64)
    wanted = random * ends[-1]
    part = int(ends.searchsorted(wanted, side="right"))  # less than all is wanted, so that there is one
    before = ends[part - 1] if part else 0.0
    return part, min(float((wanted - before) / (ends[part] - before)), 1 - 2**-53)


def _find_threshold(table: Floats, highest: Floats, settings: SamplingSettings) -> float:
    """Returns the lowest probability that is not cut; equally likely tokens are kept or cut together.

    Args:
        table: probabilities, [blocks, entries].
        highest: of each block.
        settings: which tokens are cut.
    """
    fewest, mass = np.float32(0.0), 1.0
    if 0 < settings.top_k < table.size:
        found = _above(table, highest, _kth(highest, settings.top_k))
        fewest = _kth(found, settings.top_k)
        mass = float(found[found >= fewest].sum(dtype=np.float64))
    if settings.top_p < 1:
        # All that is less likely than this has together less than what may be cut.
        least = np.float32((1 - settings.top_p) * mass / table.size / 2)
        found = _above(table, highest, max(fewest, least))
        fewest = max(fewest, _reach(found, settings.top_p * mass))
    return float(max(fewest, np.float32(settings.min_p) * highest.max()))


def _above(table: Floats, highest: Floats, least: np.float32) -> Floats:
    """Returns the probabilities that are at least so high, in the order of the vocabulary."""
    found = table[highest >= least].ravel()
    return found[found >= least]


def _kth(values: Floats, number: int) -> np.float32:
    """Returns the highest value but some; 0 where there are not so many."""
    if len(values) < number:
        return np.float32(0.0)
    return np.float32(np.partition(values, len(values) - number)[len(values) - number])


def _reach(values: Floats, mass: float) -> np.float32:
    """Returns the highest value such that those from it on have this mass together."""
    if len(values) > _SORTED_AT_ONCE:
        # As whole numbers, floats above 0 have the same order: the upper bits are bins, of equal ratio.
        bins = values.view(np.int32) >> 16
        sums = np.bincount(bins, weights=values)
        above = sums[::-1].cumsum()[::-1] - sums  # of all higher bins
        filled = np.flatnonzero(sums)
        limit = int(filled[above[filled] < mass][0])
        values, mass = values[bins == limit], mass - float(above[limit])
    ordered = np.sort(values)[::-1]
    before = ordered.cumsum(dtype=np.float64) - ordered
    return np.float32(ordered[max(int((before < mass).sum()) - 1, 0)])


class _LogProbabilities:
    """What a model's own distribution says of tokens.

    Args:
        logits: as the model gave them, [rows, vocab].
        rows: that are asked about.
    """

    def __init__(self, logits: Tensor, rows: list[int]) -> None:
        self._places = {row: place for place, row in enumerate(rows)}
        self._vocab_size = logits.shape[1]
        chosen = logits[rows].log_softmax(dim=-1)  # goes through each row by itself
        blocks = _in_blocks(chosen, -float("inf"))
        self._table: Floats = blocks.numpy()  # [asked rows, blocks, entries]
        self._highest: Floats = blocks.amax(dim=-1).numpy()

    def describe(self, row: int, token: int, most: int | None) -> Token:
        """Returns a token with its log-probability, and the likeliest ones beside it, where they are asked for."""
        if most is None:
            return Token(token)
        table, highest = self._table[self._places[row]], self._highest[self._places[row]]
        logprob = float(table[divmod(token, _BLOCK)])
        if not most:
            return Token(token, logprob)
        blocks = np.flatnonzero(highest >= _kth_score(highest, most))
        ids = (blocks[:, None] * _BLOCK + np.arange(_BLOCK)).ravel()
        scores = table[blocks].ravel()
        order = np.lexsort((ids, -scores))[: min(most, self._vocab_size)]
        return Token(token, logprob, tuple((int(ids[place]), float(scores[place])) for place in order))


def _kth_score(values: Floats, number: int) -> np.float32:
    """Returns the highest value but some; the lowest of all where there are not so many."""
    number = min(number, len(values))
    return np.float32(np.partition(values, len(values) - number)[len(values) - number])
