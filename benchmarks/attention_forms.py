"""Forms of attention in bf16 training on a CPU: what penjing.models.attention chooses by.

python benchmarks/attention_forms.py [--widths 32 64] [--keys 12 24 40 64 128 256] [--tokens 2048] [--rounds 12]
    [--threads N] [--json]

Milliseconds forth and back for about so many tokens in 12 heads, in rows of each length, without dropout and with 10%:
compiled (models/native/training.cpp), written out (models/attention.py, `attention_weights`), and PyTorch's fused one,
with padding in one row. The forms take turns; the best round of each counts. The last column says which one is taken.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from penjing.machine import count_cores, describe_machine
from penjing.models import attention
from penjing.models.dropout import drop
from penjing.models.native.training import attend_fused, can_attend

HEADS = 12


def forms_of(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor, dropout: float
) -> dict[str, Callable[[], Tensor]]:
    """Returns what computes each form."""
    scale = query.shape[-1] ** -0.5
    return {
        "compiled": lambda: attend_fused(query, key, value, mask, dropout, scale),
        "written out": lambda: (
            drop(attention.attention_weights(query, key, mask), dropout, is_training=dropout > 0) @ value
        ),
        "fused": lambda: F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout),
    }


def chosen_form(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, dropout: float) -> str:
    """Returns the form that `attend` takes."""
    if attention._is_faster_compiled(query, key, dropout) and can_attend(query, key, value, mask):
        return "compiled"
    return "written out" if attention._is_faster_plain(query, key, mask) else "fused"


def measure(width: int, keys: int, dropout: float, arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns the milliseconds of each form, and which one is taken."""
    rows = max(1, arguments.tokens // keys)
    generator = torch.Generator().manual_seed(0)
    shape = (rows, keys, HEADS, width)
    query, key, value = (
        torch.randn(shape, generator=generator).bfloat16().transpose(1, 2).requires_grad_() for _ in range(3)
    )
    mask = torch.ones(rows, 1, 1, keys, dtype=torch.bool)
    mask[0, ..., -1] = False
    back = torch.randn(query.shape, generator=generator).bfloat16()
    best: dict[str, float] = {}
    for _ in range(arguments.rounds + 1):  # the first one warms
        for name, compute in forms_of(query, key, value, mask, dropout).items():
            began = time.perf_counter()
            torch.autograd.grad(compute(), (query, key, value), back)
            best[name] = min(best.get(name, float("inf")), 1e3 * (time.perf_counter() - began))
    taken = chosen_form(query, key, value, mask, dropout)
    return {"width": width, "keys": keys, "dropout": dropout, "milliseconds": best, "taken": taken}


def main() -> None:
    """Measures, and prints a line for each shape."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", type=int, nargs="+", default=[32, 64])
    parser.add_argument("--keys", type=int, nargs="+", default=[12, 24, 40, 64, 128, 256])
    parser.add_argument("--tokens", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--threads", type=int, default=count_cores())
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    found = [
        measure(width, keys, dropout, arguments)
        for width in arguments.widths
        for dropout in (0.0, 0.1)
        for keys in arguments.keys
    ]
    if arguments.json:
        print(json.dumps({"machine": describe_machine(), "forms": found}, indent=1))
        return
    print(json.dumps(describe_machine()))
    names = list(found[0]["milliseconds"])
    print(f"{'width':>6}{'keys':>6}{'dropout':>9}" + "".join(f"{name:>13}" for name in names) + "  taken")
    for line in found:
        times = "".join(f"{line['milliseconds'][name]:13.1f}" for name in names)
        print(f"{line['width']:>6}{line['keys']:>6}{line['dropout']:>9}{times}  {line['taken']}")


if __name__ == "__main__":
    main()
