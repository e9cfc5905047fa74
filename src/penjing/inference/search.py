"""Which texts are written: at each step the likeliest token, or the likeliest texts of several that are kept.

A batch holds a text for each prompt. What its memory was not given at the start of a prompt is read token by token
beside what other rows write already: rows need neither padding nor positions of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from penjing.inference.repeats import forbid_repeats


class Ended(NamedTuple):
    """A text that was written.

    Attributes:
        text: its number.
        ids: its tokens, without the one that ended it.
        score: the summed log-probability of its tokens, in nats, and of the one that ended it where one did.
    """

    text: int
    ids: list[int]
    score: float


class Step(NamedTuple):
    """What the network does next.

    Attributes:
        ids: the tokens to read, int64 [rows].
        sources: the row that each row goes on from, int64 [rows]; None: each from itself.
        ended: texts that are complete.
        written: texts with the token that each got for good; where beams are kept, none before a text is complete.
    """

    ids: Tensor
    sources: Tensor | None
    ended: list[Ended]
    written: Sequence[tuple[int, int]] = ()


class Search(Protocol):
    """Chooses the tokens of a batch of texts, as many rows next to each other for each text."""

    def step(self, logits: Tensor) -> Step:
        """Chooses the next token of each row by its logits, [rows, vocab]."""

    def shrink(self) -> Tensor:
        """Forgets the texts that are complete; returns the numbers of the rows that stay, int64."""

    def give_up(self, text: int) -> None:
        """Nobody wants a text any more: it is complete, and is not told of."""


@dataclass
class Texts:
    """The texts of a batch.

    Attributes:
        numbers: what each is called.
        rooms: most tokens of each.
        waiting: tokens of its prompt that were not read yet, int64 [texts, longest], padding on the right.
        waits: how many those are.
        alive: whether each is not complete.
        end_ids: any of these ends a text, int64 [ends].
        read: steps that were taken.
    """

    numbers: list[int]
    rooms: list[int]
    waiting: Tensor
    waits: list[int]
    alive: list[bool]
    end_ids: Tensor
    read: int = 0

    @property
    def waiting_texts(self) -> Tensor | None:
        """True where the next token is one of the prompt's, bool [texts, 1]; None where it is for none."""
        if self.read >= self.waiting.shape[1]:
            return None
        device = self.waiting.device
        return (torch.tensor(self.waits, device=device) > self.read)[:, None]

    @property
    def begins(self) -> Tensor:
        """How many of the tokens that each text reads are its prompt's, int64 [texts]."""
        return torch.tensor(self.waits, dtype=torch.int64, device=self.waiting.device)

    def written(self, text: int) -> int:
        """Returns how many tokens a text has after this step; none where its prompt is still read."""
        return max(0, self.read + 1 - self.waits[text])

    def give_up(self, text: int) -> None:
        """Goes on with a text no more."""
        self.alive[self.numbers.index(text)] = False

    def keep_alive(self) -> tuple[Texts, Tensor]:
        """Returns the texts that are not complete, and which those are, int64."""
        kept = [index for index, is_alive in enumerate(self.alive) if is_alive]
        places = torch.tensor(kept, dtype=torch.int64, device=self.waiting.device)
        texts = replace(
            self,
            numbers=[self.numbers[index] for index in kept],
            rooms=[self.rooms[index] for index in kept],
            waiting=self.waiting[places],
            waits=[self.waits[index] for index in kept],
            alive=[True] * len(kept),
        )
        return texts, places


def begin_texts(
    numbers: Sequence[int],
    rooms: Sequence[int],
    waiting: Sequence[Sequence[int]],
    end_ids: frozenset[int],
    device: torch.device,
) -> Texts:
    """Returns texts of which nothing is written.

    Args:
        numbers: what each is called.
        rooms: most tokens of each.
        waiting: tokens of each prompt that are read one by one.
        end_ids: any of these ends a text.
        device: where the network computes.
    """
    waits = [len(ids) for ids in waiting]
    longest = max(waits)
    ids = [[*ids, *[0] * (longest - len(ids))] for ids in waiting]
    return Texts(
        list(numbers),
        list(rooms),
        torch.tensor(ids, dtype=torch.int64, device=device).view(len(waits), longest),
        waits,
        [True] * len(waits),
        torch.tensor(sorted(end_ids), dtype=torch.int64, device=device),
    )


