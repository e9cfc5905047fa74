"""Sentiment by stars, from one to five, whatever a file calls them."""

from __future__ import annotations

from dataclasses import replace

from penjing.tasks.baselines import STAR_BASELINES
from penjing.tasks.ordinal import ORDINAL

_CHINESE = "一二三四五"


def _names(stars: int) -> tuple[str, ...]:
    word = "star" if stars == 1 else "stars"
    filled = "★" * stars
    numeral = _CHINESE[stars - 1]
    return (str(stars), f"{stars} {word}", f"{stars}星", f"{numeral}星", filled, filled + "☆" * (5 - stars))


STARS = replace(
    ORDINAL,
    name="stars",
    label_names={raw: str(stars) for stars in range(1, 6) for raw in _names(stars)},
    baselines=STAR_BASELINES,
)
