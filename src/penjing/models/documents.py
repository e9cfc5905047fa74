"""Documents that lie end to end in rows, read each by itself by a network that knows no borders."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from penjing.text.batching import plan_by_length


def read_apart(read: Callable[[Tensor, Tensor], Tensor], ids: Tensor, documents: Tensor, pad_id: int) -> Tensor:
    """Returns the hidden states of rows, [batch, time, dim], each part of a document read as a row of its own.

    Parts of like length are read together, in groups of no more tokens, padding included, than all rows have.

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
    lengths = torch.bincount(part)
    found, order = [], []
    for chosen in plan_by_length(lengths.cpu().numpy(), ids.numel(), max_rows=len(lengths)):
        number = torch.full_like(lengths, -1)  # of each part's row, in this group
        number[torch.from_numpy(chosen).to(ids.device)] = torch.arange(len(chosen), device=ids.device)
        tokens = (number[part] >= 0).nonzero()[:, 0]
        row, at = number[part[tokens]], place[tokens]
        rows = ids.new_full((len(chosen), int(at.max()) + 1), pad_id)
        rows[row, at] = ids.flatten()[tokens]
        is_real = torch.zeros_like(rows, dtype=torch.bool)
        is_real[row, at] = True
        found.append(read(rows, is_real)[row, at])
        order.append(tokens)
    hidden = torch.cat(found)[torch.cat(order).argsort()]  # [batch * time, dim]
    return hidden.view(*ids.shape, hidden.shape[1])
