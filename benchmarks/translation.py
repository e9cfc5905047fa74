"""The recipe multi30k-en-de, with so many epochs, or multi30k-de-en, the other direction.

python benchmarks/translation.py [--epochs 4 10 …] [--to en] [--set a.b=c …] [--out DIR] [--json]

Multi30k is read from $PENJING_DATA/multi30k (train, val and test_2016_flickr, each .en.gz and .de.gz). Each number of
epochs is a run of its own, with a whole schedule, for what a run is worth half-way says little. With --out finished
stages are not made again.
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

RECIPES = {"de": "multi30k-en-de", "en": "multi30k-de-en"}
SPLITS = {"path": "train", "validation": "val", "test": "test_2016_flickr"}


def data_settings(folder: Path, languages: tuple[str, str]) -> list[str]:
    """Returns settings that name the files of lines, in a direction."""
    lines = {key: [str(folder / f"{name}.{side}.gz") for side in languages] for key, name in SPLITS.items()}
    return ["data.text=text", "data.target=target", *(f"data.{key}={json.dumps(at)}" for key, at in lines.items())]


def run(recipe: str, settings: list[str], out: Path) -> dict[str, Any]:
    """Returns minutes, scores and baselines of a run."""
    document = commands.run(recipe, settings, out)
    return {
        "minutes": commands.minutes(document),
        "training_minutes": commands.minutes(document, "finetune"),
        "peak_memory_mb": max(stage["peak_memory_mb"] for stage in document["stages"]),
        "scores": document["scores"],
        "baselines": document["baselines"],
        "predictions": document.get("predictions", []),
    }


def main() -> None:
    """Runs what is asked for and prints it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=float, nargs="*", default=[], help="default: those of the recipe")
    parser.add_argument("--to", choices=("de", "en"), default="de", help="the language that is written")
    parser.add_argument("--set", action="append", default=[], metavar="a.b=c", help="further settings")
    parser.add_argument("--out", type=Path, help="keep the runs here")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    data = data_folder() / "multi30k"
    languages = ("en", "de") if given.to == "de" else ("de", "en")
    settings = [*data_settings(data, languages), *given.set]
    with tempfile.TemporaryDirectory() as scratch:
        out = given.out or Path(scratch)
        asked = {f"{epochs:g}": [f"finetune.epochs={epochs:g}"] for epochs in given.epochs} or {"recipe": []}
        runs = {
            name: run(RECIPES[given.to], [*settings, *more], out / f"{given.to}-{name}") for name, more in asked.items()
        }
    document = {"machine": describe_machine(), "to": given.to, "runs": runs}
    if given.json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    print(document["machine"])
    for name, found in runs.items():
        bleu, chrf = (found["scores"][score] for score in ("bleu", "chrf"))
        others = ", ".join(f"{other} {scores['bleu']['value']:.1f}" for other, scores in found["baselines"].items())
        print(
            f"epochs {name}: {found['minutes']} min ({found['training_minutes']} of training), "
            f"{found['peak_memory_mb']} MB; BLEU {bleu['value']:.1f} ({bleu['low']:.1f} to {bleu['high']:.1f}), "
            f"chrF {chrf['value']:.1f} ({chrf['low']:.1f} to {chrf['high']:.1f}); {others}"
        )
        for item in found["predictions"]:
            print(f"  {item['text']} -> {item['written']}")


if __name__ == "__main__":
    main()
