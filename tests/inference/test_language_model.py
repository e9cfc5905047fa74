from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penjing.errors import ModelFolderError
from penjing.inference.language_model import load_language_model
from penjing.models.bert import BERT
from penjing.models.interface import Architecture
from penjing.models.llama import LLAMA
from penjing.models.lstm import LSTM
from penjing.models.weights import save_network
from penjing.progress import Silent
from penjing.text.tokenizer import Tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
SHAPES: dict[str, Any] = {"llama": SMALL, "bert": SMALL, "lstm": {"embedding_size": 16, "hidden_size": 16}}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer([["a lovely film"] * 3], TokenizerSettings(kind="bpe", vocab_size=300))


def save(folder: Path, architecture: Architecture, tokenizer: Tokenizer, entries: int) -> None:
    config = architecture.config_from_dict({**SHAPES[architecture.name], "vocab_size": entries})
    network = architecture.language_model(config)
    architecture.initialize(network, config, 0)
    save_network(folder, network, architecture.config_to_dict(config, head="language"))
    tokenizer.save(folder)


@pytest.mark.parametrize("architecture", [LLAMA, BERT, LSTM], ids=lambda kind: kind.name)
def test_texts_of_every_kind_have_a_log_probability(
    tmp_path: Path, architecture: Architecture, tokenizer: Tokenizer
) -> None:
    save(tmp_path, architecture, tokenizer, tokenizer.vocab_size)
    model = load_language_model(tmp_path)
    texts = ["a", "", "🎬🎬 很好看", "a lovely film " * 40]
    found = model.scorer.measure(model.render(texts), Silent())
    assert (found.log_probabilities <= 0).all()
    assert (found.log_probabilities[[0, 2, 3]] < 0).all()


def test_classifier_is_refused(tmp_path: Path, tokenizer: Tokenizer) -> None:
    config = LLAMA.config_from_dict({**SMALL, "vocab_size": tokenizer.vocab_size})
    save_network(tmp_path, LLAMA.classifier(config, 2), LLAMA.config_to_dict(config, head="classifier"))
    tokenizer.save(tmp_path)
    with pytest.raises(ModelFolderError, match="this is a LlamaForSequenceClassification, not a language model"):
        load_language_model(tmp_path)


def test_tokenizer_of_another_model_is_refused(tmp_path: Path, tokenizer: Tokenizer) -> None:
    save(tmp_path, LLAMA, tokenizer, tokenizer.vocab_size - 1)
    with pytest.raises(ModelFolderError, match="copy them together"):
        load_language_model(tmp_path)
