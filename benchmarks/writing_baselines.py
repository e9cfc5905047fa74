"""What the baselines of translation and summarization score on public test sets, with 95% intervals.

Multi30k (English and German, test_2016_flickr) against its one reference; SciTLDR and DialogSum against the first of
several references, where published scores take the best of them or their mean. The training texts of DialogSum are not
at hand: the length of its summaries is taken from its development set. Data lie in ../shared/data or $PENJING_DATA.

python benchmarks/writing_baselines.py [--resamples 1000] [--seed 0] [--json]

About a minute on two cores. Needs the extra writing.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from collections.abc import Mapping
from typing import Any

from penjing.machine import describe_machine
from penjing.metrics.summary import summary_difference, summary_scores
from penjing.metrics.translation import translation_difference, translation_scores
from penjing.tasks.baselines import SUMMARY_BASELINES, TRANSLATION_BASELINES, FitWriting
from shared_data import data_folder

Pairs = tuple[list[str], list[str]]


def read_lines(name: str) -> list[str]:
    """Returns the lines of a packed file, or ends saying that it is missing."""
    file = data_folder() / f"{name}.gz"
    if not file.is_file():
        sys.exit(f"{file} is missing: this benchmark needs it, here or in $PENJING_DATA.")
    with gzip.open(file, "rt", encoding="utf-8", newline="\n") as lines:
        return [line.rstrip("\n") for line in lines]


def read_captions(split: str, source: str, target: str) -> Pairs:
    return read_lines(f"multi30k/{split}.{source}"), read_lines(f"multi30k/{split}.{target}")


def read_abstracts(split: str) -> Pairs:
    rows = [json.loads(line) for line in read_lines(f"scitldr/{split}.jsonl")]
    return [" ".join(row["source"]) for row in rows], [row["target"][0] for row in rows]


def read_dialogues(split: str, summary: str) -> Pairs:
    rows = [json.loads(line) for line in read_lines(f"dialogsum/{split}.jsonl")]
    return [row["dialogue"] for row in rows], [row[summary] for row in rows]


def write_all(baselines: Mapping[str, FitWriting], training: Pairs, sources: list[str]) -> dict[str, Any]:
    """Returns what each baseline writes, and how long that took, fitting included."""
    written = {}
    for name, fit in baselines.items():
        start = time.perf_counter()
        texts = fit(*training).write(sources)
        written[name] = {"texts": texts, "seconds": time.perf_counter() - start}
    return written


def translate(source: str, target: str, resamples: int, seed: int) -> dict[str, Any]:
    """Returns the scores of each baseline, and the second less the first."""
    sources, references = read_captions("test_2016_flickr", source, target)
    written = write_all(TRANSLATION_BASELINES, read_captions("train", source, target), sources)
    measured = {
        name: translation_scores(found["texts"], references, language=target, resamples=resamples, seed=seed)
        | {"seconds": found["seconds"]}
        for name, found in written.items()
    }
    first, second = (found["texts"] for found in written.values())
    gap = translation_difference(second, first, references, language=target, resamples=resamples, seed=seed)
    return {"baselines": measured, "difference": gap}


def summarize(training: Pairs, test: Pairs, resamples: int, seed: int) -> dict[str, Any]:
    """Returns the scores of each baseline, and the second less the first."""
    sources, references = test
    written = write_all(SUMMARY_BASELINES, training, sources)
    measured = {
        name: summary_scores(found["texts"], references, sources, resamples=resamples, seed=seed)
        | {"seconds": found["seconds"]}
        for name, found in written.items()
    }
    first, second = (found["texts"] for found in written.values())
    gap = summary_difference(second, first, references, sources, resamples=resamples, seed=seed)
    return {"baselines": measured, "difference": gap}


def print_table(title: str, found: dict[str, Any]) -> None:
    """Prints a line for each baseline and one for their difference."""
    first = next(iter(found["baselines"].values()))
    print(f"\n{title}: {first['rows']:,} rows; {' '.join(first['signature'].values())}")
    names = list(first["scores"])
    print(" " * 12 + "".join(f"{name:>25}" for name in names) + f"{'seconds':>10}")
    for name, measured in found["baselines"].items():
        print(f"{name:<12}" + "".join(map(cell, measured["scores"].values())) + f"{measured['seconds']:10.1f}")
    print(f"{'difference':<12}" + "".join(cell(found["difference"].get(name)) for name in names))


def cell(score: dict[str, float] | None) -> str:
    if score is None:
        return " " * 25
    digits = 1 if abs(score["value"]) > 1.0 else 3
    value, low, high = (f"{score[end]:.{digits}f}" for end in ("value", "low", "high"))
    return f"{f'{value} ({low} to {high})':>25}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    draw = {"resamples": given.resamples, "seed": given.seed}
    found: dict[str, Any] = {
        "multi30k en to de": translate("en", "de", **draw),
        "multi30k de to en": translate("de", "en", **draw),
        "scitldr": summarize(read_abstracts("train"), read_abstracts("test"), **draw),
        "dialogsum": summarize(read_dialogues("dev", "summary"), read_dialogues("test", "summary1"), **draw),
    }
    if given.json:
        print(json.dumps({"machine": describe_machine(), **found}, ensure_ascii=False, indent=1))
        return
    for title, measured in found.items():
        print_table(title, measured)


if __name__ == "__main__":
    main()
