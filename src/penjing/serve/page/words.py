"""The language of the page, and its words."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.pipeline.report.strings import Language
from penjing.serve.page.chinese import PAGE_CHINESE
from penjing.serve.page.english import PAGE_ENGLISH

PAGE_WORDS: Mapping[Language, Mapping[str, str]] = {"en": PAGE_ENGLISH, "zh": PAGE_CHINESE}


def choose_language(asked: str | None, accepted: str) -> Language:
    """Returns the language of the page.

    Args:
        asked: what the address says, such as ``zh``; None: nothing.
        accepted: the browser's header ``Accept-Language``, such as ``zh-CN,zh;q=0.9,en;q=0.8``.
    """
    if asked in ("en", "zh"):
        return "zh" if asked == "zh" else "en"
    weights: dict[Language, float] = {"en": 0.0, "zh": 0.0}
    for place, entry in enumerate(accepted.lower().split(",")[:20]):
        name, _, quality = entry.partition(";")
        weight = _weight(quality) - place / 1e6  # of equal ones the first counts
        for language in weights:
            if name.strip().split("-")[0] == language:
                weights[language] = max(weights[language], weight)
    return "zh" if weights["zh"] > weights["en"] else "en"


def _weight(quality: str) -> float:
    try:
        return float(quality.strip().removeprefix("q=")) if quality else 1.0
    except ValueError:
        return 0.0
