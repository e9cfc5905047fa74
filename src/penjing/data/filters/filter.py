"""What a filter is: rules with thresholds, one set for scripts with spaces between words, one for those without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf, nan

import numpy as np
from numpy.typing import NDArray

from penjing.data.filters.signals import Numbers, Signal, Signals
from penjing.registry import load_registered

GROUP = "filters"
Bools = NDArray[np.bool_]


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

    def judge(self, signals: Signals) -> tuple[Bools, Numbers, Numbers, Numbers]:
        """Returns which texts break the rule, their values, and the least and the most allowed, [texts] each."""
        values = self.signal(signals)
        limits = [self.limits(is_unspaced=unspaced) for unspaced in (False, True)]
        low, high = (np.where(signals.is_unspaced, limits[1][side], limits[0][side]) for side in (0, 1))
        return (values < low) | (values > high), values, low, high


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
    places, signals = np.arange(len(texts)), Signals(texts)
    for chosen in filters:
        # What an earlier filter has dropped need not be measured by a later one.
        is_left = np.array([verdicts[place] is None for place in places.tolist()], dtype=np.bool_)
        if not is_left.any():
            break
        if not is_left.all():
            places, signals = places[is_left], signals.keep(is_left)
        for rule in chosen.rules:
            is_broken, values, low, high = rule.judge(signals)
            for index in np.flatnonzero(is_broken).tolist():
                place = int(places[index])
                verdicts[place] = verdicts[place] or Verdict(
                    f"{chosen.name}.{rule.name}", float(values[index]), float(low[index]), float(high[index])
                )
    return verdicts
