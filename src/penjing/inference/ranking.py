"""Scores items by what users had, many histories at once, in fp32."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.models.interface import ItemRanker, OutputLayer
from penjing.text.batching import pad_rows, plan_by_length

_BATCH_ITEMS = 16384


class RankingEngine:
    """Runs a network that ranks items.

    Args:
        network: an `ItemRanker`; its texts are set.

    Attributes:
        network: by which it scores.
        vectors: of all items, number 0 among them, [items + 1, dim].
    """

    @torch.inference_mode()
    def __init__(self, network: nn.Module) -> None:
        self.network = network.eval()
        self._ranker = cast("ItemRanker", network)
        self._device = next(network.parameters()).device
        self.vectors = self._ranker.item_vectors()

    @torch.inference_mode()
    def vectors_of(self, texts: Tensor) -> Tensor:
        """Returns the vectors of items that are known by their texts alone, [items, dim]; see `ItemRanker`."""
        return self._ranker.text_vectors(texts.to(self._device))

    @torch.inference_mode()
    def score(
        self, histories: Sequence[NDArray[np.int64]], *, new: Tensor | None = None, ranked: Tensor | None = None
    ) -> NDArray[np.float32]:
        """Returns the score of each item for each history.

        Args:
            histories: numbers of items, in order, as much as is read; none is empty.
            new: vectors of further items in histories, whose numbers follow those of the model's own, [new, dim].
            ranked: vectors of the items that are scored, [items, dim]; None: all of the model's, without number 0.

        Returns:
            [histories, items].
        """
        table = self.vectors if new is None else torch.cat([self.vectors, new])
        wanted = self.vectors[1:] if ranked is None else ranked
        scores = np.empty((len(histories), len(wanted)), dtype=np.float32)
        lengths = np.array([len(history) for history in histories], dtype=np.int64)
        for rows in plan_by_length(lengths, _BATCH_ITEMS, max_rows=max(1, len(histories))):
            ids, mask = pad_rows([histories[row] for row in rows], 0)
            real = torch.from_numpy(mask).to(self._device)
            states = self._ranker.read(table[torch.from_numpy(ids).to(self._device)], None if mask.all() else real)
            last = states[torch.arange(len(rows), device=self._device), real.sum(dim=1) - 1]
            scores[rows] = F.linear(*self._ranker.rank_by(last, wanted)).float().cpu().numpy()
        return scores


class KnownRanker(nn.Module):
    """A network that ranks items and learns no more: the vectors of its items are computed once.

    Args:
        engine: that runs it.
    """

    def __init__(self, engine: RankingEngine) -> None:
        super().__init__()
        self.network = engine.network
        self.register_buffer("vectors", engine.vectors.clone(), persistent=False)

    def encode(self, ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Returns a state for each place of histories of item numbers, [batch, time, dim]."""
        assert isinstance(self.vectors, Tensor)
        return cast("ItemRanker", self.network).read(self.vectors[ids], attention_mask)

    def output_layer(self, hidden: Tensor) -> OutputLayer:
        """Returns what scores all items, number 0 among them, by states [..., dim]."""
        assert isinstance(self.vectors, Tensor)
        return cast("ItemRanker", self.network).rank_by(hidden, self.vectors)
