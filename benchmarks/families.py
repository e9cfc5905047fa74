"""What a small model of each family learns from film reviews in the same minutes: bits per byte, and BLiMP.

`penjing run reviews-lm` with another family and objective, over as many tokens as `penjing plan` says that fit into the
minutes. Then `penjing evaluate` asks the minimal pairs of BLiMP: by log-probability, of a bert and a t5, which guess
from both sides, by pseudo-log-likelihood, whose numbers compare only with each other.

python benchmarks/families.py [--blimp PATH] [--minutes 60] [--families llama …] [--epochs N] [--pairs-per-set N]
    [--out runs/families] [--json]

With --epochs every family reads as many tokens, whatever that takes: so "lstm" and "lstm, closed" say what it is worth
that no token sees another document, and "t5" and "t5, closed". Without --blimp minimal pairs are not asked.

Runs that are done in the folder are not done again. Needs the extra quickstart.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from commands import ask, run, set_arguments
from penjing.machine import describe_machine

#: How each family is pretrained, besides what the recipe reviews-lm says.
FAMILIES: dict[str, tuple[str, ...]] = {
    "llama": (),
    "llama, Muon": ("pretrain.optimizer=muon",),
    "lstm": ("model.family=lstm",),
    "lstm, closed": ("model.family=lstm", "pretrain.borders=closed"),
    "bert": ("model.family=bert", "pretrain.objective=masked"),
    "t5": ("model.family=t5", "pretrain.objective=span"),
    "t5, closed": ("model.family=t5", "pretrain.objective=span", "pretrain.borders=closed"),
}


def train(settings: tuple[str, ...], minutes: float, epochs_wanted: float | None, out: Path) -> dict[str, Any]:
    """Pretrains for the minutes, or so many epochs; returns what the run printed."""
    chosen = [*settings, "report.examples=[]"]
    if epochs_wanted is not None:
        return run("reviews-lm", [*chosen, f"pretrain.epochs={epochs_wanted:g}"], out)
    remembered = out.with_suffix(".epochs")  # a plan's seconds differ each time, and the run would be another one
    if not remembered.exists():
        plan = ask("plan", "reviews-lm", *set_arguments(chosen), "--out", str(out))
        (seconds,) = (stage["seconds"] for stage in plan["stages"] if stage["name"] == "pretrain")
        remembered.parent.mkdir(parents=True, exist_ok=True)
        remembered.write_text(f"{60 * minutes / seconds:.3f}", encoding="ascii")
    epochs = remembered.read_text(encoding="ascii")
    return run("reviews-lm", [*chosen, f"pretrain.epochs={epochs}"], out)


def measure(family: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Trains a family and measures it."""
    length = f"{arguments.minutes:g}" if arguments.epochs is None else f"{arguments.epochs:g}-epochs"
    out = arguments.out / f"{family.replace(', ', '-').lower()}-{length}"
    run = train(FAMILIES[family], arguments.minutes, arguments.epochs, out)
    few = ["--pairs-per-set", str(arguments.pairs_per_set)] if arguments.pairs_per_set else []
    blimp = ask("evaluate", str(out / "model"), str(arguments.blimp), *few) if arguments.blimp else None
    return {"family": family, "run": run, "blimp": blimp}


def show(row: dict[str, Any]) -> str:
    """Returns a family's figures as a line."""
    (bits_name,) = (name for name in row["run"]["scores"] if name.endswith("bits_per_byte"))
    bits, blimp = row["run"]["scores"][bits_name], row["blimp"]
    (seconds,) = (stage["seconds"] for stage in row["run"]["stages"] if stage["name"] == "pretrain")
    line = (
        f"{row['family']:12} {seconds / 60:5.1f} min  {bits['value']:.3f} {bits_name} "
        f"({bits['low']:.3f}-{bits['high']:.3f})"
    )
    if blimp is None:
        return line
    accuracy = "{value:.1%} ({low:.1%}-{high:.1%})".format(**blimp["accuracy"])
    return f"{line}  BLiMP {accuracy}, {blimp['pairs']:,} pairs"


def main() -> None:
    """Prints a line for each family."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blimp", type=Path, help="blimp.zip")
    usual = [name for name in FAMILIES if not name.endswith("closed")]
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--families", nargs="+", choices=list(FAMILIES), default=usual)
    parser.add_argument("--epochs", type=float, help="passes over the corpus, in place of what fits into the minutes")
    parser.add_argument("--pairs-per-set", type=int)
    parser.add_argument("--out", type=Path, default=Path("runs/families"))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = []
    for family in arguments.families:
        rows.append(measure(family, arguments))
        print(show(rows[-1]), file=sys.stderr if arguments.json else sys.stdout, flush=True)
    if arguments.json:
        print(json.dumps({"families": rows, "machine": describe_machine()}, indent=2))


if __name__ == "__main__":
    main()
