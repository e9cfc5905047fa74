"""The recipe topical-chat, beside BM25: a small decoder from scratch, or from a decoder of one's own.

python benchmarks/dialogue.py [--start DIR] [--epochs 4 …] [--dialogues N] [--set a.b=c …] [--out DIR] [--json]

Topical-Chat (Gopalakrishnan et al. 2019) is read from $PENJING_DATA/topical_chat; only its files valid_freq and
test_freq are there, so the model learns from those of valid_freq, of which a tenth chooses the best weights, and is
measured on test_freq. --start names the folder of a pretrained decoder whose tokenizer has spare tokens, such as
penjing run reviews-lm --set tokenizer.reserved=4 makes it; it learns at a quarter of the recipe's rate, with dropout.
Each number of epochs is a run of its own. With --out finished stages are not made again; with --dialogues only the
first so many of each file are taken.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
from pathlib import Path
from typing import Any

import commands
from penjing.machine import describe_machine
from shared_data import data_folder

RECIPE = "topical-chat"
STARTED = ("model.shape={}", "finetune.learning_rate=5e-4", "finetune.dropout=0.1")  # what has learned to write already


def copy_some(source: Path, target: Path, most: int) -> None:
    """Writes the first so many dialogues of a file."""
    with gzip.open(source, "rt", encoding="utf-8") as file:
        dialogues = list(json.load(file).items())[:most]
    target.write_text(json.dumps(dict(dialogues), ensure_ascii=False), encoding="utf-8")


def run(settings: list[str], out: Path) -> dict[str, Any]:
    """Returns minutes, scores and baselines of a run."""
    document = commands.run(RECIPE, settings, out)
    return {
        "minutes": commands.minutes(document),
        "training_minutes": commands.minutes(document, "finetune"),
        "peak_memory_mb": max(stage["peak_memory_mb"] for stage in document["stages"]),
        "scores": document["scores"],
        "baselines": document["baselines"],
        "predictions": document.get("predictions", []),
    }


def show(name: str, found: dict[str, Any]) -> None:
    """Prints a run."""
    print(f"epochs {name}: {found['minutes']} min ({found['training_minutes']} of training), ", end="")
    print(f"{found['peak_memory_mb']} MB")
    for who, scores in {"the model": found["scores"], **found["baselines"]}.items():
        parts = (
            f"{score} {part['value']:.3f} ({part['low']:.3f} to {part['high']:.3f})" for score, part in scores.items()
        )
        print(f"  {who}: {', '.join(parts)}")
    for item in found["predictions"]:
        print(f"  {item['text']} -> {item['written']}")


def main() -> None:
    """Runs what is asked for and prints it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", type=Path, help="folder of a pretrained decoder; default: from scratch")
    parser.add_argument("--epochs", type=float, nargs="*", default=[], help="default: those of the recipe")
    parser.add_argument("--dialogues", type=int, help="take only the first so many of each file")
    parser.add_argument("--set", action="append", default=[], metavar="a.b=c", help="further settings")
    parser.add_argument("--out", type=Path, help="keep the runs here")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    data = data_folder() / "topical_chat"
    with tempfile.TemporaryDirectory() as scratch:
        out = given.out or Path(scratch)
        out.mkdir(parents=True, exist_ok=True)
        files = {key: data / f"{name}.json.gz" for key, name in (("path", "valid_freq"), ("test", "test_freq"))}
        if given.dialogues:
            for key, file in files.items():
                files[key] = out / file.name.removesuffix(".gz")
                copy_some(file, files[key], given.dialogues)
        start = [f"model.start={given.start.resolve()}", *STARTED] if given.start else []
        of_data = [f"data.{key}={file.resolve()}" for key, file in files.items()]
        settings = [*of_data, *start, *given.set]
        asked = {f"{epochs:g}": [f"finetune.epochs={epochs:g}"] for epochs in given.epochs} or {"recipe": []}
        runs = {name: run([*settings, *more], out / f"epochs-{name}") for name, more in asked.items()}
    document = {"machine": describe_machine(), "runs": runs}
    if given.json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    print(document["machine"])
    for name, found in runs.items():
        show(name, found)


if __name__ == "__main__":
    main()
