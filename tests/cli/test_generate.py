"""``penjing generate`` through the real command line."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from penjing.files import read_json, write_json
from penjing.models.llama import LLAMA
from penjing.models.t5 import T5
from penjing.pipeline.model_folder import write_network
from penjing.text.tokenizer import train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the language model ``lm``, and ``t5``, which answers; their weights are random."""
    place = tmp_path_factory.mktemp("generate")
    tokenizer = train_tokenizer([["a lovely film"] * 3], TokenizerSettings(kind="bpe", vocab_size=300))
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = LLAMA.config_from_dict({**shape, "vocab_size": tokenizer.vocab_size, "max_position_embeddings": 64})
    network = LLAMA.language_model(config)
    LLAMA.initialize(network, config, 0)
    write_network(place / "lm", network, LLAMA, config, tokenizer, head="language")
    shape = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2, "tie_word_embeddings": False}
    config = T5.config_from_dict({**shape, "vocab_size": tokenizer.vocab_size})
    network = T5.language_model(config)
    T5.initialize(network, config, 0)
    write_network(place / "t5", network, T5, config, tokenizer, head="language")
    return place


def test_text_is_continued_and_the_same_seed_says_the_same(cli: Any, folder: Path) -> None:
    plain = ["generate", "lm", "A lovely", "--max-tokens", "12", "--seed", "3"]
    answer = ["generate", "t5", *plain[2:]]
    calls = {"plain": plain, "json": [*plain, "--json"], "answer": answer, "answer json": [*answer, "--json"]}
    finished = cli.run_all({name: cli.call(folder, args) for name, args in calls.items()})
    assert {name: (done.code, done.err) for name, done in finished.items()} == dict.fromkeys(calls, (0, ""))
    document = json.loads(finished["json"].out)
    assert set(document) == {"prompt", "text", "tokens", "finish_reason", "seconds", "seed"}
    assert document["tokens"] == 12
    assert finished["plain"].out.startswith("A lovely")
    # Random weights say anything; what a terminal would obey is not printed.
    assert all(c.isprintable() or c in "\n\t" for c in finished["plain"].out)
    assert finished["plain"].out == f"A lovely{shown(document)}\n"
    assert finished["answer"].out == f"{shown(json.loads(finished['answer json'].out))}\n"


def test_prompt_is_shown_where_the_model_adds_nothing(cli: Any, folder: Path, tmp_path: Path) -> None:
    calls = {}
    for name in ("lm", "t5"):
        shutil.copytree(folder / name, tmp_path / name)
        settings = read_json(tmp_path / name / "generation_config.json")
        entries = read_json(tmp_path / name / "config.json")["vocab_size"]
        write_json(tmp_path / name / "generation_config.json", {**settings, "eos_token_id": list(range(entries))})
        calls[name] = cli.call(tmp_path, ["generate", name, "A lovely"])
    finished = cli.run_all(calls)
    assert {name: (done.code, done.err) for name, done in finished.items()} == dict.fromkeys(calls, (0, ""))
    assert {name: done.out for name, done in finished.items()} == {"lm": "A lovely\n", "t5": "\n"}


def shown(document: Any) -> str:
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in document["text"])


def test_what_cannot_be_done_is_said_in_one_paragraph(cli: Any, folder: Path, trained: Any) -> None:
    calls = {
        "long": (["generate", "lm", "film " * 100], 2, "64 positions"),
        "cold": (["generate", "lm", "x", "--top-p", "0"], 2, "top_p"),
        "classifier": (["generate", str(trained[0].model), "x"], 1, "does not continue texts"),
        "nothing": (["generate", "nowhere", "x"], 2, "there is no such folder"),
        "bytes": (["generate", "lm", "\udcff"], 2, "not UTF-8"),
    }
    finished = cli.run_all({name: cli.call(folder, args) for name, (args, _, _) in calls.items()})
    for name, (_, code, words) in calls.items():
        finished[name].assert_refused(code, words)


