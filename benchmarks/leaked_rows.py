"""What test rows that also stand in the training rows are worth: TF-IDF and logistic regression, with and without them.

python benchmarks/leaked_rows.py [--recipe] [--set a.b=c …] [--seed N] [--out DIR] [--json]

On ChnSentiCorp ($PENJING_DATA/chnsenticorp, or ../shared/data/chnsenticorp). Rows are the same if their letters and
digits are, as in Penjing; exact duplicates within the training rows stay in both cases. With --recipe the recipe
chnsenticorp is trained both ways, too, without such duplicates: as it is, and without being told of the test file, so
that the training rows that also stand there are kept (those that stand in the validation file are not); half of the
validation rows choose the weights then, and the model is measured on the test file afterwards, by ``penjing evaluate``.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import commands
from labelled_sets import folder_of, read_set
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


def train_both_ways(settings: list[str], out: Path) -> dict[str, Any]:
    """Returns the scores, with intervals, of the recipe's model on the test file, trained without and with its rows."""
    folder = folder_of("chnsenticorp")
    corpus = f"corpus.path={folder / 'train.tsv'}"
    clean = commands.run("chnsenticorp", [f"data.path={folder}", corpus, *settings], out / "clean")
    # A run wants rows to be measured on: every second one of the validation file.
    header, *lines = (folder / "dev.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    out.mkdir(parents=True, exist_ok=True)
    for name, part in (("validation", lines[::2]), ("test", lines[1::2])):
        (out / f"{name}.tsv").write_text(header + "".join(part), encoding="utf-8")
    halves = [f"data.{name}={out / f'{name}.tsv'}" for name in ("validation", "test")]
    alone = [f"data.path={folder / 'train.tsv'}", corpus, *halves]
    commands.run("chnsenticorp", [*alone, *settings], out / "leaked")
    leaked = commands.ask("evaluate", str(out / "leaked" / "model"), str(folder / "test.tsv"), "--text", "text_a")
    return {"without leaks": clean["scores"], "with leaks": leaked["scores"]}


def main() -> None:
    """Prints a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", action="store_true", help="train the recipe chnsenticorp both ways, too")
    parser.add_argument("--set", action="append", default=[], metavar="a.b=c", help="settings of the recipe")
    parser.add_argument("--seed", type=int, default=0, help="of the recipe")
    parser.add_argument("--out", type=Path, help="keep the runs here")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    train, validation, test = (read_rows(split) for split in ("train", "dev", "test"))
    clean_validation = without(validation, test)
    found = {
        "as the files are": measure(train, validation, test),
        "without leaks": measure(without(train, validation + test), clean_validation, test),
    }
    leaked = len(test) - len(without(test, train))
    models = {}
    if arguments.recipe:
        with tempfile.TemporaryDirectory() as folder:
            models = train_both_ways([*arguments.set, f"seed={arguments.seed}"], arguments.out or Path(folder))
    if arguments.json:
        document = {"leaked_test_rows": leaked, "ways": found, "recipe": models, "machine": describe_machine()}
        print(json.dumps(document, indent=2))
        return
    print(f"{leaked} of {len(test)} test rows are also training rows")
    for way, figures in found.items():
        print(f"{way:18} {figures['train']:,} training rows, accuracy {figures['accuracy']:.4f}")
    for way, scores in models.items():
        value, low, high = (scores["accuracy"][part] for part in ("value", "low", "high"))
        print(f"the recipe {way:15} accuracy {value:.4f} ({low:.4f} to {high:.4f})")


if __name__ == "__main__":
    main()
