"""What a user had, read in order by a decoder's layers: a state at each place, to rank what comes next by."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.errors import UsageError
from penjing.models.attention import causal_mask
from penjing.models.dropout import Dropout
from penjing.models.interface import OutputLayer
from penjing.models.item_config import ItemConfig
from penjing.models.llama import LlamaDecoderLayer, initialize
from penjing.models.rotary import RotaryModule, rotary_angles
from penjing.models.stored_names import StoredNames


class History(RotaryModule):
    """Causal self-attention over the vectors of items (Kang & McAuley 2018, arXiv 1808.09781, section III).

    The layers are those of a Llama: positions turn queries and keys instead of being added, and the feed-forward
    network is gated.

    Args:
        config: its numbers.
    """

    def __init__(self, config: ItemConfig) -> None:
        super().__init__(config.rotary, config.width)
        self.longest = config.max_position_embeddings
        self.layers = nn.ModuleList(LlamaDecoderLayer(config, layer) for layer in range(config.num_hidden_layers))
        self.norm = nn.RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.dropout = Dropout(config.hidden_dropout)

    def forward(self, vectors: Tensor, mask: Tensor | None) -> Tensor:
        """Returns a state for each place, [batch, time, dim], that has seen the items up to there.

        Args:
            vectors: of the items, [batch, time, dim].
            mask: true where there is an item, bool [batch, time]; None where nothing is padding.

        Raises:
            UsageError: a history is longer than the network's positions.
        """
        time = vectors.shape[1]
        if time > self.longest:
            raise UsageError(
                f"a history of {time} items does not fit into the {self.longest} positions of this model",
                do="Lower [render] max_items.",
            )
        angles = rotary_angles(self.frequencies, 0, time)
        seen = None if mask is None else causal_mask(time, time, mask, None, vectors.device)
        hidden: Tensor = self.dropout(vectors)
        for layer in self.layers:
            hidden = layer(hidden, angles, seen, None)
        states: Tensor = self.dropout(self.norm(hidden))
        return states


class HistoryRanker(nn.Module):
    """Ranks items by the states of histories.

    Attributes:
        history: reads what a user had.
        texts: of all items, number 0 among them.
    """

    stored_names: ClassVar[StoredNames] = StoredNames("history.")
    history: History
    texts: Tensor

    @property
    def backbone(self) -> History:
        """What reads histories."""
        return self.history

    def put_texts(self, texts: Tensor) -> None:
        """Sets the texts of all items, number 0 among them; see `WordTower` and `VectorTower`."""
        self.texts = texts

    def item_vectors(self) -> Tensor:
        """Returns the vectors of all items, number 0 among them, [items + 1, dim]."""
        raise NotImplementedError

    def rank_by(self, hidden: Tensor, vectors: Tensor) -> OutputLayer:
        """Returns what scores items, given their vectors [items, dim], by states [..., dim]."""
        raise NotImplementedError

    def output_layer(self, hidden: Tensor) -> OutputLayer:
        """Returns what scores all items by states [..., dim]."""
        return self.rank_by(hidden, self.item_vectors())

    def score(self, hidden: Tensor) -> Tensor:
        """Returns the scores of all items, number 0 among them, [..., items + 1]."""
        return F.linear(*self.output_layer(hidden))


@torch.no_grad()
def initialize_ranker(network: nn.Module, config: ItemConfig, seed: int | torch.Generator) -> None:
    """Sets all weights as in a Llama; padding has zeros."""
    initialize(network, config, seed)
    for module in network.modules():
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            module.weight[module.padding_idx] = 0.0


def scale_of(config: ItemConfig) -> float:
    """Returns what items' vectors are multiplied by where they are read, as in SASRec's code: the root of the width."""
    return math.sqrt(config.hidden_size)
