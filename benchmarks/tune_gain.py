"""What a search is worth: a recipe as it is and with the settings that penjing tune finds, under several seeds.

python benchmarks/tune_gain.py RECIPE [--seeds 3] [--trials 20] [--out DIR] [--set a.b=c …] [--json]

For each seed, the test accuracy of the recipe and of the best trial, the best trial's validation accuracy, how many
trials ended early, and the seconds of all trials. The recipes on SST-2 take their rows from $PENJING_DATA/sst2 where
that variable is set. With --out a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

import commands
from penjing.machine import describe_machine

Figures = dict[str, float]


def compare(recipe: str, seed: int, trials: int, settings: list[str], out: Path) -> Figures:
    """Returns the figures of one seed."""
    settings = [*settings, f"seed={seed}"]
    changes = commands.set_arguments(settings)
    plain = commands.run(recipe, settings, out / "plain")
    tuned = commands.ask("tune", recipe, *changes, "--out", str(out / "tuned"), "--trials", str(trials))
    return {
        "as_it_is": plain["scores"]["accuracy"]["value"],
        "tuned": tuned["scores"]["accuracy"]["value"],
        "validation_of_best": tuned["best"]["score"],
        "ended_early": tuned["counts"]["pruned"],
        "failed": tuned["counts"]["failed"],
        "seconds": tuned["trial_seconds"],
    }


def main() -> None:
    """Prints a line a seed, and the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", metavar="RECIPE")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    runs: list[Figures] = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(arguments.seeds):
            place = (arguments.out or Path(folder)) / f"seed-{seed}"
            runs.append(compare(arguments.recipe, seed, arguments.trials, arguments.settings, place))
            print(f"seed {seed}  {_line(runs[-1])}", file=sys.stderr, flush=True)
    means = {name: statistics.mean(run[name] for run in runs) for name in runs[0]}
    if arguments.json:
        found = {"recipe": arguments.recipe, "trials": arguments.trials, "means": means, "runs": runs}
        print(json.dumps({**found, "machine": describe_machine()}, indent=2))
    else:
        print(f"{arguments.recipe}, mean of {arguments.seeds} seeds, {arguments.trials} trials: {_line(means)}")


def _line(figures: Figures) -> str:
    return "  ".join(
        f"{name} {value:.1f}" if value > 1 or not value else f"{name} {value:.4f}" for name, value in figures.items()
    )


if __name__ == "__main__":
    main()
