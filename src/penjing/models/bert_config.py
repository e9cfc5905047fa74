"""The numbers of a BERT, as the hub's ``config.json`` holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from penjing.errors import UsageError
from penjing.models.config import Head, NetworkConfig

# What the hub's config can ask for that these files does not compute.
_REFUSED = {"position_embedding_type": "absolute", "is_decoder": False, "tie_word_embeddings": True}


@dataclass(frozen=True)
class BertConfig(NetworkConfig):
    """The numbers of a BERT; names and defaults are those of the hub.

    Ours is ``pooling``: what a classifier reads: ``cls``, the hub's pooler over the first token, or the ``mean``,
    ``max`` or learned ``attention`` over the last hidden states.

    Raises:
        UsageError: a number is impossible.
    """

    model_type: ClassVar[str] = "bert"
    class_names: ClassVar[Mapping[Head, str]] = {
        "backbone": "BertModel",
        "language": "BertForMaskedLM",
        "classifier": "BertForSequenceClassification",
        "span": "BertForQuestionAnswering",
    }

    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: Literal["gelu", "gelu_new", "relu"] = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    layer_norm_eps: float = 1e-12
    initializer_range: float = 0.02
    pooling: Literal["cls", "mean", "max", "attention"] = "cls"
    classifier_dropout: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hidden_size % self.num_attention_heads:
            raise UsageError(
                f"hidden_size {self.hidden_size} cannot be shared among {self.num_attention_heads} heads",
                do="Choose num_attention_heads so that it divides hidden_size; 64 numbers a head are usual.",
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, where: str = "config") -> Self:
        for key, computed in _REFUSED.items():
            if values.get(key, computed) != computed:
                raise UsageError(
                    f"{key} is {values[key]!r}, which is not computed here",
                    where=where,
                    do=f"Only {computed!r} is; choose another model.",
                )
        return super().from_dict(values, where=where)

    def is_of_hub(self, head: Head) -> bool:
        return head != "classifier" or self.pooling == "cls"


def shape_of_depth(depth: int) -> dict[str, Any]:
    """Returns the shape of an encoder of so many layers: heads of 64, four times as wide inside."""
    width = 64 * depth
    return {
        "hidden_size": width,
        "num_hidden_layers": depth,
        "num_attention_heads": depth,
        "intermediate_size": 4 * width,
    }
