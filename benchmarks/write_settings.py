"""What [write] changes in the summaries of a finished model: ROUGE on rows to choose by.

python benchmarks/write_settings.py MODEL [--sizes 0 3] [--penalties 1 1.5 2 2.5] [--split dev] [--json]

MODEL is a folder that `penjing run scitldr`, `dialogsum` or summaries.py left; sizes are those of no_repeat_ngram_size,
penalties those of length_penalty. The rows are those of SciTLDR's dev, read from $PENJING_DATA/scitldr; with --split
validation those that the run itself chose its weights by.
"""

from __future__ import annotations

import argparse
import gzip
import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import penjing
from penjing.data.reading import read_pairs
from penjing.machine import describe_machine
from penjing.tasks.summarize import score_summaries
from shared_data import data_folder


def read_rows(split: str) -> tuple[list[str], list[list[str]]]:
    """Returns the abstracts of a split, and the summaries of each that will all do."""
    path = data_folder() / "scitldr" / f"{split}.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [" ".join(row["source"]) for row in rows], [row["target"] for row in rows]


def read_validation(run: Path) -> tuple[list[str], list[list[str]]]:
    """Returns the texts of a run's validation rows, and what each is answered with."""
    rows = read_pairs(next((run / "stages").glob("data-*")), "validation")
    return rows.texts, rows.references


def main() -> None:
    """Writes the summaries of a split in each of the ways, and prints their scores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[0, 3])
    parser.add_argument("--penalties", type=float, nargs="+", default=[1.0, 1.5, 2.0, 2.5])
    parser.add_argument("--split", choices=["dev", "test", "validation"], default="dev")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    model: Any = penjing.load(given.model)
    texts, references = (
        read_validation(given.model.resolve().parent) if given.split == "validation" else read_rows(given.split)
    )
    found = []
    for size, penalty in product(given.sizes, given.penalties):
        settings = replace(model.settings, no_repeat_ngram_size=size, length_penalty=penalty)
        written = [answer.written for answer in model.write(texts, settings)]
        scores = score_summaries(written, references, texts, resamples=200, seed=0)["scores"]
        found.append({"no_repeat_ngram_size": size, "length_penalty": penalty, "scores": scores})
        if not given.json:
            shown = "  ".join(f"{name} {100 * scores[name]['value']:.1f}" for name in ("rouge1", "rouge2", "rougeL"))
            print(
                f"no_repeat_ngram_size {size}  length_penalty {penalty:3}  {shown}  "
                f"{scores['length']['value']:.1f} words",
                flush=True,
            )
    if given.json:
        print(json.dumps({"machine": describe_machine(), "split": given.split, "found": found}, indent=2))


if __name__ == "__main__":
    main()
