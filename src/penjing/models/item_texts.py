"""The vector of an item's text: of its words, or of what a text encoder made of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from penjing.models.item_config import ItemConfig


class WordTower(nn.Module):
    """The mean of the vectors of a text's tokens, which are learned (Joulin et al. 2017, arXiv 1607.01759, section 2).

    Args:
        config: its numbers.
    """

    def __init__(self, config: ItemConfig) -> None:
        super().__init__()
        self.pad_id = config.pad_token_id
        self.words = nn.Embedding(config.vocab_size, config.hidden_size, padding_idx=config.pad_token_id)

    def forward(self, texts: Tensor) -> Tensor:
        """Returns a vector for each text, [items, dim]; zeros for one without tokens.

        Args:
            texts: token ids, int64 [items, time].
        """
        is_token = (texts != self.pad_id)[..., None]  # [items, time, 1]
        total = (self.words(texts) * is_token).sum(dim=1)
        mean: Tensor = total / is_token.sum(dim=1).clamp(min=1)
        return mean

    def no_texts(self, items: int) -> Tensor:
        """Returns so many empty texts."""
        return torch.full((items, 1), self.pad_id, dtype=torch.int64)

    @property
    def table(self) -> nn.Embedding:
        """The vectors of the tokens."""
        return self.words


class VectorTower(nn.Module):
    """A projection of vectors that a text encoder made, which stay as they are.

    Args:
        config: its numbers.
    """

    def __init__(self, config: ItemConfig) -> None:
        super().__init__()
        assert config.text_width is not None
        self.width = config.text_width
        self.projection = nn.Linear(config.text_width, config.hidden_size, bias=False)

    def forward(self, texts: Tensor) -> Tensor:
        """Returns a vector for each text, [items, dim].

        Args:
            texts: vectors of the encoder, [items, text_width].
        """
        projected: Tensor = self.projection(texts)
        return projected

    def no_texts(self, items: int) -> Tensor:
        """Returns so many empty texts."""
        return torch.zeros(items, self.width)

    @property
    def table(self) -> nn.Linear:
        """What is learned of texts."""
        return self.projection


def text_tower(config: ItemConfig) -> WordTower | VectorTower:
    """Returns what turns texts into vectors."""
    return WordTower(config) if config.text_width is None else VectorTower(config)
