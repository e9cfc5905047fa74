"""How much of a text is said again in it (Rae et al. 2021, arXiv 2112.11446, table A1)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: Lengths of the runs of words of which the most frequent one counts, and of those that must not come again.
TOP_RUNS, REPEATED_RUNS = (2, 3, 4), (5, 6, 7, 8, 9, 10)
_PARAGRAPH = re.compile(r"\n\s*\n")
_CHARACTERS_A_WORD = 2  # in scripts without spaces, runs are of twice as many characters


def repeated_shares(text: str, is_unspaced: bool) -> dict[str, float]:
    """Returns shares, 0 to 1, by name.

    - ``lines`` and ``paragraphs``: of the lines that came before, and of the paragraphs;
    - ``line_characters`` and ``paragraph_characters``: of the characters in those;
    - ``top_N``, for N of 2 to 4: of the characters in the most frequent run of N words, all its occurrences together;
    - ``run_N``, for N of 5 to 10: of the characters in runs of N words that came before, each counted once.

    Args:
        text: the text.
        is_unspaced: whether its words are not set apart; then a run of N words is one of 2 N characters.
    """
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    paragraphs = [part.strip() for part in _PARAGRAPH.split(text) if part.strip()]
    shares = {
        "lines": _repeated_items(lines),
        "line_characters": _repeated_characters(lines),
        "paragraphs": _repeated_items(paragraphs),
        "paragraph_characters": _repeated_characters(paragraphs),
    }
    shares |= dict.fromkeys([*(f"top_{length}" for length in TOP_RUNS), *(f"run_{n}" for n in REPEATED_RUNS)], 0.0)
    words = list("".join(text.split())) if is_unspaced else text.split()
    factor = _CHARACTERS_A_WORD if is_unspaced else 1
    ids, sizes = _number_words(words)
    for length in (*TOP_RUNS, *REPEATED_RUNS):
        runs = _runs(ids, factor * length)
        if runs is None:
            break  # longer ones do not come again either
        if length in TOP_RUNS:
            shares[f"top_{length}"] = _top_share(runs, sizes, factor * length)
        else:
            shares[f"run_{length}"] = _run_share(runs, sizes, factor * length)
    return shares


def _repeated_items(items: Sequence[str]) -> float:
    return 1 - len(set(items)) / len(items) if items else 0.0


def _repeated_characters(items: Sequence[str]) -> float:
    whole = sum(map(len, items))
    return sum(len(item) * (count - 1) for item, count in Counter(items).items()) / whole if whole else 0.0


def _number_words(words: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Returns a number for each word, equal for equal ones, and its characters, [words] each."""
    ids: dict[str, int] = {}
    numbers = np.fromiter((ids.setdefault(word, len(ids)) for word in words), np.uint64, len(words))
    return numbers, np.fromiter(map(len, words), np.int64, len(words))


def _runs(ids: NDArray[np.uint64], length: int) -> NDArray[np.int64] | None:
    """Returns a number for each run of words, equal for equal ones, [words - length + 1]; None if all differ."""
    count = len(ids) - length + 1
    if count < 2:
        return None
    hashes = np.zeros(count, dtype=np.uint64)
    for place in range(length):  # modulo 2^64, by an odd factor
        hashes += ids[place : place + count] + np.uint64(1)
        hashes *= np.uint64(0x9E3779B97F4A7C15)
        hashes ^= hashes >> np.uint64(29)
    order = np.argsort(hashes)
    ordered = hashes[order]
    is_new = ordered[1:] != ordered[:-1]
    if is_new.all():
        return None
    runs = np.empty(count, dtype=np.int64)
    runs[order] = np.concatenate([[0], np.cumsum(is_new)])
    return runs


def _top_share(runs: NDArray[np.int64], sizes: NDArray[np.int64], length: int) -> float:
    """Returns the share of characters in all occurrences of the most frequent run."""
    counts = np.bincount(runs)
    most = counts.max()
    # Of runs that are as frequent, the longest.
    places = np.flatnonzero(counts[runs] == most)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    longest = (ends[places + length] - ends[places]).max()
    return float(min(1.0, most * longest / ends[-1]))


def _run_share(runs: NDArray[np.int64], sizes: NDArray[np.int64], length: int) -> float:
    """Returns the share of characters in runs that came before."""
    first = np.zeros(len(runs), dtype=np.bool_)
    first[np.unique(runs, return_index=True)[1]] = True
    steps = np.zeros(len(sizes) + 1, dtype=np.int64)
    again = np.flatnonzero(~first)
    np.add.at(steps, again, 1)
    np.add.at(steps, again + length, -1)
    covered = np.cumsum(steps[:-1]) > 0
    return float(sizes[covered].sum() / sizes.sum())
