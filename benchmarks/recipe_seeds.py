"""A recipe under several seeds, beside the baseline on the same rows; and variants of it, to see what helps.

python benchmarks/recipe_seeds.py RECIPE [--seeds 3] [--out DIR] [--set a.b=c …] [--variant "a.b=c d.e=f" …] [--json]

Every variant is the recipe with further settings. With --out the runs share their folder, so that what a variant does
not change (vectors, pretraining) is made once for each seed; what is there already is not made again. The recipes on
SST-2 take their rows from $PENJING_DATA/sst2 where that variable is set.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import commands
from penjing.machine import describe_machine

BASELINE = "tfidf-logistic"
Figures = dict[str, float]


def run_seed(recipe: str, seed: int, settings: list[str], out: Path) -> Figures:
    """Returns accuracy, loss and calibration error of the model, accuracy of the baseline, and the seconds.

    Where n-grams stand beside the network, their share, and accuracy and loss without them, too.
    """
    document = commands.run(recipe, [*settings, f"seed={seed}"], out)
    return {
        "accuracy": document["scores"]["accuracy"]["value"],
        "loss": document["scores"]["loss"]["value"],
        **_beside(document),
        BASELINE: document["baselines"][BASELINE]["accuracy"]["value"],
        "ece": document["scores"]["ece"]["value"],
        "seconds": sum(stage["seconds"] for stage in document["stages"]),
    }


def _beside(document: dict[str, Any]) -> Figures:
    """Returns what a run tells of the n-grams beside its network; nothing where there are none."""
    if "alone" not in document:
        return {}
    alone = {f"{name} alone": document["alone"][name]["value"] for name in ("accuracy", "loss")}
    return {**alone, "share": document["ngrams"]["share"]}


def run_variant(recipe: str, seeds: int, settings: list[str], out: Path) -> list[Figures]:
    """Returns the figures of each seed, and prints them as they come."""
    runs = []
    for seed in range(seeds):
        runs.append(run_seed(recipe, seed, settings, out / f"seed-{seed}"))
        print(f"  seed {seed}  " + _line(runs[-1]), file=sys.stderr, flush=True)
    return runs


def summarize(runs: list[Figures]) -> dict[str, Any]:
    """Returns the mean of each figure, and the spread of the accuracies (sample standard deviation)."""
    accuracies = [run["accuracy"] for run in runs]
    shared = [name for name in runs[0] if all(name in run for run in runs)]
    means = {name: statistics.mean(run[name] for run in runs) for name in shared}
    spread = statistics.stdev(accuracies) if len(runs) > 1 else 0.0
    return {"means": means, "spread": spread, "lowest": min(accuracies), "highest": max(accuracies), "runs": runs}


def _line(figures: Figures) -> str:
    return "  ".join(
        f"{name} {value:.1f}" if name == "seconds" else f"{name} {value:.4f}" for name, value in figures.items()
    )


def main() -> None:
    """Prints a line a seed on standard error, and one a variant on standard output."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", metavar="RECIPE")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--variant", action="append", default=[], dest="variants")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for variant in arguments.variants or [""]:
            name = variant or "as it is"
            print(f"{arguments.recipe}, {name}", file=sys.stderr, flush=True)
            settings = [*arguments.settings, *variant.split()]
            found[name] = summarize(
                run_variant(arguments.recipe, arguments.seeds, settings, arguments.out or Path(folder))
            )
            if not arguments.json:
                means, spread = _line(found[name]["means"]), found[name]["spread"]
                print(
                    f"{arguments.recipe}, {name}: mean of {arguments.seeds}: {means}, spread {spread:.4f}", flush=True
                )
    if arguments.json:
        print(json.dumps({"recipe": arguments.recipe, "variants": found, "machine": describe_machine()}, indent=2))


if __name__ == "__main__":
    main()
