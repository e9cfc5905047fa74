"""Pretraining decoders of 125 M, 350 M and 1.3 B parameters on a CUDA card with Penjing's trainer: speed, use, memory.

Llamas with a vocabulary of 50,304 tokens, tied, read rows of 2,048 random tokens; what they say does not change the
speed. Precision auto (bf16), compiled, AdamW with weights and moments in fp32. The rows a step start at the figure in
the table below and are halved until they fit the card. Each size runs in a process of its own.

Model FLOPs utilization is what the model needs (the layers, attention counted whole, the head) times
tokens a second, divided by the best bf16 matrix product measured on this card; and, where the maker's data sheet is
known here, by its dense bf16 peak. The first ten steps, in which it compiles, are not counted. Memory is the most that
PyTorch allocated on the card.

Others train the same if asked for: "Penjing, not deterministic", whose sums come out a little different every time,
and "Transformers", its Trainer as its documentation says that it is fast: ``bf16=True, torch_compile=True``, fused
AdamW, SDPA attention, as many rows a step as Penjing, or as many as fit.

python benchmarks/gpu_pretrain.py [--sizes 125m 350m 1.3b] [--by Penjing Transformers …] [--steps 40] [--json]

Writes benchmarks/results/NAME.json, called after the card. Needs nothing but Penjing and a CUDA card with bf16;
Transformers' Trainer needs accelerate.
``--device cpu --sizes tiny`` runs the same code on a CPU; its figures say nothing.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from penjing.machine import describe_machine, name_processor, peak_memory_mb
from penjing.models.interface import count_parameters
from penjing.models.llama import LLAMA
from penjing.progress import Silent
from penjing.text.renderer import Rendered
from penjing.text.shards import write_shard
from penjing.train.batches import WindowBatches
from penjing.train.job import TrainingJob
from penjing.train.objectives.causal import CausalObjective
from penjing.train.settings import PretrainSettings
from penjing.train.trainer import Trainer
from rates import Shape, clock_steps, measure_product_rates

RESULTS = Path(__file__).parent / "results"
SKIPPED, SEED, OUT_OF_MEMORY = 10, 0, 3
# Dense bf16 in TFLOP/s, from the makers' data sheets; the first name that is part of the card's counts.
PEAKS = {
    "H100 PCIe": 756,
    "H100 NVL": 835,
    "H100": 989,
    "H200": 989,
    "A100": 312,
    "L40S": 362,
    "L4": 121,
    "RTX 4090": 165,
    "RTX 3090": 71,
}


@dataclass(frozen=True)
class Size:
    """A decoder that is trained.

    Attributes:
        width: of its hidden states.
        layers: how many.
        heads: of attention.
        inner: width inside the gated feed-forward network.
        rows: in a step, at most.
        vocabulary: tokens.
        window: tokens in a row.
    """

    width: int
    layers: int
    heads: int
    inner: int
    rows: int
    vocabulary: int = 50_304
    window: int = 2048

    @property
    def config(self) -> Any:
        """Its config as a Llama."""
        return LLAMA.config_from_dict(
            {
                "hidden_size": self.width,
                "num_hidden_layers": self.layers,
                "num_attention_heads": self.heads,
                "intermediate_size": self.inner,
                "vocab_size": self.vocabulary,
                "max_position_embeddings": self.window,
                "tie_word_embeddings": True,
                "pad_token_id": 0,
            }
        )

    @property
    def flops_per_token(self) -> float:
        """Operations that a token needs, forward and backward.

        6 for each weight of the layers, 12 for each pair of tokens and dimension of attention (pairs count whole,
        though a decoder hides half of them), and 6 for each weight of the head on the tokens that are guessed.
        """
        guessed = (self.window - 1) / self.window
        return LLAMA.training_flops_per_token(self.config, self.window) + 6 * self.width * self.vocabulary * guessed


SIZES = {
    "125m": Size(width=768, layers=12, heads=12, inner=2048, rows=16),
    "350m": Size(width=1024, layers=24, heads=16, inner=2736, rows=8),
    "1.3b": Size(width=2048, layers=24, heads=16, inner=5504, rows=8),
    "tiny": Size(width=64, layers=2, heads=2, inner=128, rows=4, vocabulary=512, window=64),
}


def train(size: Size, rows: int, steps: int, device: str, *, deterministic: bool = True) -> dict[str, Any]:
    """Trains for some steps with Penjing's trainer; returns the figures."""
    config = size.config
    network = LLAMA.language_model(config)
    LLAMA.initialize(network, config, SEED)
    settings = PretrainSettings(
        window_tokens=size.window,
        batch_tokens=rows * size.window,
        compile="on",
        device=device,
        deterministic=deterministic,
        evaluations=1,
        checkpoint_every_s=1e9,
    )
    with tempfile.TemporaryDirectory() as folder:
        ids = np.random.default_rng(SEED).integers(5, size.vocabulary, steps * rows * size.window).tolist()
        shard = write_shard(
            Path(folder),
            [([Rendered(ids, [], 0)], list[int]())],
            vocab_size=size.vocabulary,
            unknown_id=1,
            fingerprint="",
        )
        batches = WindowBatches(shard, size.window, settings.batch_tokens, SEED)
        job = TrainingJob("pretrain", network, CausalObjective(), batches, None, settings, 3e-4, SEED)
        with clock_steps() as clock:
            result = Trainer(job, Path(folder) / "run", Silent()).run()
    return {
        "parameters": count_parameters(network),
        "rows": rows,
        "window_tokens": size.window,
        "steps": steps,
        "precision": result.precision,
        "compiled": result.compiled,
        "tokens_per_second": rows * size.window / clock.seconds_per_step(SKIPPED),
        "peak_memory_mb": result.device_memory_mb or peak_memory_mb(),
    }


