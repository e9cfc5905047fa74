"""What answers are worth: accuracy after so many, where the texts to label are chosen, and where they are drawn.

The true labels of SST-2 (English) and ChnSentiCorp (Chinese) training rows answer. After 100, 200 and 400 answers the
model that chooses, logistic regression on TF-IDF and its leading directions, is measured on the development rows, by
five seeds.

python benchmarks/active_learning.py [--seeds 5] [--answers 100 200 400] [--json]

About ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from labelled_sets import SETS, read_set
from penjing.data.keys import normalized_keys
from penjing.data.labels.asking import BATCH, TextSpace, choose_batch, fit_answers, map_texts
from penjing.machine import describe_machine


def chosen_order(space: TextSpace, classes: np.ndarray, texts: np.ndarray, most: int, seed: int) -> Iterator[int]:
    """Yields texts as `penjing data label` asks for them, where every one is answered."""
    answers: dict[int, int] = {}
    while len(answers) < most:
        waiting = np.setdiff1d(texts, np.fromiter(answers, np.int64, len(answers)))
        for text in choose_batch(space, answers, waiting, seed).tolist():
            answers[text] = int(classes[text])
            yield text


def random_order(texts: np.ndarray, seed: int) -> Iterator[int]:
    """Yields texts in an order that is drawn."""
    yield from np.random.default_rng(seed).permutation(texts).tolist()


def accuracy(space: TextSpace, classes: np.ndarray, asked: list[int], dev: np.ndarray) -> float:
    """Returns the share of the development rows that a model of the answers gets right."""
    if len(set(classes[asked].tolist())) < 2:
        return float((classes[dev] == classes[asked[0]]).mean())
    model = fit_answers(space, {text: int(classes[text]) for text in asked})
    return float((model.predict(space.features[dev]) == classes[dev]).mean())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--answers", type=int, nargs="+", default=[100, 200, 400])
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found: dict[str, Any] = {"machine": describe_machine(), "batch": BATCH}
    for name in SETS:
        texts, classes = read_set(name, "train")
        dev_texts, dev_classes = read_set(name, "dev")
        _, first = np.unique(normalized_keys([*dev_texts, *texts]), return_index=True)
        pool = np.sort(first[first >= len(dev_texts)])  # different texts, none of which is measured on
        dev = np.arange(len(dev_texts))
        every = np.array([*dev_classes, *classes])
        scores: dict[str, dict[int, list[float]]] = {"chosen": {}, "random": {}}
        space = map_texts([*dev_texts, *texts], seed=0)
        assert space is not None
        for seed in range(given.seeds):
            most = max(given.answers)
            orders = {"chosen": chosen_order(space, every, pool, most, seed), "random": random_order(pool, seed)}
            for kind, order in orders.items():
                asked = [text for text, _ in zip(order, range(most), strict=False)]
                for count in given.answers:
                    scores[kind].setdefault(count, []).append(accuracy(space, every, asked[:count], dev))
        found[name] = {
            kind: {count: {"mean": float(np.mean(by)), "seeds": by} for count, by in counts.items()}
            for kind, counts in scores.items()
        }
        found[name]["all"] = accuracy(space, every, pool.tolist(), dev)
        if not given.json:
            print(name, json.dumps(found[name], indent=1))
    if given.json:
        print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
