"""Why Penjing and datatrove still differ on repeated runs of words when they agree on what a word is.

Both definitions are counted the long way here, so that a difference that neither accounts for would show.

- Penjing: the share of the characters of all words. A run of 5 to 10 words counts wherever it comes again; of the most
  frequent runs of 2 to 4 words the longest one, if it comes twice.
- datatrove: the share of all characters, spaces too. After a run that comes again it goes on behind it, and so misses
  those that overlap it; of the most frequent runs the first one, even if it comes once, with the spaces in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

TOP_LIMITS = {2: 0.2, 3: 0.18, 4: 0.16}


def explain_difference(rule: str, text: str) -> str:
    """Returns what makes the two judge a text differently, or ``unexplained``.

    Args:
        rule: ``top_N`` or ``run_N``.
        text: a text that the rule refuses in one and not in the other.
    """
    kind, _, number = rule.partition("_")
    words, length = text.split(), int(number)
    limit = TOP_LIMITS[length] if kind == "top" else (20 - length) / 100
    count, peer_count, change = _COUNTS[kind]
    characters = sum(map(len, words))
    ours, theirs = count(words, length) / characters > limit, peer_count(words, length) / len(text) > limit
    if ours == theirs:
        return "unexplained"
    if kind == "top" and max(_runs(words, length).values()) < 2:
        return "a run that comes once"
    if (peer_count(words, length) / characters > limit) == theirs:
        return change
    if (count(words, length) / len(text) > limit) == theirs:
        return "the share of which characters"
    return f"{change}, and the share of which characters"


def _runs(words: list[str], length: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[at : at + length]) for at in range(len(words) - length + 1))


def _count_covered(words: list[str], length: int) -> int:
    seen: set[tuple[str, ...]] = set()
    covered: set[int] = set()
    for at in range(len(words) - length + 1):
        run = tuple(words[at : at + length])
        if run in seen:
            covered |= set(range(at, at + length))
        seen.add(run)
    return sum(len(words[at]) for at in covered)


def _count_skipping(words: list[str], length: int) -> int:
    seen: set[str] = set()
    characters = at = 0
    while at + length <= len(words):
        run = "".join(words[at : at + length])
        is_again = run in seen
        characters += len(run) * is_again
        seen.add(run)
        at += length if is_again else 1
    return characters


def _count_longest_top(words: list[str], length: int) -> int:
    runs = _runs(words, length)
    most = max(runs.values(), default=0)
    return most * max(len("".join(run)) for run, count in runs.items() if count == most) if most > 1 else 0


def _count_first_top(words: list[str], length: int) -> int:
    [(run, count)] = _runs(words, length).most_common(1) or [((), 0)]
    return count * len(" ".join(run))


_Count = Callable[[list[str], int], int]
_COUNTS: dict[str, tuple[_Count, _Count, str]] = {
    "run": (_count_covered, _count_skipping, "runs that overlap"),
    "top": (_count_longest_top, _count_first_top, "the first of the most frequent runs, and spaces in it"),
}
