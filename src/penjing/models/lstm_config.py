"""The numbers of an LSTM, and those of one as deep as a recipe asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from penjing.models.config import Head, NetworkConfig


@dataclass(frozen=True)
class LstmConfig(NetworkConfig):
    """The numbers of an LSTM.

    Attributes:
        embedding_size: width of the word embeddings.
        hidden_size: width of each direction.
        num_hidden_layers: layers of each direction.
        bidirectional: whether a second stack reads from the end to the beginning.
        pooling: what a classifier reads: ``last``, the last token of the one direction and the first of the other;
            or ``mean``, ``max``, both of them (``mean_max``), or a learned ``attention`` over all tokens.
        dropout: between layers and below the head.
        embedding_dropout: above the embeddings.
        tie_embeddings: whether words are scored with their own embeddings (Press & Wolf 2017, arXiv 1608.05859).
        initializer_range: spread of the embeddings and heads at the start.

    Raises:
        UsageError: a number is impossible.
    """

    model_type: ClassVar[str] = "lstm"
    class_names: ClassVar[Mapping[Head, str]] = {
        "backbone": "LstmModel",
        "language": "LstmForCausalLM",
        "classifier": "LstmForSequenceClassification",
    }

    embedding_size: int = 128
    hidden_size: int = 128
    num_hidden_layers: int = 1
    bidirectional: bool = True
    pooling: Literal["last", "mean", "max", "mean_max", "attention"] = "mean_max"
    dropout: float = 0.2
    embedding_dropout: float = 0.2
    tie_embeddings: bool = True
    initializer_range: float = 0.1

    def is_of_hub(self, head: Head) -> bool:
        return False

    @property
    def directions(self) -> int:
        """1, or 2 where bidirectional."""
        return 2 if self.bidirectional else 1


def shape_of_depth(depth: int) -> dict[str, Any]:
    """Returns the shape of an LSTM as wide as the other families at a depth; a quarter as many layers do for it."""
    width = 64 * depth
    return {"embedding_size": width, "hidden_size": width, "num_hidden_layers": max(1, depth // 4)}