def train_by_transformers(size: Size, rows: int, steps: int, device: str) -> dict[str, Any]:
    """Trains the same model with Transformers' Trainer; returns the figures."""
    import transformers

    numbers = np.random.default_rng(SEED).integers(5, size.vocabulary, (steps * rows, size.window))
    windows = [{"input_ids": row, "labels": row} for row in torch.from_numpy(numbers)]
    config = transformers.LlamaConfig(**LLAMA.config_to_dict(size.config, head="language"))
    torch.manual_seed(SEED)
    network = transformers.LlamaForCausalLM(config)
    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            output_dir=folder,
            max_steps=steps,
            per_device_train_batch_size=rows,
            learning_rate=3e-4,
            bf16=True,
            torch_compile=True,
            use_cpu=device == "cpu",
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            seed=SEED,
        )
        with clock_steps() as clock:
            transformers.Trainer(network, arguments, train_dataset=windows).train()
    is_cuda = device.startswith("cuda")
    return {
        "parameters": count_parameters(network),
        "rows": rows,
        "transformers": transformers.__version__,
        "tokens_per_second": rows * size.window / clock.seconds_per_step(SKIPPED),
        "peak_memory_mb": round(torch.cuda.max_memory_allocated() / 10**6) if is_cuda else peak_memory_mb(),
    }


TRAINERS: dict[str, Callable[[Size, int, int, str], dict[str, Any]]] = {
    "Penjing": train,
    "Penjing, not deterministic": partial(train, deterministic=False),
    "Transformers": train_by_transformers,
}


def train_in_process(name: str, who: str, steps: int, device: str) -> dict[str, Any] | None:
    """Trains a size in a process of its own with as many rows as fit; None where not even one does."""
    rows = SIZES[name].rows
    while rows:
        command = [sys.executable, __file__, "--one", name, "--by", who, "--rows", str(rows), "--steps", str(steps)]
        done = subprocess.run([*command, "--device", device], stdout=subprocess.PIPE, text=True)
        if done.returncode == 0:
            figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
            return figures
        if done.returncode != OUT_OF_MEMORY:
            raise SystemExit(f"{name} by {who} failed with {rows} rows a step; see above")
        print(f"{name} by {who}: {rows} rows a step do not fit", file=sys.stderr)
        rows //= 2
    return None


def measure_rates(names: list[str], device: torch.device) -> dict[str, float]:
    """Returns the bf16 operations a second of a large square product and of those of each size."""
    large = 8192 if device.type == "cuda" else 1024
    shapes: list[Shape] = [(large, large, large)]
    for size in (SIZES[name] for name in names):
        shapes += [(size.rows * size.window, size.width, columns) for columns in (size.width, size.inner)]
    return measure_product_rates(device, shapes)


