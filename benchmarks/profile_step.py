"""What the time of a step of pretraining goes into, by PyTorch's profiler.

Penjing's trainer takes some steps of a model of `peer_data.py`, compiled (or not); the last ones are profiled. Time is
what each operation takes by itself, on the thread that calls it, as a share of all of them.

python benchmarks/profile_step.py [--family llama] [--steps 10] [--not-compiled] [--operations 12] [--json]

Needs the extra quickstart.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from torch.profiler import ProfilerActivity, profile

from peer_data import FAMILIES, Run, prepare
from peer_runs import run_penjing
from penjing.machine import describe_machine
from rates import after_steps

WARM_UP = 6
# The first pattern that an operation's name matches says what kind it is.
KINDS = {
    "products of attention": r"scaled_dot_product|bmm|baddbmm",
    "matrix products": r"\b(mm|addmm|linear|matmul|_linear_pointwise|mkldnn.*linear)\b|mkl_linear|linear_pointwise",
    "optimizer": r"[Aa]dam|muon|foreach|clip|total_norm|_norm\b",
    "compiled loops": r"graph_|cpp_fused|Compiled|inductor|async_compile",
    "softmax and loss": r"softmax|logsumexp|nll|cross_entropy|gather",
}


def profile_steps(family: str, steps: int, compiled: str) -> dict[str, float]:
    """Returns the microseconds of each operation over the profiled steps."""
    taken = 0
    profiler = profile(activities=[ProfilerActivity.CPU])

    def note(*_: Any) -> None:
        nonlocal taken
        taken += 1
        if taken == WARM_UP:
            profiler.start()
        if taken == WARM_UP + steps:
            profiler.stop()

    with after_steps(note), tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        prepare(data, family, WARM_UP + steps)
        run_penjing(Run(family, WARM_UP + steps, data, data / "out"), compiled=compiled)
    return {event.key: event.self_cpu_time_total for event in profiler.key_averages()}


def kind_of(operation: str) -> str:
    """Returns what kind of work an operation is."""
    return next((kind for kind, pattern in KINDS.items() if re.search(pattern, operation)), "everything else")


def main() -> None:
    """Prints the shares of the kinds, and the longest operations."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", choices=list(FAMILIES), default="llama")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--not-compiled", action="store_true")
    parser.add_argument("--operations", type=int, default=12)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    spent = profile_steps(arguments.family, arguments.steps, "off" if arguments.not_compiled else "on")
    whole, kinds = sum(spent.values()), Counter[str]()
    for operation, microseconds in spent.items():
        kinds[kind_of(operation)] += microseconds / whole
    longest = sorted(spent.items(), key=lambda item: -item[1])[: arguments.operations]
    report = {
        "family": arguments.family,
        "milliseconds_per_step": whole / arguments.steps / 1000,
        "kinds": dict(kinds.most_common()),
        "operations": {operation: microseconds / whole for operation, microseconds in longest},
        "machine": describe_machine(),
    }
    if arguments.json:
        print(json.dumps(report, indent=2))
        return
    print(f"{arguments.family}: {report['milliseconds_per_step']:.0f} ms a step")
    for kind, share in kinds.most_common():
        print(f"{share:6.1%}  {kind}")
    print()
    for operation, microseconds in longest:
        print(f"{microseconds / whole:6.1%}  {kind_of(operation):22} {operation[:80]}")


if __name__ == "__main__":
    main()
