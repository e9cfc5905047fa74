"""Whether this machine is faster in bf16 than in fp32: matrix products, and steps of a decoder of 17 million weights.

The decoder is the one of `peer_data.py`, written out and compiled. Precision "auto" takes bf16 where the processor is
known to gain from it; the last line says what it takes here.

python benchmarks/precisions.py [--steps 14] [--json]

Needs the extra quickstart.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import torch

from peer_data import BATCH_TOKENS, Run, prepare
from peer_runs import SKIPPED, run_penjing
from penjing.machine import computes_bf16, describe_machine
from rates import clock_steps, measure_product_rates

PRODUCTS = [(4096, 384, 384), (4096, 384, 1024), (4096, 384, 8192), (2048, 2048, 2048)]
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


def measure_steps(steps: int, precision: str, compiled: str) -> float:
    """Returns the tokens a second of the decoder's training."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        prepare(data, "llama", steps)
        with clock_steps() as clock:
            run_penjing(Run("llama", steps, data, data / "out"), compiled=compiled, precision=precision)
    return BATCH_TOKENS / clock.seconds_per_step(SKIPPED)


def main() -> None:
    """Prints both precisions side by side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=14)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    report: dict[str, Any] = {"machine": describe_machine(), "auto": "bf16" if computes_bf16() else "fp32"}
    for name, precision in PRECISIONS.items():
        rates = measure_product_rates(torch.device("cpu"), PRODUCTS, precision)
        tokens = {mode: measure_steps(arguments.steps, name, mode) for mode in ("off", "on")}
        report[name] = {"products_per_second": rates, "tokens_per_second": tokens}
    if arguments.json:
        print(json.dumps(report, indent=2))
        return
    for shape in report["fp32"]["products_per_second"]:
        cells = "  ".join(f"{name} {report[name]['products_per_second'][shape] / 1e9:6,.0f}" for name in PRECISIONS)
        print(f"{shape:20}  {cells} GFLOP/s")
    for mode, label in (("off", "decoder, written out"), ("on", "decoder, compiled")):
        cells = "  ".join(f"{name} {report[name]['tokens_per_second'][mode]:6,.0f}" for name in PRECISIONS)
        print(f"{label:20}  {cells} tokens/s")
    print(f"auto is {report['auto']} on {report['machine']['processor']}")


if __name__ == "__main__":
    main()
