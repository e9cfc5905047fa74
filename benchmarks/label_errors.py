"""How many planted label errors are found, and how many of the rows that are suspected are planted ones.

A share of the labels of SST-2 (English) and ChnSentiCorp (Chinese) training rows is flipped, drawn evenly, by three
seeds. A row that is suspected and was not planted counts against the finder, though real labels have errors too.
Texts that differ in form only keep one label, or the planted ones would contradict their twins.

python benchmarks/label_errors.py [--share 0.05] [--seeds 3] [--worst 5] [--json]

About two minutes on two cores. Needs the extra labels.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np

from labelled_sets import SETS, read_set
from penjing.data.keys import normalized_keys
from penjing.data.labels.label_errors import doubt_labels
from penjing.machine import describe_machine


def distinct(texts: list[str], classes: list[int]) -> tuple[list[str], np.ndarray]:
    """Returns the first text of each normalized form, with its class."""
    _, first = np.unique(normalized_keys(texts), return_index=True)
    first.sort()
    return [texts[row] for row in first], np.array(classes)[first]


def measure(texts: list[str], classes: np.ndarray, share: float, seed: int) -> dict[str, float]:
    """Returns precision and recall of what is suspected, and precision among as many first ones as are planted."""
    draw = np.random.default_rng(seed)
    planted = np.zeros(len(texts), dtype=bool)
    planted[draw.choice(len(texts), round(share * len(texts)), replace=False)] = True
    start = time.perf_counter()
    doubts = doubt_labels(texts, np.where(planted, 1 - classes, classes), 2)
    assert doubts is not None
    hits = planted[doubts.suspects]
    count = int(planted.sum())
    return {
        "rows": len(texts),
        "planted": count,
        "suspected": len(hits),
        "precision": float(hits.mean()),
        "recall": float(hits.sum() / count),
        "precision_of_first_100": float(hits[:100].mean()),
        "precision_of_first_planted": float(hits[:count].mean()),
        "accuracy": float((doubts.probabilities.argmax(axis=1) == classes).mean()),
        "seconds": time.perf_counter() - start,
    }


def find_worst(texts: list[str], classes: np.ndarray, worst: int) -> dict[str, Any]:
    """Returns how many of the real labels are suspected, and the first ones."""
    doubts = doubt_labels(texts, classes, 2)
    assert doubts is not None
    first = doubts.suspects[:worst].tolist()
    rows = [
        {"text": texts[row], "label": int(classes[row]), "chance": float(doubts.probabilities[row, classes[row]])}
        for row in first
    ]
    return {"suspected": len(doubts.suspects), "share": len(doubts.suspects) / len(texts), "worst": rows}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--worst", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found: dict[str, Any] = {"machine": describe_machine(), "share": given.share}
    for name in SETS:
        texts, classes = distinct(*read_set(name, "train"))
        runs = [measure(texts, classes, given.share, seed) for seed in range(given.seeds)]
        found[name] = {
            "planted": {key: float(np.mean([run[key] for run in runs])) for key in runs[0]},
            "spread": {key: float(np.ptp([run[key] for run in runs])) for key in ("precision", "recall")},
            "real": find_worst(texts, classes, given.worst),
        }
        if not given.json:
            print(name, json.dumps(found[name], ensure_ascii=False, indent=1))
    if given.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
