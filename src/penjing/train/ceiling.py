"""How fast the machine multiplies matrices, and what share of that a training run reaches."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from penjing.models.device import to_device
from penjing.train.batches import Batch
from penjing.train.job import TrainingJob

_SIDE = 2048
_ROUNDS = 5
_SLOW_S = 0.02  # for a product half as wide; on such a machine, that one reaches as much
COUNTED_TOKENS = 512


@torch.inference_mode()
def measure_matrix_rate(device: torch.device, precision: torch.dtype) -> float:
    """Returns the operations per second of the best of a few products of square matrices.

    They are 8,192 wide on a GPU, else 2,048, or 1,024 where such a product takes longer than 20 ms: it takes about a
    fifth of a second. What a whole step reaches of it is its model FLOPs utilization (Chowdhery et al. 2022, arXiv
    2204.02311, appendix B).
    """
    if device.type == "cuda":
        return _best_rate(device, precision, 4 * _SIDE)
    narrow = _best_rate(device, precision, _SIDE // 2)
    return narrow if 2 * (_SIDE // 2) ** 3 / narrow > _SLOW_S else _best_rate(device, precision, _SIDE)


def _best_rate(device: torch.device, precision: torch.dtype, side: int) -> float:
    left, right = (torch.randn(side, side, device=device, dtype=precision) for _ in range(2))
    best = float("inf")
    for _ in range(_ROUNDS):
        _wait(device)
        began = time.perf_counter()
        left @ right
        _wait(device)
        best = min(best, time.perf_counter() - began)
    return 2 * side**3 / best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def count_flops_per_token(job: TrainingJob, device: torch.device, most: int = COUNTED_TOKENS) -> float:
    """Returns the operations of matrix products, forward and backward, that a step of a job spends on a token.

    They are counted in one row, of which at most so many tokens are read, and which is thrown away; products alone are,
    as is usual.
    """
    row = _cut(job.batches.load(job.batches.plan(0)[0][:1]), most)
    prepared = job.objective.prepare(row, torch.Generator().manual_seed(0), 1.0)
    tensors = to_device(prepared.tensors, device)
    # Written out, for what fused attention and a fused LSTM compute inside is not counted on every device.
    with sdpa_kernel(SDPBackend.MATH), _without_fused_lstm(), FlopCounterMode(display=False) as counter:
        job.objective.loss(job.network, *tensors)[0].backward()  # type: ignore[no-untyped-call]
    job.network.zero_grad(set_to_none=True)
    return float(counter.get_total_flops()) / prepared.tokens


def _cut(batch: Batch, tokens: int) -> Batch:
    """Returns the first tokens of each row."""
    parts = (None if part is None else part[:, :tokens] for part in (batch.mask, batch.documents))
    mask, documents = parts
    return Batch(batch.ids[:, :tokens], mask, batch.labels, documents)


@contextmanager
def _without_fused_lstm() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="TF32 acceleration")  # said of GPUs that are not there
        with torch.backends.mkldnn.flags(enabled=False), torch.backends.cudnn.flags(enabled=False):
            yield
