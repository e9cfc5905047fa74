"""The recipes scitldr and dialogsum, which practice on pairs made of texts before they learn from summaries.

python benchmarks/summaries.py [--recipe dialogsum] [--set a.b=c …] [--out DIR] [--json]

SciTLDR is read from $PENJING_DATA/scitldr, DialogSum from $PENJING_DATA/dialogsum (dev.jsonl.gz and test.jsonl.gz).
--set practice=none leaves the practice out; --set 'model.family="llama"' and a model.shape train a decoder instead.
With --out finished stages are not made again, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import commands
from penjing.machine import describe_machine
from shared_data import data_folder

RECIPES = ("scitldr", "dialogsum")


def data_settings(recipe: str, data: Path) -> list[str]:
    """Returns the settings by which a recipe reads its copy."""
    if recipe == "scitldr":
        return [f"data.path={data / 'scitldr'}"]
    return [
        f"data.{key}={data / 'dialogsum' / f'{name}.jsonl.gz'}" for key, name in (("path", "dev"), ("test", "test"))
    ]


def show(name: str, scores: dict[str, Any]) -> None:
    """Prints ROUGE with its intervals, and length and copied share."""
    parts = (
        f"{score} {100 * found['value']:.1f} ({100 * found['low']:.1f} to {100 * found['high']:.1f})"
        for score, found in scores.items()
        if score.startswith("rouge")
    )
    others = (f"{score} {scores[score]['value']:.3g}" for score in ("length", "coverage"))
    print(f"  {name}: {', '.join([*parts, *others])}")


def main() -> None:
    """Runs what is asked for and prints it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", choices=RECIPES, default=RECIPES[0])
    parser.add_argument("--set", action="append", default=[], metavar="a.b=c", help="further settings")
    parser.add_argument("--out", type=Path, help="keep the run here")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    settings = [*data_settings(given.recipe, data_folder()), *given.set]
    with tempfile.TemporaryDirectory() as scratch:
        run = commands.run(given.recipe, settings, given.out or Path(scratch))
    if given.json:
        print(json.dumps({"machine": describe_machine(), "run": run}, indent=2, ensure_ascii=False))
        return
    print(describe_machine())
    practice = [stage["name"] for stage in run["stages"] if stage["name"].startswith("practice")]
    print(f"{commands.minutes(run)} min, {commands.minutes(run, *practice)} of practice")
    for name, scores in (("the model", run["scores"]), *run["baselines"].items()):
        show(name, scores)


if __name__ == "__main__":
    main()
