"""How probable sequences of token ids are under a language model, batched by length.

The logits of a batch are never held all at once: hidden states are scored a few positions at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from penjing.models.interface import GeneratingModel, LanguageModel
from penjing.progress import Progress, Silent, stop_if_asked
from penjing.text.batching import pad_rows, plan_by_length

_LOGITS_AT_ONCE = 1 << 20  # 4 MB in fp32, which stays in the cache: 128 positions of a vocabulary of 8,192
_FEWEST_POSITIONS = 128  # below, a large vocabulary is multiplied slowly
BATCH_TOKENS = 4096


class ReadingModel(LanguageModel, GeneratingModel, Protocol):
    """A language model that reads from left to right."""


@dataclass(frozen=True)
class Likelihoods:
    """How probable each sequence is.

    Attributes:
        log_probabilities: summed over the tokens that were scored, in nats, [sequences].
        tokens: how many those are, [sequences].
    """

    log_probabilities: NDArray[np.float64]
    tokens: NDArray[np.int64]


class Scorer(Protocol):
    """Measures documents: a start token, the tokens of a text, and an end token.

    Attributes:
        reads_both_sides: whether a token is guessed from what follows too. The sum is then a pseudo-log-likelihood, not
            the logarithm of a probability, and compares with nothing that reads from left to right.
        longest: tokens that are read at once; longer sequences are read in windows. None where there is no limit.
    """

    @property
    def reads_both_sides(self) -> bool: ...

    @property
    def longest(self) -> int | None: ...

    def measure(self, sequences: Sequence[Sequence[int]], progress: Progress) -> Likelihoods:
        """Returns how probable each sequence is; a special token at the beginning is given, not scored."""


class Window(NamedTuple):
    """A part of a sequence that is read at once; positions are those of the tokens read, each guesses the next.

    Attributes:
        sequence: its number.
        begin: the first position read.
        end: one past the last.
        scored: the first position whose guess counts.
    """

    sequence: int
    begin: int
    end: int
    scored: int


class CausalScorer:
    """Measures with a model that reads from left to right; of a bidirectional LSTM, with the one half that does.

    Every token but the first is scored exactly once, given those before it. A sequence that is longer than the model's
    positions is read in windows that begin half a window apart, so that each of its later tokens is guessed from at
    least half a window.

    Args:
        network: reads and scores; dropout is switched off.
        pad_id: fills shorter rows.
        batch_tokens: most tokens in a batch, and most of one row that are read at a time.
        positions: most positions that are used of those which the model has, such as it has learned; None: all.
    """

    reads_both_sides = False

    def __init__(
        self,
        network: ReadingModel,
        pad_id: int,
        batch_tokens: int = BATCH_TOKENS,
        *,
        positions: int | None = None,
    ) -> None:
        self._network, self._pad_id, self._batch_tokens = network, pad_id, batch_tokens
        limit = network.longest_row
        self._limit = limit if limit is None or positions is None else min(limit, positions)
        cast("nn.Module", network).eval()

    @property
    def longest(self) -> int | None:
        return None if self._limit is None else self._limit + 1  # the last token is guessed, not read

    @torch.inference_mode()
    def measure(
        self,
        sequences: Sequence[Sequence[int]],
        progress: Progress | None = None,
        *,
        first: int | Sequence[int] = 1,
    ) -> Likelihoods:
        """Returns the log-probability of the tokens from ``first`` on of each sequence, given all those before them.

        Args:
            sequences: token ids; one without a token from ``first`` on has the log-probability 0.
            progress: told how many tokens were read.
            first: the number of the first token scored, at least 1; or that of each sequence.
        """
        progress = progress or Silent()
        firsts = [first] * len(sequences) if isinstance(first, int) else first
        windows = [
            window
            for number, (ids, begin) in enumerate(zip(sequences, firsts, strict=True))
            for window in plan_windows(number, len(ids), begin, self._limit)
        ]
        sums, counts = np.zeros(len(sequences)), np.zeros(len(sequences), dtype=np.int64)
        lengths = np.array([window.end - window.begin for window in windows], dtype=np.int64)
        with progress.bar("scoring", float(lengths.sum()), "tokens") as bar:
            for rows in plan_by_length(lengths, self._batch_tokens, max_rows=self._batch_tokens):
                stop_if_asked(progress)
                batch = [windows[row] for row in rows]
                owners = np.array([window.sequence for window in batch])
                np.add.at(sums, owners, self._sum_windows(sequences, batch))
                np.add.at(counts, owners, [window.end - window.scored for window in batch])
                bar.advance(float(lengths[rows].sum()))
        return Likelihoods(sums, counts)

    @torch.inference_mode()
    def measure_tokens(
        self, sequences: Sequence[Sequence[int]], progress: Progress | None = None
    ) -> list[NDArray[np.float64]]:
        """Returns the log-probability of each token but the first, given all those before it, in nats.

        Args:
            sequences: token ids, at most as many as are read at once (`longest`).
            progress: told how many tokens were read.

        Returns:
            For each sequence [tokens - 1].
        """
        progress = progress or Silent()
        lengths = np.array([max(0, len(ids) - 1) for ids in sequences], dtype=np.int64)
        found = [np.zeros(length) for length in lengths]
        with progress.bar("scoring", float(lengths.sum()), "tokens") as bar:
            for rows in plan_by_length(lengths, self._batch_tokens, max_rows=self._batch_tokens):
                stop_if_asked(progress)
                for row, nats in zip(rows, self._guess_all([sequences[row] for row in rows]), strict=True):
                    found[row] = nats
                bar.advance(float(lengths[rows].sum()))
        return found

    def _guess_all(self, batch: Sequence[Sequence[int]]) -> list[NDArray[np.float64]]:
        """Returns the log-probabilities of all tokens but the first of each sequence, [tokens - 1] each."""
        given, mask = pad_rows([list(ids[:-1]) for ids in batch], self._pad_id)
        wanted, _ = pad_rows([list(ids[1:]) for ids in batch], self._pad_id)
        found = np.zeros(given.shape)
        for row, place, nats in self._score(given, wanted, mask):
            found[row.cpu().numpy(), place.cpu().numpy()] = nats.cpu().numpy()
        return [nats[real] for nats, real in zip(found, mask, strict=True)]

    def _sum_windows(self, sequences: Sequence[Sequence[int]], batch: list[Window]) -> NDArray[np.float64]:
        """Returns the summed log-probabilities of each window, [batch]."""
        given, mask = pad_rows([list(sequences[w.sequence][w.begin : w.end]) for w in batch], self._pad_id)
        wanted, _ = pad_rows([list(sequences[w.sequence][w.begin + 1 : w.end + 1]) for w in batch], self._pad_id)
        counted = mask & (np.arange(given.shape[1]) >= np.array([[w.scored - w.begin] for w in batch]))
        device = self._network.input_embeddings.weight.device
        sums = torch.zeros(len(batch), dtype=torch.float64, device=device)
        for row, _, nats in self._score(given, wanted, counted):
            sums.index_add_(0, row, nats)
        return sums.cpu().numpy()

    def _score(
        self, given: NDArray[np.int64], wanted: NDArray[np.int64], counted: NDArray[np.bool_]
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yields rows, places and log-probabilities of the positions that count, a piece of the rows at a time."""
        device = self._network.input_embeddings.weight.device
        ids, targets, scored = (torch.from_numpy(array).to(device) for array in (given, wanted, counted))
        for start, hidden in self._read(ids):
            part = slice(start, start + hidden.shape[1])
            row, place = scored[:, part].nonzero(as_tuple=True)
            nats = score_targets(self._network, hidden[row, place], targets[:, part][row, place])
            yield row, place + start, nats

    def _read(self, ids: Tensor) -> Iterator[tuple[int, Tensor]]:
        """Yields where a piece of the rows [batch, time] begins, and its hidden states [batch, piece, dim].

        Padding is on the right, where no token that counts looks at it.
        """
        cache, ids = self._network.start(ids, room=0)
        for start in range(0, ids.shape[1], self._batch_tokens):
            yield start, self._network.read(ids[:, start : start + self._batch_tokens], cache)


