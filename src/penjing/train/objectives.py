"""What is learned: each objective turns a batch into inputs and targets, and those into a loss.

The choice of targets is made before the network runs, so that the loss of several batches can be divided by the number
of targets in all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.train.batches import Batch

if TYPE_CHECKING:
    from penjing.models.interface import LanguageModel, NextTokenModel


@dataclass(frozen=True)
class Prepared:
    """A batch with its targets.

    Attributes:
        tensors: what `Objective.loss` takes after the network.
        targets: how many predictions are scored.
        tokens: how many real tokens the network reads.
    """

    tensors: tuple[Tensor | None, ...]
    targets: int
    tokens: int


class Objective(Protocol):
    """What a trainer needs to know about what is learned.

    Attributes:
        scores_vocabulary: whether every word of the vocabulary is scored, so that all their embeddings learn.
        added_ids: token ids that `prepare` may put into a batch, int64 [ids].
    """

    @property
    def scores_vocabulary(self) -> bool: ...

    @property
    def added_ids(self) -> Tensor: ...

    def prepare(self, batch: Batch, generator: torch.Generator) -> Prepared:
        """Chooses inputs and targets; all randomness comes from ``generator``."""

    def loss(self, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
        """Returns the summed loss, and the number of right predictions, both scalars."""


def _count_tokens(batch: Batch) -> int:
    return batch.ids.numel() if batch.mask is None else int(batch.mask.sum())


class _LanguageObjective:
    """What objectives have in common that score the words of the vocabulary."""

    scores_vocabulary = True
    added_ids = torch.empty(0, dtype=torch.int64)  # any word may be put in; all are trained


class MaskedObjective(_LanguageObjective):
    """Guess hidden tokens from both sides (Devlin et al. 2019, arXiv 1810.04805).

    In every window the same number of tokens is chosen, so that shapes stay fixed. Of those, 80% are replaced by
    ``[MASK]``, 10% by a random token, 10% stay.

    Args:
        mask_rate: share of the tokens to be guessed (15% in the paper; higher can be better: Wettig et al. 2023,
            arXiv 2202.08005).
        mask_id: the id of ``[MASK]``.
        vocab_size: random tokens are drawn below it.
        special_ids: never chosen.
    """

    def __init__(self, mask_rate: float, mask_id: int, vocab_size: int, special_ids: frozenset[int]) -> None:
        self._mask_rate, self._mask_id, self._vocab_size = mask_rate, mask_id, vocab_size
        self._special = torch.tensor(sorted(special_ids))

    def prepare(self, batch: Batch, generator: torch.Generator) -> Prepared:
        ids = batch.ids  # [batch, time]
        chosen_per_row = max(1, round(self._mask_rate * ids.shape[1]))
        order = torch.rand(ids.shape, generator=generator)
        order = order.masked_fill(torch.isin(ids, self._special), 2.0)
        if batch.mask is not None:
            order = order.masked_fill(~batch.mask, 3.0)
        columns = order.argsort(dim=1)[:, :chosen_per_row]  # [batch, chosen]
        positions = (columns + torch.arange(ids.shape[0])[:, None] * ids.shape[1]).flatten()
        targets = ids.flatten()[positions]
        dice = torch.rand(positions.shape, generator=generator)
        random_ids = torch.randint(self._vocab_size, positions.shape, generator=generator)
        replaced = torch.where(dice < 0.8, self._mask_id, torch.where(dice < 0.9, random_ids, targets))
        inputs = ids.flatten().index_put((positions,), replaced).view(ids.shape)
        # A row of special tokens alone has nothing to guess: those targets are ignored by the loss.
        targets = torch.where(torch.isin(targets, self._special), -100, targets)
        return Prepared((inputs, batch.mask, positions, targets), int((targets >= 0).sum()), _count_tokens(batch))

    def loss(self, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
        ids, mask, positions, targets = cast("tuple[Tensor, Tensor | None, Tensor, Tensor]", tensors)
        model = cast("LanguageModel", network)
        hidden = model.encode(ids, mask)  # [batch, time, dim]
        logits = model.score(hidden.flatten(0, 1)[positions])  # [chosen, vocab]
        loss = F.cross_entropy(logits.float(), targets, ignore_index=-100, reduction="sum")
        return loss, (logits.argmax(dim=-1) == targets).sum()


class CausalObjective(_LanguageObjective):
    """Guess each token from those before it; with two directions also each from those after it, on its own.

    Args:
        directions: 1, or 2 for a bidirectional LSTM, whose two halves are two language models (Peters et al. 2018,
            arXiv 1802.05365).
    """

    def __init__(self, directions: int = 1) -> None:
        self._directions = directions

    def prepare(self, batch: Batch, generator: torch.Generator) -> Prepared:
        tokens = _count_tokens(batch)
        return Prepared((batch.ids, batch.mask), self._directions * (tokens - batch.ids.shape[0]), tokens)

    def loss(self, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
        ids, mask = cast("tuple[Tensor, Tensor | None]", tensors)
        model = cast("NextTokenModel", network)
        hidden, targets = model.next_token_pairs(ids, mask)  # [pairs, dim], [pairs]
        logits = model.score(hidden)  # [pairs, vocab]
        loss = F.cross_entropy(logits.float(), targets, reduction="sum")
        return loss, (logits.argmax(dim=-1) == targets).sum()


class ClassificationObjective:
    """Guess the label of a row by cross-entropy.

    Args:
        label_smoothing: share of the target spread over all labels (Szegedy et al. 2016, arXiv 1512.00567).
        token_dropout: share of the tokens that training does not see (Iyyer et al. 2015, word dropout).
        mask_id: stands in the place of those.
        special_ids: always seen.
    """

    scores_vocabulary = False

    def __init__(
        self,
        label_smoothing: float = 0.0,
        token_dropout: float = 0.0,
        mask_id: int = 0,
        special_ids: frozenset[int] = frozenset(),
    ) -> None:
        self._label_smoothing, self._token_dropout, self._mask_id = label_smoothing, token_dropout, mask_id
        self._special = torch.tensor(sorted(special_ids), dtype=torch.int64)
        self.added_ids = torch.tensor([mask_id] if token_dropout else [], dtype=torch.int64)

    def prepare(self, batch: Batch, generator: torch.Generator) -> Prepared:
        assert batch.labels is not None
        thinned = self._thin(batch.ids, generator) if self._token_dropout else batch.ids
        return Prepared((batch.ids, thinned, batch.mask, batch.labels), len(batch.labels), _count_tokens(batch))

    def _thin(self, ids: Tensor, generator: torch.Generator) -> Tensor:
        dropped = torch.rand(ids.shape, generator=generator) < self._token_dropout
        return ids.masked_fill(dropped & ~torch.isin(ids, self._special), self._mask_id)

    def loss(self, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
        ids, thinned, mask, labels = cast("tuple[Tensor, Tensor, Tensor | None, Tensor]", tensors)
        logits = network(thinned if network.training else ids, mask).float()  # [batch, labels]
        smoothing = self._label_smoothing if network.training else 0.0
        loss = F.cross_entropy(logits, labels, reduction="sum", label_smoothing=smoothing)
        return loss, (logits.argmax(dim=-1) == labels).sum()
