"""Trains only those rows of the embeddings that occur in the data: the others have nothing to learn.

Of a vocabulary of 30,000 a few thousand sentences use a third. The gradient, the optimizer's moments, the clipping and
the running average of the rest would be zeros that are written, read and multiplied at every step.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.train.job import TrainingJob
from penjing.train.optimizer import input_embeddings

_WORTH_IT = 0.75  # of the vocabulary; above, narrowing saves little


class UsedRows(nn.Module):
    """Some rows of an embedding, found by the ids of the whole vocabulary.

    Args:
        embeddings: the whole.
        used: ids of the rows that are kept, sorted, [used].
    """

    def __init__(self, embeddings: nn.Embedding, used: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(embeddings.weight.detach()[used].clone())
        place = torch.full((embeddings.num_embeddings,), -1, dtype=torch.int64, device=used.device)
        place[used] = torch.arange(len(used), device=used.device)
        self.register_buffer("place", place)
        padding = embeddings.padding_idx
        self.padding_idx = None if padding is None or place[padding] < 0 else int(place[padding])

    def forward(self, ids: Tensor) -> Tensor:
        """Returns the embeddings of ids [...], [..., dim].

        Raises:
            IndexError: an id is not among those used.
        """
        places: Tensor = self.place[ids]  # type: ignore[index]
        return F.embedding(places, self.weight, padding_idx=self.padding_idx)


def narrow_embeddings(job: TrainingJob) -> Callable[[], None]:
    """Puts `UsedRows` in the place of the network's embeddings where that saves work.

    Rows that do not occur stay as they are: AdamW would have shrunk them a little by its weight decay.

    Returns:
        A function that puts the whole embeddings back, with what the used rows have become.
    """
    found = job.batches.used_ids()
    embeddings = input_embeddings(job.network)
    is_frozen = job.settings.embedding_rate == 0 or not embeddings.weight.requires_grad
    if found is None or job.objective.scores_vocabulary or is_frozen:
        return lambda: None
    more = job.validation.used_ids() if job.validation is not None else None
    start = getattr(job.network, "decoder_start_id", None)  # what a decoder reads before a row
    parts = [found, *([] if more is None else [more]), job.objective.added_ids]
    parts += [] if start is None else [torch.tensor([start])]
    used = torch.cat([part.to(embeddings.weight.device) for part in parts]).unique(sorted=True)  # type: ignore[no-untyped-call]
    if len(used) > _WORTH_IT * embeddings.num_embeddings:
        return lambda: None
    parent, name = _find(job.network, embeddings)
    rows = UsedRows(embeddings, used)
    setattr(parent, name, rows)

    def restore() -> None:
        with torch.no_grad():
            embeddings.weight[used] = rows.weight.to(embeddings.weight.dtype)
        setattr(parent, name, embeddings)

    return restore


def _find(network: nn.Module, wanted: nn.Module) -> tuple[nn.Module, str]:
    """Returns the module that holds another, and under which name."""
    return next(
        (parent, name) for parent in network.modules() for name, child in parent.named_children() if child is wanted
    )
