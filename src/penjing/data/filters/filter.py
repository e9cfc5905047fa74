"""What a filter is: rules with thresholds, one set for scripts with spaces between words, one for those without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf, nan

import numpy as np

from penjing.data.filters.signals import Signal, Signals
from penjing.registry import load_registered

GROUP = "filters"


@dataclass(frozen=True)
class Rule:
    """A signal and what it may be.

    Attributes:
        name: of the signal.
        signal: finds it.
        low: the least that is allowed.
        high: the most that is allowed.
        unspaced_low: the least in scripts without spaces between words; the same as ``low`` if nan.
        unspaced_high: the most there; the same as ``high`` if nan.
    """

    name: str
    signal: Signal = field(repr=False)
    low: float = -inf
    high: float = inf
    unspaced_low: float = nan
    unspaced_high: float = nan

    def limits(self, *, is_unspaced: bool) -> tuple[float, float]:
        """Returns the least and the most that are allowed."""
        if not is_unspaced:
            return self.low, self.high
        low = self.low if np.isnan(self.unspaced_low) else self.unspaced_low
        return low, self.high if np.isnan(self.unspaced_high) else self.unspaced_high


@dataclass(frozen=True)
class Filter:
    """Rules that a text must keep, all of them.

    Attributes:
        name: how recipes call it.
        source: the publication that it follows.
        rules: in the order in which they are asked.
    """

    name: str
    source: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Verdict:
    """Why a text is dropped.

    Attributes:
        reason: filter and rule, ``gopher_quality.words``.
        value: the signal.
        low: the least that is allowed.
        high: the most that is allowed.
    """

    reason: str
    value: float
    low: float
    high: float


def load_filter(name: str) -> Filter:
    """Returns a registered filter.

    Raises:
        UsageError: there is none of that name; the nearest is named.
    """
    found: Filter = load_registered(GROUP, name)
    return found


def judge_texts(texts: Sequence[str], filters: Sequence[Filter]) -> list[Verdict | None]:
    """Returns for each text the first rule that it breaks, in the order of filters and rules; None if it keeps all."""
    verdicts: list[Verdict | None] = [None] * len(texts)
    places = np.arange(len(texts))
    for chosen in filters:
        # What an earlier filter has dropped need not be measured by a later one.
        places = np.array([place for place in places.tolist() if verdicts[place] is None], dtype=np.int64)
        if not len(places):
            break
        signals = Signals([texts[place] for place in places.tolist()])
        for rule in chosen.rules:
            values = rule.signal(signals)
            limits = [rule.limits(is_unspaced=unspaced) for unspaced in (False, True)]
            low, high = (np.where(signals.is_unspaced, limits[1][side], limits[0][side]) for side in (0, 1))
            for index in np.flatnonzero((values < low) | (values > high)).tolist():
                place = int(places[index])
                verdicts[place] = verdicts[place] or Verdict(
                    f"{chosen.name}.{rule.name}", float(values[index]), float(low[index]), float(high[index])
                )
    return verdicts
