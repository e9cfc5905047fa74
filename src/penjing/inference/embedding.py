"""Texts as vectors of length 1, made of an encoder's last hidden states."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from string import ascii_uppercase
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from penjing.errors import ModelFolderError, UsageError
from penjing.inference.sentence_pooling import (
    SentencePooling,
    SentencePrompts,
    lowers_case,
    pool_sentences,
    read_longest,
    read_pooling,
    read_prompts,
)
from penjing.models.device import choose_device
from penjing.models.interface import LanguageModel, open_config
from penjing.models.weights import CONFIG, load_backbone, read_config
from penjing.progress import Progress, Silent, stop_if_asked
from penjing.text.batching import pad_rows, plan_by_length
from penjing.text.tokenizer import Tokenizer, load_tokenizer

_LETTERS = " ".join(ascii_uppercase)


class TextEncoder:
    """Makes vectors of texts; see `pool_sentences`.

    Args:
        network: a language model that reads both sides of a token.
        tokenizer: of the same folder.
        longest: most tokens of a text; the rest is not read.
        pooling: which states become a vector.
        prompts: what stands before a text.
    """

    def __init__(
        self,
        network: nn.Module,
        tokenizer: Tokenizer,
        longest: int,
        pooling: SentencePooling,
        prompts: SentencePrompts,
    ) -> None:
        self._network, self._tokenizer, self._longest = network.eval(), tokenizer, longest
        self._pooling, self._prompts = pooling, prompts
        self._device = next(network.parameters()).device

    @property
    def tokenizer(self) -> Tokenizer:
        """Of the same folder."""
        return self._tokenizer

    @property
    def longest(self) -> int:
        """Most tokens of a text, those around it included."""
        return self._longest

    def read(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns the tokens of each text, what stands before and around it; nothing is cut."""
        return self.surround(self._tokenizer.encode([self._prompts.alone + text for text in texts]))

    def surround(self, rows: Sequence[Sequence[int]]) -> list[list[int]]:
        """Returns the tokens of texts with those that stand around them."""
        return [[self._tokenizer.start_id, *ids, self._tokenizer.end_id] for ids in rows]

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """Returns the vector of what is looked for, of length 1, [dim]; see `encode_documents`."""
        vector: NDArray[np.float32] = self._encode([self._prompts.query + text], None)[0]
        return vector

    def encode_documents(self, texts: Sequence[str], progress: Progress | None = None) -> NDArray[np.float32]:
        """Returns a vector of length 1 for each text that may be found, [texts, dim]; what is too long is cut.

        Args:
            texts: what is read.
            progress: told how many are done.

        Raises:
            Interrupted: the user asked to stop.
        """
        return self._encode([self._prompts.document + text for text in texts], progress)

    def _encode(self, texts: list[str], progress: Progress | None) -> NDArray[np.float32]:
        rows = self.surround([ids[: self._longest - 2] for ids in self._tokenizer.encode(texts)])
        return self.encode_rows(rows, progress)

    @torch.inference_mode()
    def encode_rows(
        self, rows: Sequence[list[int]], progress: Progress | None = None, batch_tokens: int = 8192
    ) -> NDArray[np.float32]:
        """Returns a vector of length 1 for the tokens of each text, [texts, dim].

        Args:
            rows: the tokens, with those around them.
            progress: told how many are done.
            batch_tokens: most tokens in a batch, padding included.

        Raises:
            Interrupted: the user asked to stop.
        """
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        vectors: list[NDArray[np.float32]] = [np.empty(0, dtype=np.float32)] * len(rows)
        progress = progress or Silent()
        with progress.bar("embeddings", len(rows), "passages") as bar:
            for places in plan_by_length(lengths, batch_tokens, max_rows=max(1, len(rows))):
                stop_if_asked(progress)
                ids, mask = (
                    torch.from_numpy(array).to(self._device)
                    for array in pad_rows([rows[place] for place in places], self._tokenizer.pad_id)
                )
                hidden = cast("LanguageModel", self._network).encode(ids, mask)  # [batch, time, dim]
                pooled = pool_sentences(self._pooling, hidden, mask)
                for place, vector in zip(places, pooled.float().cpu().numpy(), strict=True):
                    vectors[place] = vector
                bar.advance(len(places))
        return np.stack(vectors)


def load_encoder(folder: Path, device: str = "auto") -> TextEncoder:
    """Loads an encoder from a model folder, ours or the hub's.

    Args:
        folder: with ``config.json``, ``model.safetensors`` and ``tokenizer.json``.
        device: where it computes.

    Raises:
        ModelFolderError: a file is missing or unreadable, or vectors are made there in a way that is not computed here.
        UsageError: the model reads in one direction only.
    """
    architecture, config = open_config(read_config(folder), folder / CONFIG)
    if "masked" not in architecture.objectives:
        raise UsageError(
            f"the model is of the family {architecture.name}, which does not read both sides of a token",
            where=str(folder),
            do="Give the folder of a bert.",
        )
    network = architecture.language_model(config)
    architecture.initialize(network, config, 0)
    load_backbone(network, folder)
    tokenizer, longest = load_tokenizer(folder), read_longest(folder, getattr(config, "max_position_embeddings", 512))
    if lowers_case(folder) and len(set(map(tuple, tokenizer.encode([_LETTERS, _LETTERS.lower()])))) == 2:
        what = "texts are read there in small letters, and its tokenizer tells large from small ones"
        raise ModelFolderError(what, where=str(folder), do="Give one whose tokenizer does all that is done to texts.")
    placed = network.to(choose_device(device))
    return TextEncoder(placed, tokenizer, longest, read_pooling(folder), read_prompts(folder))
