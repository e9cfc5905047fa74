"""The baseline that counts tokens: an interpolated trigram model with modified Kneser-Ney smoothing.

Chen & Goodman 1998, TR-10-98: three discounts an order, from the counts of counts; below the highest order a
token counts by how many different tokens it follows; what the discounts free goes to the next lower order, and in the
end to all tokens of the vocabulary alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from penjing.errors import DataError, UsageError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_MOST_TOKENS = 5_000_000
_LARGEST_VOCABULARY = 1 << 21  # three tokens in one int64
_USUAL_DISCOUNTS = (0.5, 1.0, 1.5)  # where there are too few counts to estimate them


@dataclass(frozen=True)
class _Order:
    """The n-grams of one order; a code is that of the context times the vocabulary, plus the token.

    Attributes:
        codes: of the n-grams, sorted, [n-grams].
        discounted: count less discount of each, over the total of its context, [n-grams].
        contexts: codes of the contexts, sorted, [contexts].
        freed: what is left for the lower order in each context, [contexts].
    """

    codes: Ints
    discounted: Floats
    contexts: Ints
    freed: Floats

    def interpolate(self, contexts: Ints, codes: Ints, lower: Floats) -> Floats:
        """Returns the probability of each n-gram given those of the lower order, [n]."""
        own = _look_up(self.codes, self.discounted, codes, missing=0.0)
        return own + _look_up(self.contexts, self.freed, contexts, missing=1.0) * lower


@dataclass(frozen=True)
class NgramModel:
    """A fitted trigram model.

    Attributes:
        vocab_size: entries of the tokenizer; all share what is left for the unseen.
        tokens: how many it was fitted on, end tokens included and start tokens not.
        unigrams: probability of each token without a context, [vocab].
    """

    vocab_size: int
    tokens: int
    unigrams: Floats
    _pairs: _Order
    _triples: _Order

    def probabilities(self, contexts: ArrayLike, tokens: ArrayLike) -> Floats:
        """Returns the probability of each token after the two before it, [n].

        Args:
            contexts: the two token ids before, [n, 2]; at the beginning of a document the start token twice.
            tokens: token ids, [n].
        """
        before, token = np.asarray(contexts, dtype=np.int64), np.asarray(tokens, dtype=np.int64)
        near, both = before[:, 1], before[:, 0] * self.vocab_size + before[:, 1]
        pairs = self._pairs.interpolate(near, near * self.vocab_size + token, self.unigrams[token])
        return self._triples.interpolate(both, both * self.vocab_size + token, pairs)

    def surprisals(self, documents: Sequence[ArrayLike]) -> Floats:
        """Returns the negative log-probability of each document in nats, [documents].

        Args:
            documents: a start token, which is given, the tokens of a text, and an end token, which is scored.
        """
        tokens, offsets = join_documents(documents)
        contexts, targets, owners = _predictions(tokens, offsets, self.vocab_size)
        nats = -np.log(self.probabilities(contexts, targets))
        return np.bincount(owners, weights=nats, minlength=len(documents)).astype(np.float64)


def join_documents(documents: Sequence[ArrayLike]) -> tuple[Ints, Ints]:
    """Returns documents one after another, [tokens], and where each begins and the last ends, [documents + 1]."""
    arrays = [np.asarray(document, dtype=np.int64) for document in documents]
    offsets = np.cumsum([0, *(len(array) for array in arrays)], dtype=np.int64)
    return np.concatenate([np.empty(0, dtype=np.int64), *arrays]), offsets


def fit_ngram(
    tokens: NDArray[np.integer], offsets: Ints, vocab_size: int, *, most_tokens: int = _MOST_TOKENS
) -> NgramModel:
    """Counts the trigrams of documents, such as those of a token shard.

    Args:
        tokens: documents one after another, each a start token, the tokens of a text and an end token, [tokens].
        offsets: where each begins, and the end of the last, [documents + 1].
        vocab_size: entries of the tokenizer, at most 2 million.
        most_tokens: only whole documents within the first so many tokens are counted (at least one), for time and
            memory: 5 million take about 2 seconds and 0.6 GB.

    Raises:
        DataError: no document has a token after its first.
        UsageError: the vocabulary is too large.
    """
    if vocab_size > _LARGEST_VOCABULARY:
        raise UsageError(
            f"the vocabulary has {vocab_size:,} entries", do=f"An n-gram baseline holds {_LARGEST_VOCABULARY:,}."
        )
    last = max(1, int(np.searchsorted(offsets, most_tokens, side="right")) - 1)
    offsets = offsets[: last + 1]
    contexts, targets, _ = _predictions(np.asarray(tokens[: offsets[-1]], dtype=np.int64), offsets, vocab_size)
    if not len(targets):
        raise DataError("there is no text for the n-gram baseline to count", do="Give at least one training text.")
    triples, counts = np.unique(
        (contexts[:, 0] * vocab_size + contexts[:, 1]) * vocab_size + targets, return_counts=True
    )
    pairs, followed = np.unique(triples % vocab_size**2, return_counts=True)
    continuations = np.bincount(pairs % vocab_size, minlength=vocab_size)
    return NgramModel(
        vocab_size,
        len(targets),
        _unigrams(continuations),
        _order(pairs, followed, vocab_size),
        _order(triples, counts, vocab_size),
    )


def _predictions(tokens: Ints, offsets: Ints, vocab_size: int) -> tuple[Ints, Ints, Ints]:
    """Returns the two tokens before each token but the first of its document [n, 2], those [n], and its document [n].

    The second token of a document comes after its first twice.

    Raises:
        DataError: a token is not in the vocabulary.
    """
    if len(tokens) and (tokens.min() < 0 or tokens.max() >= vocab_size):
        raise DataError(
            f"there is a token {tokens.max() if tokens.max() >= vocab_size else tokens.min()}, "
            f"and the vocabulary has {vocab_size:,} entries",
            do="Give the tokens and the vocabulary of one tokenizer.",
        )
    owners = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))  # [tokens]
    depth = np.arange(len(tokens)) - offsets[:-1][owners]  # [tokens]
    place = np.flatnonzero(depth > 0)
    near = tokens[place - 1]
    far = np.where(depth[place] == 1, near, tokens[place - 2])
    return np.stack([far, near], axis=1), tokens[place], owners[place]


def _discounts(counts: Ints) -> Floats:
    """Returns what is taken from counts of 0, 1, 2 and from 3 on, [4]; by the counts that occur 1 to 4 times."""
    once, twice, thrice, often = (float((counts == number).sum()) for number in (1, 2, 3, 4))
    if not (once and twice and thrice):
        return np.array([0.0, *_USUAL_DISCOUNTS])
    share = once / (once + 2.0 * twice)
    found = [
        1.0 - 2.0 * share * twice / once,
        2.0 - 3.0 * share * thrice / twice,
        3.0 - 4.0 * share * often / thrice,
    ]
    is_sound = all(0.0 < discount < limit for limit, discount in enumerate(found, start=1))
    return np.array([0.0, *(found if is_sound else _USUAL_DISCOUNTS)])


def _unigrams(counts: Ints) -> Floats:
    """Returns the probability of each token from how many different ones it follows, [vocab]."""
    taken = _discounts(counts)[np.minimum(counts, 3)]
    total = counts.sum()
    return np.asarray((counts - taken) / total + taken.sum() / total / len(counts), dtype=np.float64)


def _order(codes: Ints, counts: Ints, vocab_size: int) -> _Order:
    owners = codes // vocab_size
    starts = np.flatnonzero(np.diff(owners, prepend=-1))  # codes are sorted, so those of a context lie together
    taken = _discounts(counts)[np.minimum(counts, 3)]
    totals = np.add.reduceat(counts, starts)
    freed = np.add.reduceat(taken, starts) / totals
    of_context = np.repeat(totals, np.diff(starts, append=len(codes)))
    return _Order(codes, (counts - taken) / of_context, owners[starts], freed)


def _look_up(keys: Ints, values: Floats, wanted: Ints, *, missing: float) -> Floats:
    """Returns the value of each wanted key; ``missing`` where there is no such key."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], missing)
