"""Two towers: one reads what a user had, the other an item, both by texts alone; the nearer the vectors, the better.

After Huang et al. 2013 (DSSM) and Yi et al. 2019 (sampling-bias-corrected two towers). Nothing is learned of an item's
id, so a new item is ranked as well as any.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from penjing.models.history import History, HistoryRanker, initialize_ranker
from penjing.models.interface import Architecture, OutputLayer
from penjing.models.item_config import TwoTowerConfig
from penjing.models.item_texts import text_tower
from penjing.models.llama import training_flops_per_token
from penjing.models.llama_config import shape_of_depth
from penjing.models.sasrec import FRESH_SHAPE, no_classifier


class TwoTower(HistoryRanker):
    """Ranks items by texts.

    Args:
        config: its numbers.
    """

    def __init__(self, config: TwoTowerConfig) -> None:
        super().__init__()
        self.config = config
        self.text_tower = text_tower(config)
        self.history = History(config)
        self.register_buffer("texts", self.text_tower.no_texts(config.num_items + 1), persistent=False)

    @property
    def input_embeddings(self) -> nn.Embedding | nn.Linear:
        return self.text_tower.table

    def text_vectors(self, texts: Tensor) -> Tensor:
        """Returns the vectors of items by their texts, [items, dim], each of length 1."""
        return F.normalize(self.text_tower(texts), dim=-1)

    def item_vectors(self, numbers: Tensor | None = None) -> Tensor:
        """Returns the vectors of some items, or of all, number 0 among them, [items, dim]."""
        assert isinstance(self.texts, Tensor)
        return self.text_vectors(self.texts if numbers is None else self.texts[numbers])

    def read(self, vectors: Tensor, mask: Tensor | None) -> Tensor:
        """Returns states of histories given as vectors, [batch, time, dim], each of length 1."""
        return F.normalize(self.history(vectors * self.config.hidden_size**0.5, mask), dim=-1)

    def encode(self, ids: Tensor, attention_mask: Tensor | None = None, *, documents: Tensor | None = None) -> Tensor:
        """Returns a state for each place of histories of item numbers, [batch, time, dim]."""
        read, places = ids.unique(return_inverse=True)  # type: ignore[no-untyped-call]
        return self.read(self.item_vectors(read)[places], attention_mask)

    def rank_by(self, hidden: Tensor, vectors: Tensor) -> OutputLayer:
        """Returns what scores items, given their vectors [items, dim], by states [..., dim]."""
        return OutputLayer(hidden / self.config.temperature, vectors, None)


TWO_TOWER = Architecture(
    name="two_tower",
    config_class=TwoTowerConfig,
    objectives=frozenset(),
    language_model=TwoTower,
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
