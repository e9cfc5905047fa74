"""Scores of a language model from what it makes of each document: bits per byte and perplexities, with intervals.

With S the summed surprisal (negative log-probability) of the documents in nats,

    bits per byte     = S / (ln 2 · bytes of the texts in UTF-8)
    token perplexity  = exp(S / tokens)
    word perplexity   = exp(S / words)

S holds the surprisal of the end-of-text token of each document, for a model that knows no ends could not tell two
documents from one. That token counts among the tokens; it has no bytes and is no word. The start token is given: it
has no surprisal and counts nowhere. Only bits per byte compare between tokenizers, and only where those keep every
character of the text.

An interval is the percentile bootstrap over documents (see `penjing.metrics.interval`), whose words hang together.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from penjing.errors import DataError
from penjing.metrics.interval import Floats, Score, bootstrap, bootstrap_many, count_differing, include_zero

Ints = NDArray[np.int64]

#: Characters of scripts without spaces, as a range of a regular expression: kana and Chinese characters.
SPACELESS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{SPACELESS}]|[^\s{SPACELESS}]+")


@dataclass(frozen=True)
class DocumentSurprisals:
    """What a model makes of documents.

    Attributes:
        nats: negative log-probability of each, its end token included, [documents].
        tokens: of each, its end token included, [documents].
        words: of each, as `count_words` does, [documents].
        bytes: of each in UTF-8, [documents].
    """

    nats: Floats
    tokens: Ints
    words: Ints
    bytes: Ints

    def __post_init__(self) -> None:
        if not np.isfinite(self.nats).all():
            number = int(np.flatnonzero(~np.isfinite(self.nats))[0]) + 1
            raise DataError(
                "the model gives no finite probability",
                where=f"document {number:,}",
                do="Its weights are damaged, or its training diverged; copy the model again, or train it again.",
            )


def count_words(text: str) -> int:
    """Returns the words of a text: what spaces part, and each Chinese character and kana by itself.

    >>> count_words("A lovely film."), count_words("很好看 film")
    (3, 4)
    """
    return sum(1 for _ in _WORD.finditer(text))


def word_ends(text: str) -> list[int]:
    """Returns one past the last character of each word that `count_words` counts.

    >>> word_ends("A lovely film."), word_ends("很好")
    ([1, 8, 14], [1, 2])
    """
    return [match.end() for match in _WORD.finditer(text)]


def count_bytes(text: str) -> int:
    """Returns the bytes of a text in UTF-8; half of a surrogate pair, which is no character, counts three."""
    return len(text.encode("utf-8", "surrogatepass"))


def language_scores(documents: DocumentSurprisals, resamples: int = 1000, seed: int = 0) -> dict[str, Score]:
    """Returns ``bits_per_byte``, ``token_perplexity`` and ``word_perplexity``, each with its 95% interval.

    A score of documents without bytes, tokens or words is NaN, and so is a perplexity beyond 1.8e308.

    Raises:
        DataError: there are no documents.

    >>> two = np.array([2, 2])
    >>> documents = DocumentSurprisals(np.log([16.0, 16.0]), two, two, 2 * two)
    >>> {name: round(score.value, 6) for name, score in language_scores(documents).items()}
    {'bits_per_byte': 1.0, 'token_perplexity': 4.0, 'word_perplexity': 4.0}
    """
    arrays = [documents.nats, documents.bytes, documents.tokens, documents.words]
    return dict(
        zip(
            ("bits_per_byte", "token_perplexity", "word_perplexity"),
            bootstrap_many(_all_scores, [array.astype(np.float64) for array in arrays], resamples, seed),
            strict=True,
        )
    )


def _all_scores(weights: Floats, nats: Floats, *units: Floats) -> Floats:
    """Returns bits per byte, token perplexity and word perplexity, [resamples, 3]; units are bytes, tokens, words."""
    total = weights @ nats
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        rates = np.stack([total / (weights @ counts) for counts in units], axis=1)
        scores = np.concatenate([rates[:, :1] / math.log(2), np.exp(rates[:, 1:])], axis=1)
    scores[~np.isfinite(scores)] = np.nan
    return scores


def bits_per_byte_difference(
    nats: ArrayLike, other_nats: ArrayLike, byte_counts: ArrayLike, resamples: int = 1000, seed: int = 0
) -> Score:
    """Returns the bits per byte of a model less those of another on the same documents, with the paired interval.

    Documents are drawn with what both make of them, so that what is hard for both does not blur the difference (Efron
    & Tibshirani 1993, chapter 8). Below zero the first is better. Where the two differ in fewer than six documents,
    zero is always in the interval.

    Args:
        nats: surprisal of each document under the one, [documents].
        other_nats: under the other, [documents].
        byte_counts: of each document, [documents].
        resamples: how many times the documents are drawn again.
        seed: of the draws.
    """
    gap = (np.asarray(nats, dtype=np.float64) - np.asarray(other_nats, dtype=np.float64)) / math.log(2)
    difference = bootstrap(_ratio, [gap, np.asarray(byte_counts, dtype=np.float64)], resamples, seed)
    return include_zero(difference, count_differing(gap))


def _ratio(weights: Floats, above: Floats, below: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (weights @ above) / (weights @ below)
    return np.where(np.isfinite(ratio), ratio, np.nan)


def score_values(score: Score) -> dict[str, float | None]:
    """Returns a score as JSON values; null where it is not a finite number, which JSON does not have."""
    values: dict[str, Any] = score.to_dict()
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
