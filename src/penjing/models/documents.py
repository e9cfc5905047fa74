"""Documents that lie end to end in rows, read each by itself by a network that knows no borders."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def read_apart(read: Callable[[Tensor, Tensor], Tensor], ids: Tensor, documents: Tensor, pad_id: int) -> Tensor:
    """Returns the hidden states of rows, [batch, time, dim], each part of a document read as a row of its own.

    The rows of parts are as long as the longest, so that short documents cost more than if they were read on.

    Args:
        read: token ids and which of them are real, [rows, longest] each → hidden states, [rows, longest, dim].
        ids: token ids without padding, int64 [batch, time].
        documents: the number of the document that each token is of, int64 [batch, time].
        pad_id: fills shorter rows.
    """
    begins = torch.ones_like(documents, dtype=torch.bool)
    begins[:, 1:] = documents[:, 1:] != documents[:, :-1]
    part = begins.flatten().cumsum(0) - 1  # of each token, [batch * time]
    starts = begins.flatten().nonzero()[:, 0]  # of each part, [parts]
    place = torch.arange(len(part), device=ids.device) - starts[part]
    rows = ids.new_full((len(starts), int(place.max()) + 1), pad_id)
    rows[part, place] = ids.flatten()
    is_real = torch.zeros_like(rows, dtype=torch.bool)
    is_real[part, place] = True
    hidden = read(rows, is_real)[part, place]  # [batch * time, dim]
    return hidden.view(*ids.shape, hidden.shape[1])
