"""SASRec (Kang & McAuley 2018, arXiv 1808.09781) over ids and texts: what a user had, in order, ranks what comes next.

An item's vector is one of its own plus that of its text. It is trained by the cross-entropy over all items, which is
what makes it strong (Klenitskiy & Vasilev 2023, arXiv 2309.07602).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from penjing.models.history import History, HistoryRanker, initialize_ranker, scale_of
from penjing.models.interface import Architecture, OutputLayer
from penjing.models.item_config import SasRecConfig
from penjing.models.item_texts import text_tower
from penjing.models.llama import training_flops_per_token
from penjing.models.llama_config import shape_of_depth

FRESH_SHAPE = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 128,
    "attention_dropout": 0.1,
}


class SasRec(HistoryRanker):
    """Ranks items by ids and texts.

    Args:
        config: its numbers.
    """

    def __init__(self, config: SasRecConfig) -> None:
        super().__init__()
        self.config = config
        self.items = nn.Embedding(config.num_items + 1, config.hidden_size, padding_idx=0)
        self.text_tower = text_tower(config)
        self.history = History(config)
        self.register_buffer("texts", self.text_tower.no_texts(config.num_items + 1), persistent=False)

    @property
    def input_embeddings(self) -> nn.Embedding:
        return self.items

    def text_vectors(self, texts: Tensor) -> Tensor:
        """Returns the vectors of items that are known by their texts alone, [items, dim]."""
        vectors: Tensor = self.text_tower(texts)
        return vectors

    def item_vectors(self) -> Tensor:
        """Returns the vectors of all items, number 0 among them, [items + 1, dim]; in training some lack their own."""
        own = self.items.weight
        if self.training and self.config.id_dropout:
            own = own * (torch.rand(len(own), 1, device=own.device) >= self.config.id_dropout)
        return own + self.text_vectors(self.texts)

    def read(self, vectors: Tensor, mask: Tensor | None) -> Tensor:
        """Returns states of histories given as vectors, [batch, time, dim]; see `History`."""
        states: Tensor = self.history(vectors * scale_of(self.config), mask)
        return states

    def encode(self, ids: Tensor, attention_mask: Tensor | None = None, *, documents: Tensor | None = None) -> Tensor:
        """Returns a state for each place of histories of item numbers, [batch, time, dim]."""
        return self.read(self.item_vectors()[ids], attention_mask)

    def rank_by(self, hidden: Tensor, vectors: Tensor) -> OutputLayer:
        """Returns what scores items, given their vectors [items, dim], by states [..., dim]."""
        return OutputLayer(hidden, vectors, None)


def no_classifier(config: SasRecConfig, labels: int) -> nn.Module:
    """Such a network ranks items and does not label texts; nobody asks for it (`Architecture.ranks_items`)."""
    raise NotImplementedError


SASREC = Architecture(
    name="sasrec",
    config_class=SasRecConfig,
    objectives=frozenset(),
    language_model=SasRec,
    classifier=no_classifier,
    initialize=initialize_ranker,
    fresh_shape=FRESH_SHAPE,
    shape_of_depth=shape_of_depth,
    learning_rate=2e-3,
    dial_rate=2e-3,
    embedding_size=lambda config: int(config.hidden_size),
    training_flops_per_token=training_flops_per_token,
    ranks_items=True,
)