def data_sheet_peak(card: str) -> float | None:
    """Returns a card's dense bf16 FLOP/s by its data sheet; None where it is not known here."""
    for name, peak in PEAKS.items():
        if re.search(rf"\b{name}\b", card):
            return peak * 1e12
    return None


def compare(names: list[str], trainers: list[str], steps: int, device: str) -> dict[str, Any]:
    """Trains every size by every trainer; returns the report."""
    is_cuda = device.startswith("cuda")
    card = torch.cuda.get_device_name(device) if is_cuda else name_processor()
    # The card's products first, in this process, which then holds next to nothing of its memory.
    rates = measure_rates(names, torch.device(device))
    if is_cuda:
        torch.cuda.empty_cache()
    peak, sizes = data_sheet_peak(card) if is_cuda else None, dict[str, Any]()
    for name in names:
        sizes[name] = {}
        for who in trainers:
            figures = train_in_process(name, who, steps, device)
            if figures is not None:
                spent = figures["tokens_per_second"] * SIZES[name].flops_per_token
                figures["utilization_of_measured"] = spent / max(rates.values())
                figures["utilization_of_data_sheet"] = None if peak is None else spent / peak
                print(show_line(name, who, figures), file=sys.stderr, flush=True)
            sizes[name][who] = figures
    return {
        "card": card,
        "memory_mb": round(torch.cuda.get_device_properties(device).total_memory / 10**6) if is_cuda else None,
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "bf16_products_per_second": rates,
        "data_sheet_bf16": peak,
        "sizes": sizes,
        "machine": describe_machine(),
    }


def show_line(name: str, who: str, figures: dict[str, Any] | None) -> str:
    """Returns the figures of a size and a trainer as a line."""
    if figures is None:
        return f"{name:6}{who:28}does not fit, even with one row a step"
    of_sheet = figures["utilization_of_data_sheet"]
    return (
        f"{name:6}{who:28}{figures['parameters']:14,} parameters  {figures['rows']:3} rows  "
        f"{figures['tokens_per_second']:10,.0f} tokens/s  {figures['peak_memory_mb']:7,} MB  "
        f"{figures['utilization_of_measured']:6.1%} of the measured rate"
        + ("" if of_sheet is None else f", {of_sheet:.1%} of the data sheet's")
    )


def show(report: dict[str, Any]) -> None:
    """Prints the report as a table."""
    best = max(report["bf16_products_per_second"].values())
    sheet = "" if report["data_sheet_bf16"] is None else f", data sheet {report['data_sheet_bf16'] / 1e12:.0f}"
    print(f"{report['card']}: best bf16 product {best / 1e12:.1f} TFLOP/s{sheet}")
    for name, trainers in report["sizes"].items():
        for who, figures in trainers.items():
            print(show_line(name, who, figures))


def main() -> None:
    """Trains each size, prints a line for it and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=["125m", "350m", "1.3b"])
    parser.add_argument("--by", nargs="+", choices=list(TRAINERS), default=["Penjing"], help="who trains")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the report")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", choices=list(SIZES), help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.steps <= SKIPPED:
        parser.error(f"--steps must be above {SKIPPED}: the first {SKIPPED} are not counted")
    if arguments.device.startswith("cuda") and not torch.cuda.is_available():
        raise SystemExit(
            "PyTorch sees no GPU here, and this benchmark is about one: run it on a machine with a CUDA card"
        )
    if arguments.one:
        try:
            figures = TRAINERS[arguments.by[0]](SIZES[arguments.one], arguments.rows, arguments.steps, arguments.device)
        except torch.OutOfMemoryError:
            raise SystemExit(OUT_OF_MEMORY) from None
        print("\n" + json.dumps(figures))
        return
    report = compare(arguments.sizes, arguments.by, arguments.steps, arguments.device)
    arguments.out.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^a-z0-9]+", "-", report["card"].lower()).strip("-")
    (arguments.out / f"{name}.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        show(report)


if __name__ == "__main__":
    main()
