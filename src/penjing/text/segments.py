"""Which kind of segment each token of a question and its text belongs to, and what of the text the question has too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The kinds that BERT has: 0 for a question, 1 for the text that it is put to.
PLAIN_TYPES = 2


@dataclass(frozen=True)
class MatchMarks:
    """Which tokens of a text are marked because the question has them too.

    Attributes:
        longest: length of the longest run that is told from shorter ones.
        unknown_id: stands for what the vocabulary lacks, so that two of them need not be the same: it matches
            nothing; -1 where there is no such token.
    """

    longest: int
    unknown_id: int


def token_types(
    ids: NDArray[np.int64], text_starts: NDArray[np.int64], mask: NDArray[np.bool_], marks: MatchMarks | None = None
) -> NDArray[np.int64]:
    """Returns 1 for the text and the end token after it, 0 for question and padding, int64 [batch, time].

    With ``marks`` a token of the text that lies in a run of tokens which the question has too is of the type
    1 plus the length of the longest such run, up to ``marks.longest``: the exact match of Chen et al. 2017 (DrQA, arXiv
    1704.00051, section 3.2), as a type of segment, and of runs beside single tokens.

    Args:
        ids: token ids, [batch, time]: start, question, end, text, end.
        text_starts: the place of the first token of the text in each row, [batch].
        mask: true where a token is real, [batch, time].
        marks: what is marked; None: nothing.
    """
    types: NDArray[np.int64] = ((np.arange(mask.shape[1]) >= text_starts[:, None]) & mask).astype(np.int64)
    if marks is None:
        return types
    for row, start, end in zip(range(len(ids)), text_starts, mask.sum(axis=1) - 1, strict=True):
        types[row, start:end] += match_lengths(ids[row, 1 : start - 1], ids[row, start:end], marks)
    return types


def match_lengths(question: NDArray[np.int64], text: NDArray[np.int64], marks: MatchMarks) -> NDArray[np.int64]:
    """Returns, for each token of a text, how long a run around it is that stands in a question too, int64 [tokens].

    Args:
        question: token ids.
        text: token ids.
        marks: longer runs count as long as its longest, and none has its unknown token.

    >>> question, text = np.array([5, 6, 7, 1]), np.array([6, 7, 1, 7, 5, 6, 7])
    >>> match_lengths(question, text, MatchMarks(longest=3, unknown_id=1)).tolist()
    [2, 2, 0, 1, 3, 3, 3]
    """
    lengths = np.zeros(len(text), dtype=np.int64)
    same: NDArray[Any] = (text[:, None] == question[None, :]) & (text != marks.unknown_id)[:, None]
    runs = same  # [i, j]: the tokens from i in the text and from j in the question are the same, so many as counted
    for length in range(1, min(marks.longest, len(question), len(text)) + 1):
        if length > 1:
            runs = runs[:-1, :-1] & same[length - 1 :, length - 1 :]
        begins = np.flatnonzero(runs.any(axis=1))
        if not len(begins):
            break
        for after in range(length):
            lengths[begins + after] = length
    return lengths