def plan_windows(sequence: int, tokens: int, first: int, limit: int | None) -> Iterator[Window]:
    """Yields the windows in which a sequence is read, so that each token from ``first`` on is guessed exactly once.

    Args:
        sequence: its number.
        tokens: its length.
        first: the number of the first token that is guessed, at least 1.
        limit: positions of the model; None where there is no limit.

    >>> [tuple(window) for window in plan_windows(0, tokens=10, first=1, limit=4)]
    [(0, 0, 4, 0), (0, 2, 6, 4), (0, 4, 8, 6), (0, 6, 9, 8)]
    """
    positions = tokens - 1
    if positions < first:
        return
    size = positions if limit is None else limit
    begin, end = 0, min(size, positions)
    if first - 1 < end:
        yield Window(sequence, begin, end, first - 1)
    while end < positions:
        begin, scored = begin + max(1, size // 2), end
        end = min(begin + size, positions)
        if first - 1 < end:
            yield Window(sequence, begin, end, max(scored, first - 1))


def score_targets(network: LanguageModel, hidden: Tensor, targets: Tensor) -> Tensor:
    """Returns the log-probability of each target, float64 [n], a few positions at a time.

    Args:
        network: scores hidden states.
        hidden: [n, dim].
        targets: token ids, int64 [n].
    """
    step = max(_FEWEST_POSITIONS, _LOGITS_AT_ONCE // network.input_embeddings.num_embeddings)
    parts = [torch.empty(0, dtype=torch.float64, device=hidden.device)]
    for start in range(0, len(targets), step):
        logits = network.score(hidden[start : start + step]).float()  # [step, vocab]
        own = logits.gather(1, targets[start : start + step, None])[:, 0]
        parts.append((own - logits.logsumexp(dim=-1)).double())
    return torch.cat(parts)
