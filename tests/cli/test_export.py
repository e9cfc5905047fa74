"""``penjing export`` and ``penjing import`` through the real command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from penjing.models.bert import BERT
from penjing.models.llama import LLAMA
from penjing.pipeline.kinds.kind import Outputs
from penjing.pipeline.model_folder import write_network
from penjing.text.tokenizer import train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

SHAPE = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the language model ``lm``, whose weights are random, and texts."""
    place = tmp_path_factory.mktemp("export")
    tokenizer = train_tokenizer([["a lovely film"] * 3], TokenizerSettings(kind="bpe", vocab_size=300))
    config = LLAMA.config_from_dict({**SHAPE, "vocab_size": tokenizer.vocab_size, "max_position_embeddings": 64})
    network = LLAMA.language_model(config)
    LLAMA.initialize(network, config, 0)
    write_network(place / "lm", network, LLAMA, config, tokenizer, head="language")
    (place / "texts.txt").write_text("a lovely film\na film\n", encoding="utf-8")
    return place


def test_export_prints_one_document_and_the_proof_lies_in_the_folder(cli: Any, folder: Path) -> None:
    done = cli.run("export", "lm", "lm-int8", "--to", "int8", "--data", "texts.txt", "--json", cwd=folder)
    assert done.code == 0, done.err
    printed = json.loads(done.out)
    assert printed["parity"] == json.loads((folder / "lm-int8" / "parity.json").read_text(encoding="utf-8"))
    assert printed["parity"]["task"]["before"]["texts"] == 2
    made = cli.run("generate", "lm-int8", "a", "--max-tokens", "2", cwd=folder)
    assert made.code == 0, made.err


def test_a_classifier_of_the_hub_can_be_asked_as_soon_as_it_is_taken_in(cli: Any, folder: Path) -> None:
    pytest.importorskip("transformers", reason="transformers is not installed")
    tokenizer = train_tokenizer([["a lovely film"] * 3], TokenizerSettings(kind="wordpiece", vocab_size=300))
    config = BERT.config_from_dict({**SHAPE, "pooling": "cls", "vocab_size": tokenizer.vocab_size})
    network, outputs = BERT.classifier(config, 2), Outputs(("LABEL_0", "LABEL_1"))
    BERT.initialize(network, config, 0)
    write_network(folder / "hub", network, BERT, config, tokenizer, head="classifier", outputs=outputs)
    done = cli.run("import", "hub", "mood", "--task", "sentiment", "--labels", "差评, 好评", cwd=folder)
    assert done.code == 0, done.err
    assert "task sentiment (差评, 好评): penjing predict and penjing serve take it" in done.out
    asked = cli.run("predict", "mood", "a lovely film", "--json", cwd=folder)
    assert set(json.loads(asked.out)[0]["probabilities"]) == {"差评", "好评"}


def test_wrong_calls_are_refused_in_one_paragraph(cli: Any, folder: Path) -> None:
    calls = [
        (("export", "lm", "x", "--to", "ggfu"), 2, ("ggfu", 'Did you mean "gguf"')),
        (("export", "lm", "x", "--to", "gguf", "--type", "q8"), 2, ('gguf has no type "q8"',)),
        (("export", "lm", "texts.txt", "--to", "int8"), 2, ("texts.txt", "there is something already")),
        (("export", "lm", "x", "--to", "onnx"), 2, ("family llama", "--to gguf")),
        (("export", "lm", "x", "--to", "merged"), 2, ("no adapter is given", "--adapter")),
        (("export", "none", "x", "--to", "int8"), 2, ("there is no such folder",)),
        (("import", "none.gguf", "x"), 2, ("no such file or folder",)),
        (("import", "texts.txt", "x"), 1, ("texts.txt", "no GGUF")),
        (("import", "lm", "x", "--base", "lm"), 2, ("--base is for adapters",)),
        (("import", "lm", "x", "--labels", "a,b"), 2, ("--task and --labels are for classifiers",)),
        (("import", "texts.txt", "x", "--task", "sentiment"), 2, ("--task and --labels are for folders of the hub",)),
    ]
    for args, code, words in calls:
        cli.run(*args, cwd=folder).assert_refused(code, *words)
    assert not (folder / "x").exists()
