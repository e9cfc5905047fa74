"""The filters of Gopher (Rae et al. 2021, arXiv 2112.11446, appendix A1.1)."""

from __future__ import annotations

from penjing.data.filters.filter import Filter, Rule
from penjing.data.filters.repetition import REPEATED_RUNS, TOP_RUNS
from penjing.data.filters.signals import Numbers, Signal, Signals

_SOURCE = "Rae et al. 2021, arXiv 2112.11446"

GOPHER_QUALITY = Filter(
    "gopher_quality",
    _SOURCE,
    (
        # A Chinese word has one or two characters, and common words are told by ten characters, not by eight words.
        Rule("words", lambda found: found.words, 50, 100_000, unspaced_low=80, unspaced_high=160_000),
        Rule("mean_word_length", lambda found: found.mean_word_length, 3, 10),
        Rule("symbols", lambda found: found.symbols, high=0.1, unspaced_high=0.05),
        Rule("bullet_lines", lambda found: found.bullet_lines, high=0.9),
        Rule("ellipsis_lines", lambda found: found.ellipsis_lines, high=0.3),
        Rule("alphabetic", lambda found: found.alphabetic, 0.8, unspaced_low=0.6),
        Rule("stop_words", lambda found: found.stop_words, 2, unspaced_low=2),
    ),
)


def _repeated(name: str) -> Signal:
    def signal(found: Signals) -> Numbers:
        return found.repeated(name)

    return signal


_TOP = dict(zip(TOP_RUNS, (0.2, 0.18, 0.16), strict=True))
_RUNS = dict(zip(REPEATED_RUNS, (0.15, 0.14, 0.13, 0.12, 0.11, 0.1), strict=True))

GOPHER_REPETITION = Filter(
    "gopher_repetition",
    _SOURCE,
    (
        Rule("lines", _repeated("lines"), high=0.3),
        Rule("paragraphs", _repeated("paragraphs"), high=0.3),
        Rule("line_characters", _repeated("line_characters"), high=0.2),
        Rule("paragraph_characters", _repeated("paragraph_characters"), high=0.2),
        *(Rule(f"top_{length}", _repeated(f"top_{length}"), high=high) for length, high in _TOP.items()),
        *(Rule(f"run_{length}", _repeated(f"run_{length}"), high=high) for length, high in _RUNS.items()),
    ),
)
