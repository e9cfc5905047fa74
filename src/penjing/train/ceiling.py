"""How fast the machine multiplies matrices, and what share of that a training run reaches."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from penjing.models.device import to_device
from penjing.train.batches import Batch
from penjing.train.job import TrainingJob

_SIDES = (512, 1024, 2048)
_GPU_SIDES = (8192,)
_ROUNDS, _ENOUGH_S = 5, 0.2
COUNTED_TOKENS = 512


@torch.inference_mode()
def measure_matrix_rate(device: torch.device, precision: torch.dtype) -> float:
    """Returns the operations per second of the best of a few products of square matrices.

    They are 8,192 wide on a GPU, else 2,048, or 1,024 or 512 where the next wider would take longer than a fifth of a
    second: then those reach as much. It takes some tenths of a second. What a whole step reaches of it is its model
    FLOPs utilization (Chowdhery et al. 2022, arXiv 2204.02311, appendix B).
    """
    rate = 0.0
    for side in _GPU_SIDES if device.type == "cuda" else _SIDES:
        if rate and 2 * side**3 / rate > _ENOUGH_S:
            break
        rate = _best_rate(device, precision, side)
    return rate


def _best_rate(device: torch.device, precision: torch.dtype, side: int) -> float:
    left, right = (torch.randn(side, side, device=device, dtype=precision) for _ in range(2))
    best, spent = float("inf"), 0.0
    for done in range(_ROUNDS):
        if spent > _ENOUGH_S and done > 1:  # the first is slower
            break
        _wait(device)
        began = time.perf_counter()
        left @ right
        _wait(device)
        taken = time.perf_counter() - began
        best, spent = min(best, taken), spent + taken
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
    with sdpa_kernel(SDPBackend.MATH), _without_fused_lstm(), FlopCounter() as counter:
        job.objective.loss(job.network, *tensors)[0].backward()  # type: ignore[no-untyped-call]
    job.network.zero_grad(set_to_none=True)
    return float(counter.flops) / prepared.tokens


class FlopCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the operations of matrix products within it, as `torch.utils.flop_counter.FlopCounterMode` does.

    That one imports PyTorch's compiler, and takes longer for it than small models do to be trained.

    Attributes:
        flops: counted so far.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # so that nothing of the compiler is asked for

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        made = func(*args, **named)
        count = flop_registry.get(func.overloadpacket)
        if count is not None:
            self.flops += count(*args, **named, out_val=made)
        return made


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
