"""What training needs in memory: which decoder fits into how much, and that a larger corpus does not need more.

Two tables. The first looks for the largest decoder of the dial (``[model] size`` as a number of layers, AdamW, 16 rows
of 256 tokens) that trains in 4, 8 and 16 GB, with and without ``recompute``, by halving the range of depths. The second
trains the same small decoder from shards as 10 MB, 100 MB and 1 GB of text make them. Each measurement is a process of
its own that takes a few real steps with Penjing's trainer and writes its checkpoint; memory is the largest resident
memory of the process, Python and PyTorch included; "own" leaves out the pages of the shard that happen to lie in
memory, which the system takes back when it needs them.

python benchmarks/memory.py [--budgets 4 8 16] [--depths 4 6 …] [--megabytes 10 100 1000] [--json]

Needs 10 GB of disk for a while, and twenty minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
from bisect import bisect_left
from pathlib import Path
from typing import Any

import numpy as np

from penjing.machine import describe_machine, peak_memory_mb
from penjing.models.interface import count_parameters
from penjing.pipeline.dial import vocabulary_of
from penjing.progress import Silent
from penjing.registry import load_registered
from penjing.text.shards import TokenShard
from penjing.train.batches import WindowBatches
from penjing.train.job import TrainingJob
from penjing.train.objectives.causal import CausalObjective
from penjing.train.settings import PretrainSettings
from penjing.train.trainer import Trainer

WINDOW, BATCH_TOKENS = 256, 4096
BYTES_A_TOKEN = 4  # about what English text takes with 8,192 entries
FEW, MANY = 2, 100  # steps; AdamW has its moments from the first one on
DEPTHS = [4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28]


def train(depth: int, vocabulary: int, tokens: np.ndarray[Any, Any], steps: int, *, recompute: bool) -> dict[str, Any]:
    """Takes some steps; returns the parameters and the memory they needed."""
    architecture = load_registered("models", "llama")
    shape = {**architecture.shape_of_depth(depth), "vocab_size": vocabulary, "max_position_embeddings": WINDOW}
    config = architecture.config_from_dict(shape)
    network = architecture.language_model(config)
    architecture.initialize(network, config, 0)
    shard = TokenShard(tokens, np.array([0, len(tokens)]), np.empty(0, dtype=np.int64), "", 0, 0, 0)
    batches = WindowBatches(shard, WINDOW, BATCH_TOKENS, 0)
    settings = PretrainSettings(
        objective="causal",
        epochs=(steps - 0.5) / len(batches.plan(0)),
        recompute=recompute,
        compile="off",
        evaluations=1,
        checkpoint_every_s=1e9,
    )
    job = TrainingJob("memory", network, CausalObjective(), batches, None, settings, 1e-4, 0)
    with tempfile.TemporaryDirectory() as folder:
        result = Trainer(job, Path(folder), Silent()).run()
    return {
        "depth": depth,
        "recompute": recompute,
        "parameters": count_parameters(network),
        "steps": result.steps,
        "peak_memory_mb": peak_memory_mb(),
        "own_memory_mb": peak_memory_mb() - _file_memory_mb(),
        "tokens_per_second": round(result.tokens / result.seconds),
    }


def _file_memory_mb() -> int:
    """Returns how much of files lies in this process's memory now."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("RssFile:"):
            return round(int(line.split()[1]) * 1024 / 10**6)
    return 0


def one(arguments: argparse.Namespace) -> dict[str, Any]:
    """Does one measurement."""
    if arguments.shard:
        tokens = np.asarray(np.memmap(arguments.shard, dtype=np.uint16, mode="r"))
        return train(arguments.depth, 8192, tokens, MANY, recompute=False)
    vocabulary = vocabulary_of(arguments.depth)
    drawn = np.random.default_rng(0).integers(5, vocabulary, FEW * BATCH_TOKENS).astype(np.uint32)
    return train(arguments.depth, vocabulary, drawn, FEW, recompute=arguments.recompute)


def measure(*options: str) -> dict[str, Any] | None:
    """Runs one measurement in a process of its own; None where the system killed it, for it has not so much memory."""
    done = subprocess.run([sys.executable, __file__, "--one", *options], stdout=subprocess.PIPE, text=True)
    if done.returncode == -signal.SIGKILL:
        return None
    done.check_returncode()
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def find_largest(depths: list[int], budgets: list[float], *, recompute: bool) -> dict[float, dict[str, Any] | None]:
    """Returns for each budget, in GB, the deepest decoder that trains in it; None where none does."""
    measured: dict[int, dict[str, Any] | None] = {}

    def needs_more(depth: int, budget: float) -> bool:
        if depth not in measured:
            measured[depth] = measure("--depth", str(depth), *(["--recompute"] if recompute else []))
            found = measured[depth]
            said = f"depth {depth:2}  more than there is" if found is None else show_size(found)
            print(said, file=sys.stderr, flush=True)
        found = measured[depth]
        return found is None or int(found["peak_memory_mb"]) > 1000 * budget

    fitting = {b: bisect_left(depths, True, key=lambda depth, b=b: needs_more(depth, b)) for b in budgets}
    return {budget: measured[depths[number - 1]] if number else None for budget, number in fitting.items()}


def show_size(row: dict[str, Any]) -> str:
    """Returns a measurement as a line."""
    return (
        f"depth {row['depth']:2}  {row['parameters']:13,} parameters  {row['peak_memory_mb']:6,} MB"
        f"  {row['tokens_per_second']:6,} tokens/s{'  recomputed' if row['recompute'] else ''}"
    )


def measure_corpora(megabytes: list[int]) -> list[dict[str, Any]]:
    """Measures the same training from larger and larger shards."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for size in megabytes:
            path, left = Path(folder) / "tokens.bin", size * 10**6 // BYTES_A_TOKEN
            with path.open("wb") as file:
                while left > 0:
                    part = min(left, 1 << 22)
                    file.write(np.random.default_rng(left).integers(5, 8192, part).astype(np.uint16).tobytes())
                    left -= part
            rows.append({"corpus_mb": size, **(measure("--depth", "2", "--shard", str(path)) or {})})
    return rows


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budgets", type=float, nargs="+", default=[4, 8, 16])
    parser.add_argument("--depths", type=int, nargs="+", default=DEPTHS)
    parser.add_argument("--megabytes", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--json", action="store_true")
    for name, kind in (("--depth", int), ("--shard", Path)):
        parser.add_argument(name, type=kind, help=argparse.SUPPRESS)
    for name in ("--one", "--recompute"):
        parser.add_argument(name, action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print("\n" + json.dumps(one(arguments)))
        return
    corpora = measure_corpora(arguments.megabytes)
    if not arguments.json:
        for row in corpora:
            taken = f"{row['peak_memory_mb']:6,} MB, own {row['own_memory_mb']:6,} MB" if len(row) > 1 else "too much"
            print(f"{row['corpus_mb']:6,} MB of text  {taken}")
    largest = {
        name: find_largest(arguments.depths, arguments.budgets, recompute=flag)
        for name, flag in (("kept", False), ("recomputed", True))
    }
    if arguments.json:
        print(json.dumps({"corpora": corpora, "largest": largest, "machine": describe_machine()}, indent=2))
        return
    for budget in arguments.budgets:
        for found in largest.values():
            row = found[budget]
            print(f"largest in {budget:>2g} GB  {show_size(row) if row else 'none'}")


if __name__ == "__main__":
    main()
