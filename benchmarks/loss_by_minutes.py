"""A table of loss against minutes, from the history of a run: what to plan with.

python benchmarks/loss_by_minutes.py RUN [--json]

RUN is the folder of a run (``runs/NAME``). Minutes are those of training, with evaluations and checkpoints.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from penjing.train.history import HISTORY, read_history


def read_curve(run: Path) -> list[dict[str, float]]:
    """Returns minutes, tokens and validation loss at each evaluation of the pretraining, in order."""
    (file,) = run.glob(f"stages/pretrain-*/{HISTORY}")
    seconds, rows = 0.0, []
    for record in read_history(file):
        seconds = record.get("seconds", seconds)
        if "validation_loss" in record:
            loss = record["validation_loss"]
            rows.append({"minutes": round(seconds / 60, 1), "tokens": record["tokens"], "validation_loss": loss})
    return rows


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    curve = read_curve(arguments.run)
    if arguments.json:
        print(json.dumps(curve, indent=2))
        return
    for row in curve:
        print(f"{row['minutes']:8.1f} min  {row['tokens']:12,} tokens  validation loss {row['validation_loss']:.3f}")


if __name__ == "__main__":
    main()
