"""Trains only those rows of the embeddings that occur in the data: the others have nothing to learn.

Of a vocabulary of 30,000 a few thousand sentences use a third. The gradient, the optimizer's moments, the clipping and
the running average of the rest would be zeros that are written, read and multiplied at every step. And of those that
occur, a batch has few: where the optimizer can take it so, the gradient is that of its rows alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from penjing.train.adamw import can_learn_by_rows, library_for
from penjing.train.frozen import trained_parameters
from penjing.train.job import TrainingJob
from penjing.train.optimizer import input_embeddings

_WORTH_IT = 0.75  # of the vocabulary; above, narrowing saves little


class UsedRows(nn.Module):
    """Rows of an embedding, found by the ids of the whole vocabulary.

    Args:
        embeddings: the whole.
        used: ids of the rows that are kept, sorted, [used]; None for all of them, which stay where they are.
        by_rows: whether the gradient is that of a batch's rows alone, a sparse tensor.
    """

    place: Tensor | None

    def __init__(self, embeddings: nn.Embedding, used: Tensor | None, *, by_rows: bool) -> None:
        super().__init__()
        self.by_rows, self.padding_idx = by_rows, embeddings.padding_idx
        if used is None:
            self.weight = embeddings.weight
            self.register_buffer("place", None)
            return
        self.weight = nn.Parameter(embeddings.weight.detach()[used].clone())
        place = torch.full((embeddings.num_embeddings,), -1, dtype=torch.int64, device=used.device)
        place[used] = torch.arange(len(used), device=used.device)
        self.register_buffer("place", place)
        if self.padding_idx is not None:
            self.padding_idx = int(place[self.padding_idx]) if place[self.padding_idx] >= 0 else None

    def forward(self, ids: Tensor) -> Tensor:
        """Returns the embeddings of ids [...], [..., dim].

        Raises:
            IndexError: an id is not among those used.
        """
        places = ids if self.place is None else self.place[ids]
        if not (self.by_rows and torch.is_grad_enabled()):
            return F.embedding(places, self.weight, padding_idx=self.padding_idx)
        found: Tensor = _Lookup.apply(places, self.weight, self.padding_idx)  # type: ignore[no-untyped-call]
        return found


class _Lookup(torch.autograd.Function):
    """`F.embedding` whose gradient is that of the rows that were looked up; each is summed as PyTorch sums it."""

    @staticmethod
    def forward(ctx: Any, places: Tensor, weight: Tensor, padding: int | None) -> Tensor:
        ctx.save_for_backward(places)
        ctx.shape, ctx.padding = weight.shape, padding
        return F.embedding(places, weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, given: Tensor) -> tuple[None, Tensor, None]:
        (places,) = ctx.saved_tensors
        rows, own = places.unique(sorted=True, return_inverse=True)
        padding = -1 if ctx.padding is None else int(torch.searchsorted(rows, ctx.padding))
        if padding >= 0 and (padding == len(rows) or rows[padding] != ctx.padding):
            padding = -1
        sums = torch.ops.aten.embedding_dense_backward(given, own, len(rows), padding, False)
        found = torch.sparse_coo_tensor(rows[None], sums, ctx.shape, is_coalesced=True, check_invariants=False)
        return None, found, None


def narrow_embeddings(job: TrainingJob) -> Callable[[], None]:
    """Puts `UsedRows` in the place of the network's embeddings where that saves work.

    Rows that do not occur stay as they are: AdamW would have shrunk them a little by its weight decay.

    Returns:
        A function that puts the whole embeddings back, with what the used rows have become.
    """
    embeddings = input_embeddings(job.network)
    is_frozen = job.settings.embedding_rate == 0 or not embeddings.weight.requires_grad
    if job.objective.scores_vocabulary or is_frozen:
        return lambda: None
    used, by_rows = _used_ids(job, embeddings), _learns_by_rows(job, embeddings)
    if used is None and not by_rows:
        return lambda: None
    parent, name = _find(job.network, embeddings)
    rows = UsedRows(embeddings, used, by_rows=by_rows)
    setattr(parent, name, rows)

    def restore() -> None:
        if used is not None:
            with torch.no_grad():
                embeddings.weight[used] = rows.weight.to(embeddings.weight.dtype)
        setattr(parent, name, embeddings)

    return restore


def _used_ids(job: TrainingJob, embeddings: nn.Embedding) -> Tensor | None:
    """Returns the ids that a training reads, sorted; None where they are not known, or nearly all."""
    found = job.batches.used_ids()
    if found is None:
        return None
    more = job.validation.used_ids() if job.validation is not None else None
    start = getattr(job.network, "decoder_start_id", None)  # what a decoder reads before a row
    parts = [found, *([] if more is None else [more]), job.objective.added_ids]
    parts += [] if start is None else [torch.tensor([start])]
    used: Tensor = torch.cat([part.to(embeddings.weight.device) for part in parts]).unique(sorted=True)  # type: ignore[no-untyped-call]
    return used if len(used) <= _WORTH_IT * embeddings.num_embeddings else None


def _learns_by_rows(job: TrainingJob, embeddings: nn.Embedding) -> bool:
    """Returns whether the optimizer takes gradients of rows, and nothing else in the network has the embeddings."""
    is_alone = (
        type(embeddings) is nn.Embedding
        and sum(
            parameter is embeddings.weight
            for module in job.network.modules()
            for parameter in module._parameters.values()
        )
        == 1
    )
    trained = trained_parameters(job.network).values()
    return (
        is_alone and can_learn_by_rows(embeddings.weight) and library_for(job.settings.optimizer, trained) is not None
    )


def _find(network: nn.Module, wanted: nn.Module) -> tuple[nn.Module, str]:
    """Returns the module that holds another, and under which name."""
    return next(
        (parent, name) for parent in network.modules() for name, child in parent.named_children() if child is wanted
    )
