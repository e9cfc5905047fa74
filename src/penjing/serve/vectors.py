"""Vectors of texts for ``/v1/embeddings``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from penjing.inference.embedding import TextEncoder, load_encoder
from penjing.text.tokenizer import Tokenizer, load_tokenizer


@dataclass(frozen=True)
class TextVectors:
    """An encoder with its tokenizer.

    Attributes:
        encoder: makes the vectors.
        tokenizer: of the same folder.
    """

    encoder: TextEncoder
    tokenizer: Tokenizer

    def encode(self, texts: Sequence[str]) -> Sequence[NDArray[np.float32]]:
        """Returns a vector of length 1 for each text."""
        return list(self.encoder.encode(texts))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Returns how many tokens each text has, those around it included."""
        return [len(ids) + 2 for ids in self.tokenizer.encode(list(texts))]


def load_text_vectors(folder: Path) -> TextVectors:
    """Loads an encoder.

    Raises:
        PenjingError: a file is missing or broken, or the model makes no vectors.
    """
    return TextVectors(load_encoder(folder), load_tokenizer(folder))
