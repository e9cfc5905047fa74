"""Forbids tokens by which a text would say again what it has said (Paulus et al. 2018, arXiv 1705.04304, section 2.5).

Where the last tokens of a text stood in it before, those that followed them then may not follow again: no run of so
many tokens comes twice. What a text was written to does not count, whatever reads it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def forbid_repeats(logits: Tensor, written: Tensor, begins: Tensor, size: int) -> Tensor:
    """Returns logits in which tokens that would end a run for the second time are minus infinity; the given ones stay.

    Args:
        logits: after each text, [rows, vocab].
        written: its tokens, int64 [rows, tokens].
        begins: where it begins in its row, int64 [rows]; what stands before is not its own.
        size: tokens of a run, 1 or more.
    """
    tokens = written.shape[1]
    if tokens < size:
        return logits
    runs = written.unfold(1, size, 1)  # [rows, runs, size]
    last = written[:, tokens - size + 1 :]  # [rows, size - 1]
    places = torch.arange(runs.shape[1], device=written.device)
    is_own = (places >= begins[:, None]) & (tokens - size + 1 >= begins[:, None])  # [rows, runs]
    rows, found = ((runs[:, :, :-1] == last[:, None, :]).all(dim=2) & is_own).nonzero(as_tuple=True)
    changed = logits.clone()
    changed[rows, runs[rows, found, -1]] = -torch.inf
    return changed


def repeating_tokens(written: Sequence[int], size: int) -> list[int]:
    """Returns the tokens that would end a run of a text for the second time.

    Args:
        written: its tokens.
        size: tokens of a run, 1 or more.

    >>> repeating_tokens([7, 8, 9, 7, 8], size=3)
    [9]
    """
    last = list(written[len(written) - size + 1 :])
    runs = range(len(written) - size + 1)
    return [written[place + size - 1] for place in runs if list(written[place : place + size - 1]) == last]
