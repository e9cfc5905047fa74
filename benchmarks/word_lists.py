"""What lists of words score where polarity is asked for: VADER on SST-2, the list of pysenti on ChnSentiCorp.

python benchmarks/word_lists.py [--resamples 1000] [--json]
python benchmarks/word_lists.py --stars TRAIN VALIDATION TEST [--resamples 1000] [--json]

The sets are read from $PENJING_DATA, or ../shared/data. Nothing is trained; of the training rows the more frequent
label is taken, for texts that a list says nothing of. Needs the extra sentiment.

--stars: of three tables of your own, with columns text and stars (1 to 5), every baseline of the task stars. They learn
from the first, choose their settings, if they have any, by the second, and are measured on the third.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from labelled_sets import read_set
from penjing.data.plain import whole_number
from penjing.data.reading import read_rows
from penjing.machine import describe_machine
from penjing.metrics.classification import classification_scores
from penjing.metrics.ordinal import ordinal_scores
from penjing.tasks.baselines import STAR_BASELINES
from penjing.tasks.baselines.chinese_words import has_chinese_words, load_chinese_words
from penjing.tasks.baselines.lexicon import fit_chinese_lexicon, fit_lexicon, has_lexicon
from penjing.tasks.ordinal import choose_median
from penjing.text.words import is_han

POLES = ["negative", "positive"]
STARS = ["1", "2", "3", "4", "5"]
LISTS = {"sst2": fit_lexicon, "chnsenticorp": fit_chinese_lexicon}
SHOWN = ("accuracy", "macro_f1", "auroc")


def measure(name: str, resamples: int) -> dict[str, Any]:
    """Returns the scores of a list on the test rows of its set, and the share of them that it says nothing of."""
    texts, labels = read_set(name, "train")
    asked, truth = read_set(name, "test")
    fitted = LISTS[name](texts, labels, [], [], POLES)
    assert fitted is not None
    shares = fitted.probabilities(asked)
    scores = classification_scores(np.array(truth), shares, POLES, resamples=resamples)["scores"]
    unrated = float(np.isclose(shares[:, 0], 0.5, rtol=0, atol=1e-12).mean())
    return {"rows": len(asked), "unrated": unrated, "scores": {score: scores[score] for score in SHOWN}}


def measure_stars(tables: Sequence[str], resamples: int) -> dict[str, Any]:
    """Returns the scores of each baseline of the task stars that is made for such texts, in the order of the task."""
    train, validation, (asked, truth) = map(_read_stars, tables)
    found = {}
    for name, fit in STAR_BASELINES.items():
        fitted = fit(*train, *validation, STARS)
        if fitted is not None:
            shares = fitted.probabilities(asked)
            found[name] = ordinal_scores(truth, shares, choose_median(shares), STARS, resamples)["scores"]
    return {"rows": len(asked), "scores": found}


def _read_stars(address: str) -> tuple[list[str], np.ndarray]:
    batches = list(read_rows(address, "text", "stars"))
    texts = [text for rows in batches for text in rows.texts]
    return texts, np.array([STARS.index(whole_number(label)) for rows in batches for label in rows.labels])


def show_stars(found: dict[str, Any]) -> None:
    """Prints a line for each baseline."""
    print(f"{found['rows']:,} rows")
    for name, scores in found["scores"].items():
        parts = (
            f"{score} {value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})"
            for score, value in scores.items()
        )
        print(f"{name}: {', '.join(parts)}")


def main() -> None:
    """Prints a line for each list."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--stars", nargs=3, metavar=("TRAIN", "VALIDATION", "TEST"))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if not (has_lexicon() and has_chinese_words()):
        parser.error("a list is not installed; the extra sentiment has both")
    if arguments.stars:
        stars = measure_stars(arguments.stars, arguments.resamples)
        print(json.dumps({**stars, "machine": describe_machine()}, indent=2)) if arguments.json else show_stars(stars)
        return
    points = load_chinese_words().points
    chinese = sum(all(map(is_han, word)) for word in points)
    measured = {name: measure(name, arguments.resamples) for name in LISTS}
    if arguments.json:
        print(
            json.dumps(
                {
                    "lists": measured,
                    "chinese_list": {"words": len(points), "chinese": chinese},
                    "machine": describe_machine(),
                },
                indent=2,
            )
        )
        return
    print(f"the Chinese list has {len(points):,} words, {chinese:,} of Chinese characters alone")
    for name, found in measured.items():
        parts = (
            f"{score} {100 * value['value']:.1f}% ({100 * value['low']:.1f} to {100 * value['high']:.1f})"
            for score, value in found["scores"].items()
        )
        print(f"{name}: {', '.join(parts)}; says nothing of {100 * found['unrated']:.1f}% of {found['rows']:,} rows")


if __name__ == "__main__":
    main()
