"""Pretraining a model of 17 million parameters: Penjing beside Transformers' Trainer and LitGPT.

What is trained, on what, and by whom is said in `peer_data.py` and `peer_runs.py`. Each contender runs in a process of
its own with the same number of threads and compiles from an empty cache. Its last weights, written in the hub's layout,
are measured by one function, in fp32, on the same held-out windows.

Tokens a second are those from step 5 to the end; seconds in all run from the start of the process until the weights are
written. Utilization is what a step needs, counted in one of Penjing's, forward and backward, divided by the best matrix
product of this machine, in bf16 or fp32.

python benchmarks/pretrain_vs_peers.py [--family llama] [--steps 200] [--seed N] [--only NAME …] [--threads N] [--json]
    [--litgpt-python PATH]

200 steps take about twenty minutes a family on two cores. Needs the extras bench, quickstart and dev.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch

from peer_data import BATCH_TOKENS, Run, open_start, prepare, validation_loss
from peer_runs import CONTENDERS, SKIPPED, add_options, choose_contenders, make_job, run_comparison, start_contender
from penjing.machine import describe_machine
from penjing.models.interface import count_parameters
from penjing.models.weights import load_weights
from penjing.train.ceiling import count_flops_per_token
from penjing.train.settings import PretrainSettings
from rates import measure_product_rates

PRODUCTS = [(4096, 384, 1024), (4096, 384, 384), (4096, 384, 8192), (2048, 2048, 2048)]
PRECISIONS = {"bf16": torch.bfloat16, "fp32": torch.float32}
DEFAULT_CONTENDERS = ["Penjing", "Trainer, defaults", "Trainer, bf16, compiled", "LitGPT"]


def compare(arguments: argparse.Namespace, names: list[str], data: Path) -> dict[str, Any]:
    """Runs the contenders one after another; returns the report."""
    prepare(data, arguments.family, arguments.steps, arguments.seed)
    start = Run(arguments.family, arguments.steps, data, data / "start", arguments.seed)
    _, _, network = open_start(start)
    load_weights(network, start.data / "start")
    cpu = torch.device("cpu")
    flops = count_flops_per_token(make_job(start, network, PretrainSettings()), cpu)
    rates = {name: measure_product_rates(cpu, PRODUCTS, kind) for name, kind in PRECISIONS.items()}
    best = max(rate for by_shape in rates.values() for rate in by_shape.values())
    contenders: dict[str, dict[str, Any]] = {}
    for number, name in enumerate(names):
        run = Run(arguments.family, arguments.steps, data, data / f"contender-{number}", arguments.seed)
        figures = start_contender(name, run, arguments)
        if figures is not None:
            used = figures["tokens_per_second"] * flops / best
            contenders[name] = {**figures, "utilization": used, "validation_loss": validation_loss(run)}
    return {
        "family": arguments.family,
        "parameters": count_parameters(network),
        "steps": arguments.steps,
        "seed": arguments.seed,
        "threads": arguments.threads,
        "flops_per_token": flops,
        "products_per_second": rates,
        "first_validation_loss": validation_loss(start),
        "contenders": contenders,
        "machine": describe_machine(),
    }


def show(report: dict[str, Any]) -> None:
    """Prints the report as a table."""
    print(
        f"{report['family']}, {report['parameters']:,} parameters, {report['steps']} steps of {BATCH_TOKENS:,} tokens, "
        f"{report['threads']} threads, seed {report['seed']}; "
        f"validation loss before training {report['first_validation_loss']:.4f}"
    )
    for name, rates in report["products_per_second"].items():
        cells = ", ".join(f"{shape}: {rate / 1e9:,.0f}" for shape, rate in rates.items())
        print(f"products in {name}, GFLOP/s: {cells}")
    own = report["contenders"].get("Penjing")
    for name, figures in report["contenders"].items():
        ratios = ""
        if own and not name.startswith("Penjing"):
            speed = own["tokens_per_second"] / figures["tokens_per_second"]
            ratios = f"  Penjing is {speed:.2f} times as fast, {figures['seconds'] / own['seconds']:.2f} in all"
        print(
            f"{name:24}{figures['tokens_per_second']:9,.0f} tokens/s  {figures['utilization']:6.1%} used  "
            f"{figures['seconds']:7.1f} s  first step after {figures['seconds_to_first_step']:5.1f} s  "
            f"{figures['peak_memory_mb']:6,} MB  validation loss {figures['validation_loss']:.4f}{ratios}"
        )


def main() -> None:
    """Runs each contender and prints a line for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn, the first weights too")
    parser.add_argument("--only", nargs="*", choices=list(CONTENDERS), default=DEFAULT_CONTENDERS)
    arguments = parser.parse_args()
    if arguments.seed < 0:
        parser.error("--seed must be 0 or more")
    if arguments.steps <= SKIPPED:
        parser.error(f"--steps must be above {SKIPPED}: the first {SKIPPED} are not counted")
    names = choose_contenders(arguments)
    torch.set_num_threads(arguments.threads)
    run_comparison(arguments, names, compare, show)


if __name__ == "__main__":
    main()
