from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from penjing.errors import DataError
from penjing.evaluate.language import (
    NGRAM,
    XZ,
    LanguageEvaluation,
    evaluate_language_baselines,
    evaluate_language_model,
)
from penjing.inference.language_model import MeasurableModel
from penjing.inference.scorers import build_scorer
from penjing.models.bert import BERT
from penjing.models.interface import Architecture
from penjing.models.llama import LLAMA
from penjing.progress import Silent
from penjing.text.tokenizer import train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

TEXTS = ["a lovely film", "the plot drags for hours", "很好看的电影 🎬", "x"]
SHAPE = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}


def make_model(architecture: Architecture, kind: Any, positions: int = 64) -> tuple[MeasurableModel, Any]:
    tokenizer = train_tokenizer([TEXTS * 3], TokenizerSettings(kind=kind, vocab_size=300))
    values = {**SHAPE, "vocab_size": tokenizer.vocab_size, "max_position_embeddings": positions}
    config = architecture.config_from_dict(values)
    network = architecture.language_model(config)
    architecture.initialize(network, config, 0)
    scorer = build_scorer(architecture, network, config, tokenizer)
    return MeasurableModel(architecture.name, tokenizer, scorer), network


def measure(model: MeasurableModel, texts: list[str]) -> LanguageEvaluation:
    return evaluate_language_model(model, texts, resamples=100, seed=0, progress=Silent())


@torch.no_grad()
def test_scores_are_those_of_the_cross_entropy_with_the_end_counted_and_the_start_given() -> None:
    model, network = make_model(LLAMA, "bpe")
    found = measure(model, TEXTS)
    nats, tokens = 0.0, 0
    for text in TEXTS:
        ids = [model.tokenizer.start_id, *model.tokenizer.encode([text])[0], model.tokenizer.end_id]
        logits = network(torch.tensor([ids[:-1]]))[0]
        nats += float(torch.nn.functional.cross_entropy(logits, torch.tensor(ids[1:]), reduction="sum"))
        tokens += len(ids) - 1
    size, words = len("".join(TEXTS).encode()), 3 + 5 + 7 + 1
    assert found.scores["bits_per_byte"].value == pytest.approx(nats / math.log(2) / size, rel=1e-5)
    assert found.scores["token_perplexity"].value == pytest.approx(math.exp(nats / tokens), rel=1e-5)
    assert found.scores["word_perplexity"].value == pytest.approx(math.exp(nats / words), rel=1e-5)
    document = found.to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    counted = {key: document[key] for key in ("documents", "tokens", "words", "bytes", "exact_documents")}
    assert counted == {"documents": 4, "tokens": tokens, "words": words, "bytes": size, "exact_documents": 4}


def test_empty_texts_are_skipped_and_long_ones_read_in_windows() -> None:
    model, _ = make_model(LLAMA, "bpe", positions=8)
    document = measure(model, ["", "a lovely film " * 20, "x"]).to_dict()
    assert (document["documents"], document["skipped_documents"], document["windowed_documents"]) == (2, 1, 1)
    with pytest.raises(DataError, match="no text to measure"):
        measure(model, ["", ""])


def test_texts_of_unknown_words_only_are_measured_and_said_to_be_inexact() -> None:
    model, _ = make_model(LLAMA, "word")
    document = measure(model, ["zzz qqq", "www"]).to_dict()
    assert (document["unknown_tokens"], document["exact_documents"]) == (3, 0)
    assert document["scores"]["bits_per_byte"]["value"] > 0


def test_scores_of_a_masked_model_have_names_of_their_own_and_no_end_is_guessed() -> None:
    model, _ = make_model(BERT, "wordpiece")
    found = measure(model, ["a lovely film"])
    assert list(found.to_dict()["scores"]) == [
        "pseudo_bits_per_byte",
        "pseudo_token_perplexity",
        "pseudo_word_perplexity",
    ]
    assert found.to_dict()["tokens"] == len(model.tokenizer.encode(["a lovely film"])[0])


@pytest.mark.parametrize(("architecture", "kind"), [(LLAMA, "bpe"), (BERT, "wordpiece")])
def test_baselines_are_measured_on_the_same_documents(architecture: Architecture, kind: str) -> None:
    model, _ = make_model(architecture, kind)
    texts = ["", *TEXTS, *TEXTS]  # of four alone no difference would be more than chance
    evaluation = measure(model, texts)
    baselines, differences = evaluate_language_baselines(
        model, evaluation, [TEXTS * 5, TEXTS], texts, resamples=100, seed=0, progress=Silent()
    )
    trigram = baselines[NGRAM]["scores"]["bits_per_byte"]["value"]
    packed = baselines[XZ]["scores"]["bits_per_byte"]
    own = evaluation.scores["bits_per_byte"].value
    assert trigram < own  # it has seen every text six times, and the model's weights are random
    assert packed["low"] is None
    assert 0 <= packed["value"] < 4
    tokens = sum(len(ids) + 1 for ids in model.tokenizer.encode(TEXTS))
    assert baselines[NGRAM]["training_tokens"] == 6 * tokens
    ratio = math.log(baselines[NGRAM]["scores"]["token_perplexity"]["value"]) * tokens / math.log(2)
    assert trigram == pytest.approx(ratio / len("".join(TEXTS).encode()))
    if architecture is BERT:
        assert differences == {}
    else:
        assert differences[NGRAM]["value"] == pytest.approx(own - trigram)
        assert 0 < differences[NGRAM]["low"] <= differences[NGRAM]["value"] <= differences[NGRAM]["high"]


def test_baselines_without_training_texts_are_refused() -> None:
    model, _ = make_model(LLAMA, "bpe")
    with pytest.raises(DataError, match="no text for the n-gram baseline"):
        evaluate_language_baselines(model, measure(model, TEXTS), [], TEXTS, resamples=100, seed=0, progress=Silent())


def test_only_the_first_training_tokens_and_the_last_texts_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = make_model(LLAMA, "bpe")
    monkeypatch.setattr("penjing.evaluate.language._NGRAM_TOKENS", 10)
    monkeypatch.setattr("penjing.evaluate.language._PRIMING_CHARACTERS", 20)
    batches = [["a lovely film"], ["the plot drags"] * 4, ["x"] * 15]
    baselines, _ = evaluate_language_baselines(
        model, measure(model, TEXTS), batches, TEXTS, resamples=100, seed=0, progress=Silent()
    )
    assert baselines[NGRAM]["training_tokens"] <= 10
    assert baselines[XZ]["training_bytes"] == 15 * 2 + 15  # fifteen "x", one text more, and their line ends


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    model, network = make_model(LLAMA, "bpe")
    with torch.no_grad():
        network.input_embeddings.weight[:] = np.nan
    with pytest.raises(DataError, match="gives no finite probability"):
        measure(model, TEXTS)
