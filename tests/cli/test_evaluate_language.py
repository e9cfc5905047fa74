"""``penjing evaluate`` of language models through the real command line."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from penjing.cli.evaluate_language import is_language_model
from penjing.models.bert import BERT
from penjing.models.llama import LLAMA
from penjing.pipeline.model_folder import write_network
from penjing.text.tokenizer import train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

PAIRS = [("They sleep.", "They sleeps."), ("She runs.", "She run."), ("He eats.", "He eat.")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the language models ``lm`` and ``masked``, whose weights are random, with texts and with pairs."""
    place = tmp_path_factory.mktemp("evaluate")
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    for name, architecture, kind in (("lm", LLAMA, "bpe"), ("masked", BERT, "wordpiece")):
        settings = TokenizerSettings.model_validate({"kind": kind, "vocab_size": 300})
        tokenizer = train_tokenizer([["a lovely film"] * 3], settings)
        config = architecture.config_from_dict(
            {**shape, "vocab_size": tokenizer.vocab_size, "max_position_embeddings": 32}
        )
        network = architecture.language_model(config)
        architecture.initialize(network, config, 0)
        write_network(place / name, network, architecture, config, tokenizer, head="language")
    (place / "texts.txt").write_text("a lovely film\n\n很好看 🎬\nx\n" + "a long film " * 20 + "\n", encoding="utf-8")
    rows = [json.dumps({"sentence_good": good, "sentence_bad": bad}) for good, bad in PAIRS]
    (place / "pairs.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    with zipfile.ZipFile(place / "pairs.zip", "w") as archive:
        archive.writestr("data/one.jsonl", "\n".join(rows))
        archive.writestr("data/two.jsonl", "\n".join(rows[:2]))
    (place / "broken.zip").write_bytes((place / "pairs.zip").read_bytes()[:-30])
    (place / "latin.txt").write_bytes(b"a film\ncaf\xe9\n")
    (place / "empty.txt").write_bytes(b"")
    return place


def test_what_is_in_the_data_decides_what_is_measured(cli: Any, folder: Path) -> None:
    commands = {
        "texts": ["evaluate", "lm", "texts.txt", "--train", "texts.txt"],
        "masked": ["evaluate", "masked", "texts.txt"],
        "standard input": ["evaluate", "lm", "-", "--text", "review"],
        "zip": ["evaluate", "lm", "pairs.zip", "--pairs-per-set", "2"],
        "table": ["evaluate", "masked", "pairs.jsonl"],
    }
    stdin = b"review\na lovely film\n"
    calls = {name: cli.call(folder, [*args, "--json"], stdin) for name, args in commands.items()}
    finished = cli.run_all(calls)
    assert {name: (done.code, done.err) for name, done in finished.items()} == dict.fromkeys(commands, (0, ""))
    found = {name: json.loads(done.out) for name, done in finished.items()}
    assert (found["texts"]["documents"], found["texts"]["windowed_documents"]) == (4, 1)
    assert found["texts"]["scores"]["bits_per_byte"]["low"] < found["texts"]["scores"]["bits_per_byte"]["high"]
    assert set(found["texts"]["baselines"]) == set(found["texts"]["differences"]) | {"xz"}
    assert "pseudo_bits_per_byte" in found["masked"]["scores"]
    assert found["standard input"]["bytes"] == len("a lovely film")
    assert (found["zip"]["pairs"], found["zip"]["pairs_given"], found["zip"]["pairs_per_set"]) == (4, 5, 2)
    assert set(found["zip"]["by_set"]) == {"one", "two"}
    assert set(found["table"]["by_set"]) == {"pairs"}
    assert found["table"]["baselines"]["random"]["value"] == 0.5


def test_scores_are_shown_as_tables(cli: Any, folder: Path) -> None:
    commands = {
        "texts": ["evaluate", "lm", "texts.txt", "--train", "texts.txt"],
        "masked": ["evaluate", "masked", "texts.txt"],
        "pairs": ["evaluate", "lm", "pairs.zip", "--pairs-per-set", "2"],
    }
    finished = cli.run_all({name: cli.call(folder, args) for name, args in commands.items()})
    assert {name: (done.code, done.err) for name, done in finished.items()} == dict.fromkeys(commands, (0, ""))
    for words in ("4 texts", "Bits per byte", "trigram-kneser-ney", "xz", "1 of 4 texts are longer than the model"):
        assert words in finished["texts"].out
    for words in ("Pseudo-bits per byte", "guessed from both sides", "The tokenizer gives back 1 of 4 texts"):
        assert words in finished["masked"].out
    for words in ("5 minimal pairs in 2 sets, 4 of them asked", "a coin", "50.0%", "set one", "set two"):
        assert words in finished["pairs"].out


def test_wrong_calls_and_broken_data_are_refused_in_one_paragraph(cli: Any, folder: Path, trained: Any) -> None:
    classifier = str(trained[0].model)
    commands: dict[str, tuple[list[str], int, list[str]]] = {
        "zip that is cut off": (["lm", "broken.zip"], 1, ["broken.zip: the zip is damaged", "Fetch it again"]),
        "zip that is not there": (["lm", "none.zip"], 2, ["none.zip"]),
        "text that is no UTF-8": (["lm", "latin.txt"], 1, ["latin.txt, line 2", "0xE9"]),
        "empty file": (["lm", "empty.txt"], 1, ["empty.txt: the file is empty"]),
        "column that is not there": (["lm", "pairs.jsonl", "--columns", "a"], 2, ['no column "text"']),
        "sample of texts": (["lm", "texts.txt", "--pairs-per-set", "3"], 2, ["there are no minimal pairs"]),
        "training texts for pairs": (["lm", "pairs.zip", "--train", "texts.txt"], 2, ["minimal pairs are no texts"]),
        "sample for a classifier": ([classifier, "rows.csv", "--pairs-per-set", "3"], 2, ["is for language models"]),
    }
    calls = {name: cli.call(folder, ["evaluate", *args]) for name, (args, _, _) in commands.items()}
    for name, finished in cli.run_all(calls).items():
        _, code, words = commands[name]
        finished.assert_refused(code, *words)


def test_folder_says_whether_it_is_a_language_model(tmp_path: Path, folder: Path, trained: Any) -> None:
    assert is_language_model(folder / "lm")
    assert is_language_model(folder / "masked")
    assert not is_language_model(trained[0].model)
    for content in ("{", "[]", '{"architectures": ["BertModel"]}', '{"architectures": 3}'):
        (tmp_path / "penjing.json").write_text("{}", encoding="utf-8")
        (tmp_path / "config.json").write_text(content, encoding="utf-8")
        assert not is_language_model(tmp_path)
    assert not is_language_model(tmp_path / "none")
