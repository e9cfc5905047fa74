"""The quickstart under several seeds, each with its own split, beside the baseline on the same rows.

python benchmarks/quickstart_seeds.py [--seeds 3] [--set a.b=c …] [--json]
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

from penjing.machine import describe_machine

BASELINE = "tfidf-logistic"


def run_seed(seed: int, settings: list[str], out: Path) -> dict[str, float]:
    """Returns accuracy and calibration error of the model, accuracy of the baseline, and the seconds."""
    changes = [part for setting in (*settings, f"seed={seed}") for part in ("--set", setting)]
    command = [sys.executable, "-m", "penjing", "quickstart", *changes, "--out", str(out), "--json"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    document: dict[str, Any] = json.loads(done.stdout)
    return {
        "accuracy": document["scores"]["accuracy"]["value"],
        BASELINE: document["baselines"][BASELINE]["accuracy"]["value"],
        "ece": document["scores"]["ece"]["value"],
        "seconds": document["seconds"],
    }


def main() -> None:
    """Prints a line a seed, and the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    runs = []
    for seed in range(arguments.seeds):
        with tempfile.TemporaryDirectory() as folder:
            runs.append(run_seed(seed, arguments.settings, Path(folder)))
    means = {name: statistics.mean(run[name] for run in runs) for name in runs[0]}
    if arguments.json:
        print(json.dumps({"runs": runs, "means": means, "machine": describe_machine()}, indent=2))
        return
    for name, figures in [*((f"seed {seed}", run) for seed, run in enumerate(runs)), ("mean", means)]:
        print(f"{name:8}" + "  ".join(f"{key} {value:.3f}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