class GreedySearch:
    """Takes the likeliest token always.

    Args:
        texts: what is written; each is a row.
        repeats: tokens of a run that no text has twice; 0: it may.
    """

    def __init__(self, texts: Texts, repeats: int = 0) -> None:
        self._texts, self._repeats = texts, repeats
        self._read = texts.waiting[:, :0]  # [texts, steps], where repeats are forbidden
        self._history: list[list[int]] = [[] for _ in texts.numbers]
        self._sums = torch.zeros(len(texts.numbers), device=texts.waiting.device)  # [texts]

    def step(self, logits: Tensor) -> Step:
        """Chooses the next token of each row; see `Search`."""
        texts, logits = self._texts, logits.float()
        ids = self.choose(self._allow(logits))
        gained = logits.gather(1, ids[:, None])[:, 0] - logits.logsumexp(dim=-1)
        if (waiting := texts.waiting_texts) is not None:
            is_given = waiting[:, 0]
            ids = torch.where(is_given, texts.waiting[:, texts.read], ids)
            gained = gained.masked_fill(is_given, 0.0)
        self._sums += gained
        if self._repeats:
            self._read = torch.cat([self._read, ids[:, None]], dim=1)
        is_end = torch.isin(ids, texts.end_ids).tolist()
        chosen = ids.tolist()
        grown = [row for row, alive in enumerate(texts.alive) if alive and texts.written(row) and not is_end[row]]
        ended = [row for row, token in enumerate(chosen) if self._take(row, token, is_end[row])]
        scores = self._sums[ended].tolist() if ended else []
        texts.read += 1
        written = [(texts.numbers[row], chosen[row]) for row in grown]
        return Step(ids, None, [self._close(row, score) for row, score in zip(ended, scores, strict=True)], written)

    def choose(self, logits: Tensor) -> Tensor:
        """Returns the next token of each row, int64 [rows], by its logits, [rows, vocab]."""
        return logits.argmax(dim=-1)

    def _allow(self, logits: Tensor) -> Tensor:
        """Returns logits by which nothing is said twice that may not be."""
        if not self._repeats:
            return logits
        return forbid_repeats(logits, self._read, self._texts.begins, self._repeats)

    def give_up(self, text: int) -> None:
        """Goes on with a text no more; see `Search`."""
        self._texts.give_up(text)

    def _take(self, row: int, token: int, is_end: bool) -> bool:
        """Adds a token to a text; returns whether it is complete now."""
        written = self._texts.written(row)
        if not written or not self._texts.alive[row]:
            return False
        if not is_end:
            self._history[row].append(token)
        return is_end or written == self._texts.rooms[row]

    def _close(self, row: int, score: float) -> Ended:
        self._texts.alive[row] = False
        return Ended(self._texts.numbers[row], self._history[row], score)

    def shrink(self) -> Tensor:
        """Forgets the texts that are complete; see `Search`."""
        self._texts, places = self._texts.keep_alive()
        self._history = [self._history[place] for place in places.tolist()]
        self._sums, self._read = self._sums[places], self._read[places]
        return places


class Candidates(NamedTuple):
    """The likeliest continuations of the beams of each text, likeliest first.

    Attributes:
        scores: summed log-probabilities, [texts, candidates].
        beams: the beam that each goes on from, int64, likewise.
        ids: its token, int64, likewise.
        ends: whether that ends it, bool, likewise.
    """

    scores: Tensor
    beams: Tensor
    ids: Tensor
    ends: Tensor


