"""SST-2 with a few labelled sentences of each class: by contrast, by a head alone, and all weights fine-tuned.

python benchmarks/few_examples.py [--per-class 16] [--draws 5] [--only LINE …] [--out DIR] [--json]
python benchmarks/few_examples.py --choose [--draws 2] [--variant "learning_rate=1e-4 contrastive.steps=20" …]

Each line is the recipe sst2-few, with its [finetune] section as it is or another in its place; a draw is a seed, which
decides the sentences and all else. Printed are the mean of the accuracies on the test rows and their spread, each of
them, that of TF-IDF with logistic regression on the same rows, and the seconds of fine-tuning. Lines that end in -bare
are without the texts of the recipe that say what a label means: they have the labelled sentences alone.

With --choose nothing touches validation or test rows: the training rows are divided by a fixed seed into 1,000 to
measure on and a part to draw from, and lines or variants of [finetune] are compared there.

Data: $PENJING_DATA/sst2, with train.tsv and test.tsv. With --out what is there already is not made again.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from penjing.machine import describe_machine
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_file import check_recipe, shipped_recipes
from penjing.pipeline.run import run_recipe
from penjing.progress import Silent
from shared_data import data_folder

BASELINE = "tfidf-logistic"
APART, SEED = 1000, 20221

# What stands in the place of the recipe's [finetune]; None: as it is. All weights: about 60 steps of 8 rows.
WAYS: dict[str, dict[str, Any] | None] = {
    "contrast": None,
    "head": {"head": {}},
    "all-weights": {"learning_rate": 1e-4, "warmup": 0.1, "batch_rows": 8, "epochs": 15},
}
BARE = "-bare"  # without the recipe's texts that say what a label means
LINES = {f"{way}{end}": finetune for end in ("", BARE) for way, finetune in WAYS.items()}


def make_recipe(name: str, finetune: dict[str, Any] | None, data: dict[str, Any], seed: int) -> Recipe:
    """Returns the shipped recipe with the [finetune] of a line, further entries of [data], and a seed."""
    document = tomllib.loads(shipped_recipes()["sst2-few"].read_text(encoding="utf-8"))
    document |= {"seed": seed, "data": document["data"] | data}
    if name.endswith(BARE):
        del document["data"]["described"]
    document["finetune"] = document["finetune"] if finetune is None else finetune
    return check_recipe(document, "sst2-few")


def run_draw(recipe: Recipe, out: Path) -> dict[str, float]:
    """Runs a recipe; returns the accuracy of model and baseline, and the seconds of fine-tuning."""
    result = run_recipe(recipe, out, Silent(), ["benchmarks/few_examples.py"])
    return {
        "accuracy": result.evaluation["scores"]["accuracy"]["value"],
        BASELINE: result.evaluation["baselines"][BASELINE]["scores"]["accuracy"]["value"],
        "seconds": result.artifacts["finetune"].record["seconds"],
    }


def set_apart(train: Path, folder: Path) -> dict[str, str]:
    """Divides the training rows into a part to draw from and one to measure on, and returns where they are."""
    rows = train.read_text(encoding="utf-8").splitlines()
    random.Random(SEED).shuffle(rows)
    parts = {"path": rows[APART:], "test": rows[:APART]}
    for name, part in parts.items():
        (folder / f"{name}.tsv").write_text("".join(f"{row}\n" for row in part), encoding="utf-8")
    return {name: str(folder / f"{name}.tsv") for name in parts}


def vary(variant: str) -> dict[str, Any]:
    """Returns the [finetune] that a variant such as "learning_rate=5e-5 contrastive.steps=20" names."""
    section: dict[str, Any] = {}
    for setting in variant.split():
        key, _, value = setting.partition("=")
        *outer, last = key.split(".")
        place = section
        for name in outer:
            place = place.setdefault(name, {})
        place[last] = tomllib.loads(f"value = {value}")["value"]
    return section


def compare(
    lines: dict[str, dict[str, Any] | None], data: dict[str, Any], draws: int, out: Path
) -> dict[str, dict[str, Any]]:
    """Runs every line with every draw; prints a line for each as it is done."""
    found = {}
    for place, (name, finetune) in enumerate(lines.items()):
        runs = []
        for seed in range(draws):
            folder = out / f"{seed}-{name.replace(' ', '_').replace(',', '')}"
            runs.append(run_draw(make_recipe(name, finetune, data, seed), folder))
            print(f"  {name}, draw {seed}: {runs[-1]}", file=sys.stderr, flush=True)
        accuracies = [run["accuracy"] for run in runs]
        spread = statistics.stdev(accuracies) if draws > 1 else 0.0
        found[name] = {"mean": statistics.mean(accuracies), "spread": spread, "runs": runs}
        if not place:
            print("mean ± spread; each draw; TF-IDF on the same rows; seconds of fine-tuning")
        beside, seconds = (statistics.mean(run[key] for run in runs) for key in (BASELINE, "seconds"))
        each = ", ".join(f"{100 * accuracy:.1f}" for accuracy in accuracies)
        print(
            f"{name}: {found[name]['mean']:.1%} ± {100 * spread:.1f}; {each}; {beside:.1%}; {seconds:.0f} s", flush=True
        )
    return found


def main() -> None:
    """Prints a line for each way to adapt."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-class", type=int, default=16)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=[*LINES], default=[*LINES])
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--variant", action="append", default=[], dest="variants")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    folder = data_folder() / "sst2"
    lines = {name: LINES[name] for name in arguments.only}
    if arguments.variants:
        lines = {variant: vary(variant) for variant in arguments.variants}
    with tempfile.TemporaryDirectory() as scratch:
        data: dict[str, Any] = {"path": str(folder), "per_class": arguments.per_class}
        if arguments.choose:
            data |= set_apart(folder / "train.tsv", Path(scratch))
        found = compare(lines, data, arguments.draws, arguments.out or Path(scratch))
    if arguments.json:
        document = {"per_class": arguments.per_class, "apart": arguments.choose, "lines": found}
        print(json.dumps({**document, "machine": describe_machine()}, indent=2))


if __name__ == "__main__":
    main()