def test_text_keeps_to_a_schema_or_an_expression_and_ends_at_a_stop_text(cli: Any, folder: Path) -> None:
    pytest.importorskip("llguidance", reason="llguidance is not installed")
    schema = {"type": "object", "properties": {"城市": {"enum": ["北京", "上海"]}}, "required": ["城市"]}
    schema["additionalProperties"] = False
    (folder / "city.json").write_text(json.dumps(schema), encoding="utf-8")
    (folder / "list.json").write_text("[1]", encoding="utf-8")
    calls = {
        "schema": ["lm", "x", "--schema", "city.json", "--json"],
        "answer": ["t5", "x", "--schema", "city.json", "--json", "--seed", "2"],
        "regex": ["lm", "x", "--regex", "[ab]{3}[0-9]?", "--json"],
        "stop": ["lm", "x", "--regex", "a{9}b", "--stop", "aaaa", "--stop", "b", "--json"],
        "no schema": ["lm", "--schema", "list.json"],
        "both": ["lm", "--schema", "city.json", "--regex", "a"],
        "wrong": ["lm", "--regex", "(?=a)b"],
    }
    done = cli.run_all({name: cli.call(folder, ["generate", *args]) for name, args in calls.items()})
    said = {name: json.loads(done[name].out) for name in ("schema", "answer", "regex", "stop")}
    for name in ("schema", "answer"):
        assert json.loads(said[name]["text"])["城市"] in ("北京", "上海")
        assert said[name]["finish_reason"] == "stop"
    assert re.fullmatch("[ab]{3}[0-9]?", said["regex"]["text"])
    assert (said["stop"]["text"], said["stop"]["finish_reason"]) == ("", "stop")
    done["no schema"].assert_refused(2, "no JSON object", "list.json")
    done["both"].assert_refused(2, "--schema and --regex")
    done["wrong"].assert_refused(2, "look-around")


def test_the_engine_writes_where_weights_are_named(cli: Any, folder: Path) -> None:
    pytest.importorskip("llguidance", reason="llguidance is not installed")
    likeliest = ["lm", "A lovely", "--max-tokens", "12", "--temperature", "0"]
    calls = {
        "plain": likeliest,
        "fp32": [*likeliest, "--weights", "fp32"],
        "json": [*likeliest, "--weights", "fp32", "--json"],
        "drawn": ["lm", "A lovely", "--max-tokens", "12", "--seed", "3", "--weights", "int8", "--json"],
        "again": ["lm", "A lovely", "--max-tokens", "12", "--seed", "3", "--weights", "int8", "--json"],
        "regex": ["lm", "x", "--regex", "a{9}b", "--stop", "b", "--weights", "bf16", "--json"],
        "long": ["lm", "film " * 100, "--weights", "fp32"],
        "t5": ["t5", "x", "--weights", "int4"],
        "wrong": ["lm", "x", "--weights", "int5"],
    }
    done = cli.run_all({name: cli.call(folder, ["generate", *args]) for name, args in calls.items()})
    assert (done["fp32"].code, done["fp32"].out) == (0, done["plain"].out)
    document = json.loads(done["json"].out)
    assert set(document) == {"prompt", "text", "tokens", "finish_reason", "seconds", "seed"}
    assert f"A lovely{shown(document)}\n" == done["plain"].out
    drawn, again = (json.loads(done[name].out) | {"seconds": 0} for name in ("drawn", "again"))
    assert drawn == again
    assert "its weights are held in bf16, not in int8" in done["drawn"].err
    assert "are held in" not in done["fp32"].err
    held = json.loads(done["regex"].out)
    assert (held["text"], held["finish_reason"]) == ("a" * 9, "stop")
    done["long"].assert_refused(2, "Shorten the prompt")
    done["t5"].assert_refused(1, "Llama family", "without --weights")
    done["wrong"].assert_refused(2, "--weights is int5", "fp32, bf16, int8, int4")