class BeamSearch:
    """Keeps the likeliest beginnings of each text, and the best that ended (Graves 2012, arXiv 1211.3711, section 3).

    Complete texts compare by log-probability / tokens ** length_penalty, the end token counted. A text is done when as
    many are complete as there are beams, and the likeliest beginning, measured by the same formula at the length it
    has, is not better than the worst of them; or when there is room for no more. That is what
    ``generate(num_beams=…, do_sample=False, early_stopping=False)`` of Transformers does.

    Args:
        texts: what is written.
        beams: how many beginnings are kept of each; as many rows.
        length_penalty: see above.
        repeats: tokens of a run that no text has twice; 0: it may.
    """

    def __init__(self, texts: Texts, beams: int, length_penalty: float, repeats: int = 0) -> None:
        self._texts, self._beams, self._penalty, self._repeats = texts, beams, length_penalty, repeats
        count, device = len(texts.numbers), texts.waiting.device
        self._sums = torch.full((count, beams), -torch.inf, device=device)  # [texts, beams]
        self._sums[:, 0] = 0.0  # all beams begin alike, and only one of them goes on
        self._history = torch.zeros((count * beams, 0), dtype=torch.int64, device=device)  # [rows, written]
        self._complete: list[list[tuple[float, Ended]]] = [[] for _ in texts.numbers]  # best first

    def step(self, logits: Tensor) -> Step:
        """Chooses the next tokens of each text; see `Search`."""
        texts, beams = self._texts, self._beams
        found = self._find(logits.float())
        self._complete_texts(found)
        sums, chosen = found.scores.masked_fill(found.ends, -torch.inf).topk(beams)
        sources, ids = found.beams.gather(1, chosen), found.ids.gather(1, chosen)
        if (waiting := texts.waiting_texts) is not None:
            sums = torch.where(waiting, self._sums, sums)
            sources = torch.where(waiting, torch.arange(beams, device=ids.device), sources)
            ids = torch.where(waiting, texts.waiting[:, texts.read, None], ids)
        first = torch.arange(len(ids), device=ids.device)[:, None] * beams
        rows, new = (first + sources).flatten(), ids.flatten()
        self._sums, self._history = sums, torch.cat([self._history[rows], new[:, None]], dim=1)
        ended = self._close_texts(sums[:, 0].tolist())
        texts.read += 1
        return Step(new, rows, ended)

    def give_up(self, text: int) -> None:
        """Goes on with a text no more; see `Search`."""
        self._texts.give_up(text)

    def _find(self, logits: Tensor) -> Candidates:
        """Returns so many candidates that as many as there are beams do not end, whatever ends."""
        beams, vocab = self._beams, logits.shape[1]
        wanted = beams * max(2, 1 + len(self._texts.end_ids))
        totals = logits.logsumexp(dim=-1, keepdim=True)  # what is forbidden stays a part of them, as in Transformers
        if self._repeats:
            begins = self._texts.begins.repeat_interleave(beams)
            logits = forbid_repeats(logits, self._history, begins, self._repeats)
        likeliest, ids = logits.topk(min(wanted, vocab))  # [rows, wanted]
        scores = self._sums.view(-1, 1) + (likeliest - totals)
        scores, ids = (part.view(-1, beams * part.shape[1]) for part in (scores, ids))
        best, places = scores.topk(min(wanted, scores.shape[1]))
        tokens = ids.gather(1, places)
        return Candidates(best, places // likeliest.shape[1], tokens, torch.isin(tokens, self._texts.end_ids))

    def _complete_texts(self, found: Candidates) -> None:
        """Keeps the candidates that are complete and among the likeliest; what ends below those is not a rival."""
        texts, ends = self._texts, found.ends[:, : self._beams]
        at_limit = [text for text in range(len(texts.rooms)) if texts.written(text) == texts.rooms[text]]
        complete = ends.clone()
        complete[at_limit] = True
        for text, place in complete.nonzero().tolist():
            written = texts.written(text)
            score = float(found.scores[text, place])
            if not written or not texts.alive[text] or score == -torch.inf:
                continue
            row = text * self._beams + int(found.beams[text, place])
            ids = self._history[row, texts.waits[text] :].tolist()
            if not ends[text, place]:
                ids.append(int(found.ids[text, place]))
            self._insert(text, score / written**self._penalty, Ended(texts.numbers[text], ids, score))

    def _insert(self, text: int, value: float, ended: Ended) -> None:
        """Keeps a complete text if it is among the best."""
        complete = self._complete[text]
        place = sum(value <= other for other, _ in complete)
        complete.insert(place, (value, ended))
        del complete[self._beams :]

    def _close_texts(self, likeliest: list[float]) -> list[Ended]:
        """Returns the best of the texts that are done now, given the score of the likeliest beginning of each."""
        texts, ended = self._texts, []
        for text, score in enumerate(likeliest):
            written = texts.written(text)
            if not written or not texts.alive[text]:
                continue
            complete = self._complete[text]
            is_full = len(complete) == self._beams and score / written**self._penalty <= complete[-1][0]
            if is_full or written == texts.rooms[text]:
                texts.alive[text] = False
                ended.append(complete[0][1])
        return ended

    def shrink(self) -> Tensor:
        """Forgets the texts that are complete; see `Search`."""
        self._texts, places = self._texts.keep_alive()
        rows = (places[:, None] * self._beams + torch.arange(self._beams, device=places.device)).flatten()
        self._sums, self._history = self._sums[places], self._history[rows]
        self._complete = [self._complete[place] for place in places.tolist()]
        return rows
