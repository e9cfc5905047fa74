"""What test rows that also stand in the training rows are worth: TF-IDF and logistic regression, with and without them.

python benchmarks/leaked_rows.py [--json]

On ChnSentiCorp ($PENJING_DATA/chnsenticorp, or ../shared/data/chnsenticorp). Rows are the same if their letters and
digits are, as in Penjing; exact duplicates within the training rows stay in both cases.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np

from labelled_sets import read_set
from penjing.data.keys import normalize_text
from penjing.machine import describe_machine
from penjing.tasks.baselines.tfidf_logistic import fit_tfidf_logistic

Rows = list[tuple[str, int]]


def read_rows(split: str) -> Rows:
    """Returns texts and classes of a split."""
    return list(zip(*read_set("chnsenticorp", split), strict=True))


def without(rows: Rows, other: Rows) -> Rows:
    """Returns the rows whose text is not among the others."""
    known = {normalize_text(text) for text, _ in other}
    return [row for row in rows if normalize_text(row[0]) not in known]


def measure(train: Rows, validation: Rows, test: Rows) -> dict[str, Any]:
    """Returns how many rows there are, and the accuracy of the baseline."""
    (texts, labels), (chosen, truths), (asked, truth) = (zip(*rows, strict=True) for rows in (train, validation, test))
    fitted = fit_tfidf_logistic(texts, labels, chosen, truths, ["negative", "positive"])
    right = fitted.probabilities(asked).argmax(axis=1) == np.array(truth)
    return {"train": len(train), "test": len(test), "accuracy": float(right.mean())}


def main() -> None:
    """Prints a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    train, validation, test = (read_rows(split) for split in ("train", "dev", "test"))
    clean_validation = without(validation, test)
    found = {
        "as the files are": measure(train, validation, test),
        "without leaks": measure(without(train, validation + test), clean_validation, test),
    }
    leaked = len(test) - len(without(test, train))
    if arguments.json:
        print(json.dumps({"leaked_test_rows": leaked, "ways": found, "machine": describe_machine()}, indent=2))
        return
    print(f"{leaked} of {len(test)} test rows are also training rows")
    for way, figures in found.items():
        print(f"{way:18} {figures['train']:,} training rows, accuracy {figures['accuracy']:.4f}")


if __name__ == "__main__":
    main()
