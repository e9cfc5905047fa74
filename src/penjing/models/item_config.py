"""The numbers of networks that rank items: a decoder's, and those of the items and their texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from penjing.models.config import Head
from penjing.models.llama_config import LlamaConfig


@dataclass(frozen=True)
class ItemConfig(LlamaConfig):
    """The numbers of a decoder (names of the hub) that reads items in place of tokens.

    Attributes:
        vocab_size: entries of the tokenizer of the items' texts.
        num_items: items, numbered from 1.
        text_width: numbers of a text's vector where an encoder makes it; None: texts are read as words, whose vectors
            are learned with the rest.
        hidden_dropout: share dropped of the items' vectors that are read, and of the states that rank.
    """

    unused: ClassVar[tuple[str, ...]] = ("sliding_window",)

    num_items: int = 1
    text_width: int | None = None
    hidden_dropout: float = 0.3
    max_position_embeddings: int = 512

    def is_of_hub(self, head: Head) -> bool:
        return False


@dataclass(frozen=True)
class SasRecConfig(ItemConfig):
    """The numbers of a `penjing.models.sasrec.SasRec`.

    Attributes:
        id_dropout: share of the items that training knows by their text alone for a step, so that an item without a
            vector of its own can be ranked too (Volkovs et al. 2017, DropoutNet).
    """

    model_type: ClassVar[str] = "sasrec"
    class_names: ClassVar[Mapping[Head, str]] = {"language": "SasRec"}

    id_dropout: float = 0.1


@dataclass(frozen=True)
class TwoTowerConfig(ItemConfig):
    """The numbers of a `penjing.models.two_tower.TwoTower`.

    Attributes:
        temperature: cosines are divided by it.
    """

    model_type: ClassVar[str] = "two_tower"
    class_names: ClassVar[Mapping[Head, str]] = {"language": "TwoTower"}

    temperature: float = 0.07
