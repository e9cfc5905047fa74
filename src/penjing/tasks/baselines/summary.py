"""Baselines for summaries: the beginning of a text, and its most central sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from penjing.metrics.texts import check_texts, is_unspaced, list_words
from penjing.text.sentences import split_sentences

Floats = NDArray[np.float64]

_DAMPING = 0.85
_MOST_STEPS = 100
_CLOSE_ENOUGH = 1e-6
_MOST_SENTENCES = 500  # every one is compared with every other
_WIDE_ENDS = "。！？；」』）】》"  # behind which no space stands
_SPEAKER = re.compile(r"\s*[^\s:：][^:：]{0,39}[:：]")


@dataclass(frozen=True)
class LeadBaseline:
    """Writes the first sentences of a text, or the first turns of a dialogue.

    Attributes:
        length: words (characters, where a script has no spaces) up to which it writes; a first sentence that is longer
            is written whole.
    """

    length: float

    def write(self, texts: Sequence[str]) -> list[str]:
        """Returns the beginnings; that of a text without words is empty."""
        return [_write(units := split_units(text), range(len(units)), self.length) for text in texts]


def fit_lead(sources: Sequence[str], targets: Sequence[str]) -> LeadBaseline:
    """Returns the baseline that writes as much as the median training summary.

    Args:
        sources: the training texts.
        targets: their summaries.

    Raises:
        DataError: there are no training texts, or not a summary for each.
    """
    return LeadBaseline(_median_length(sources, targets))


@dataclass(frozen=True)
class TextRankBaseline:
    """Writes the sentences that have most in common with the others, in the order of the text (TextRank).

    Attributes:
        length: words (characters, where a script has no spaces) up to which it writes; the first choice is written
            whole.
    """

    length: float

    def write(self, texts: Sequence[str]) -> list[str]:
        """Returns the most central sentences, or turns of a dialogue; of a text longer than 500, among the first 500.

        They are taken in the order of their rank, the earlier one of two alike first, until the next does not fit.
        """
        written = []
        for text in texts:
            units = split_units(text)[:_MOST_SENTENCES]
            written.append(_write(units, np.argsort(-rank_sentences(units), kind="stable"), self.length))
        return written


def fit_textrank(sources: Sequence[str], targets: Sequence[str]) -> TextRankBaseline:
    """Returns the baseline that writes as much as the median training summary.

    Args:
        sources: the training texts.
        targets: their summaries.

    Raises:
        DataError: there are no training texts, or not a summary for each.
    """
    return TextRankBaseline(_median_length(sources, targets))


def split_units(text: str) -> list[str]:
    """Returns what a text is summed up from: the turns of a dialogue, or sentences.

    A dialogue has at least two lines, and more than half of them begin with a speaker and a colon.

    >>> split_units("Ann: Hi. How are you?\\nBob: Fine.")
    ['Ann: Hi. How are you?', 'Bob: Fine.']
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and 2 * sum(_SPEAKER.match(line) is not None for line in lines) > len(lines):
        return lines
    return split_sentences(text)


def rank_sentences(sentences: Sequence[str]) -> Floats:
    """Returns how central each sentence is, [sentences] (Mihalcea & Tarau 2004, TextRank, sections 2.2 and 4.1).

    Two sentences are as similar as the words they share are many, over the sum of the logarithms of their lengths; a
    sentence hands on its rank by similarity. All words count, those that say little too.

    Args:
        sentences: of one text.
    """
    if not len(sentences):
        return np.zeros(0)
    similar = _similarities([list_words(sentence) for sentence in sentences])
    totals = similar.sum(axis=1, keepdims=True)
    handed = np.divide(similar, totals, out=np.zeros_like(similar), where=totals > 0.0)  # [from, to]
    ranks = np.ones(len(sentences))
    for _ in range(_MOST_STEPS):
        before, ranks = ranks, 1.0 - _DAMPING + _DAMPING * ranks @ handed
        if np.abs(ranks - before).max() < _CLOSE_ENOUGH:
            break
    return ranks


def _similarities(sentences: Sequence[Sequence[str]]) -> Floats:
    """Returns the similarity of every two sentences, [sentences, sentences]; none is similar to itself."""
    from scipy.sparse import csr_array

    numbers: dict[str, int] = {}
    columns = [sorted({numbers.setdefault(word, len(numbers)) for word in sentence}) for sentence in sentences]
    ends = np.cumsum([0, *map(len, columns)])
    cells = np.concatenate([np.array(row, dtype=np.int64) for row in columns])
    holds = csr_array((np.ones(len(cells)), cells, ends), shape=(len(columns), max(1, len(numbers))))
    shared = np.asarray((holds @ holds.T).toarray(), dtype=np.float64)
    logs = np.log([max(1, len(sentence)) for sentence in sentences])
    lengths = logs[:, None] + logs[None, :]
    np.fill_diagonal(shared, 0.0)
    return np.asarray(np.divide(shared, lengths, out=np.zeros_like(shared), where=lengths > 0.0), dtype=np.float64)


def _median_length(sources: Sequence[str], targets: Sequence[str]) -> float:
    check_texts(sources=sources, targets=targets)
    return float(median(len(list_words(target)) for target in targets))


def _write(units: Sequence[str], order: Iterable[int], length: float) -> str:
    """Returns the first units of an order until the next would be too long, at least one, in the order of the text."""
    chosen: list[int] = []
    written = 0
    for number in order:
        written += len(list_words(units[number]))
        if chosen and written > length:
            break
        chosen.append(number)
    text = ""
    for unit in (units[number] for number in sorted(chosen)):
        is_closed = text == "" or text[-1] in _WIDE_ENDS or is_unspaced([unit[0]])
        text += unit if is_closed else f" {unit}"
    return text
