"""With a model of random weights, which left alone writes nothing that could be read."""

from __future__ import annotations

import builtins
import json
import re
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from penjing.errors import MissingExtraError, PenjingError, UsageError
from penjing.inference.decoding.collecting import Collected
from penjing.inference.decoding.constraints import MOST_READ, ConstraintMaker, GrammarConstraint
from penjing.inference.decoding.grammar_trial import CostlyGrammarError, GrammarTrial
from penjing.inference.decoding.interface import EngineFullError
from penjing.inference.decoding.loading import EngineSettings, Served, load_engine
from penjing.inference.decoding.request import DecodeRequest
from penjing.inference.decoding.sampler import NoTokenError
from penjing.inference.sampling import SamplingSettings
from penjing.models.llama import LLAMA
from penjing.models.weights import save_network
from penjing.text.tokenizer import Tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

llguidance = pytest.importorskip("llguidance", reason="llguidance is not installed")
jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")

TEXTS = [
    "A gripping, beautifully shot film. 🎬 The plot drags for hours.",
    "这部电影很好看,演员的表演非常出色。北京和上海",
    '{"name": "Anna", "age": 42, "tags": ["a", "b"], "ok": true, "none": null}',
]
SHAPE = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 400,
    "initializer_range": 0.3,
}
SCHEMAS: dict[str, dict[str, Any]] = {
    "enum": {"enum": ["北京", "上海", 7, None]},
    "members": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 8},
            "age": {"type": "integer", "minimum": 0, "maximum": 130},
            "ok": {"type": "boolean"},
        },
        "required": ["name", "age", "ok"],
        "additionalProperties": False,
    },
    "Chinese": {
        "type": "object",
        "properties": {
            "城市": {"enum": ["北京", "上海"]},
            "评价": {"type": "string", "pattern": "^[很好看电影]{2,6}$"},
        },
        "required": ["城市", "评价"],
        "additionalProperties": False,
    },
    "nested": {
        "type": "object",
        "properties": {
            "people": {
                "type": "array",
                "minItems": 1,
                "maxItems": 3,
                "items": {
                    "type": "object",
                    "properties": {"id": {"type": "integer", "minimum": 1, "maximum": 9}, "at": {"$ref": "#/$defs/at"}},
                    "required": ["id", "at"],
                    "additionalProperties": False,
                },
            }
        },
        "required": ["people"],
        "additionalProperties": False,
        "$defs": {"at": {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 2}},
    },
    "either": {"anyOf": [{"type": "null"}, {"type": "array", "items": {"const": "x"}, "maxItems": 2}]},
}


@pytest.fixture(scope="module", params=["bpe", "unigram"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An engine of a model of random weights."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    tokenizer = train_tokenizer([TEXTS], TokenizerSettings(kind=request.param, vocab_size=330, reserved=4))
    config = LLAMA.config_from_dict({**SHAPE, "vocab_size": tokenizer.vocab_size, "pad_token_id": tokenizer.pad_id})
    network = LLAMA.language_model(config)
    LLAMA.initialize(network, config, 0)
    save_network(folder, network, LLAMA.config_to_dict(config, head="language"))
    tokenizer.save(folder)
    found = load_engine(folder, EngineSettings(weights="fp32", kernels="torch", device="cpu"))
    yield found
    found.engine.close()


@pytest.fixture(scope="module")
def maker(served: Served) -> ConstraintMaker:
    return ConstraintMaker(served.tokenizer, served.end_ids)


def write(served: Served, constraints: list[GrammarConstraint], tokens: int = 300) -> list[tuple[str, str]]:
    """Returns what is written beside each other with different seeds, and why each ended."""
    sinks = [Collected() for _ in constraints]
    for seed, (constraint, sink) in enumerate(zip(constraints, sinks, strict=True)):
        settings = SamplingSettings(tokens, temperature=1.0, seed=seed)
        prompt = (served.tokenizer.start_id,)
        served.engine.submit(DecodeRequest(prompt, settings, served.end_ids, None, constraint), sink)
    return [(served.tokenizer.decode(sink.wait()), str(sink.reason)) for sink in sinks]


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_output_is_json_by_the_schema(served: Served, maker: ConstraintMaker, name: str) -> None:
    schema = SCHEMAS[name]
    outputs = write(served, [maker.json_schema(schema) for _ in range(16)])
    for text, reason in outputs:
        assert reason == "stop"
        jsonschema.validate(json.loads(text), schema)
    assert len({text for text, _ in outputs}) > 1  # it is the model that chooses


def test_any_json_object_is_one_or_the_beginning_of_one(served: Served, maker: ConstraintMaker) -> None:
    outputs = write(served, [maker.json_object() for _ in range(16)], tokens=120)
    ended = [text for text, reason in outputs if reason == "stop"]
    assert ended
    for text in ended:
        assert isinstance(json.loads(text), dict)
    assert all(text.startswith("{") for text, _ in outputs)


@pytest.mark.parametrize("pattern", [r"[0-9]{3}-[0-9]{4}", r"(好|坏){1,5}。", r"(yes|no)( 🎬)?", r"[^a-z\n]{5}"])
def test_every_output_is_matched_from_beginning_to_end(served: Served, maker: ConstraintMaker, pattern: str) -> None:
    for text, reason in write(served, [maker.regex(pattern) for _ in range(12)]):
        assert reason == "stop"
        assert re.fullmatch(pattern, text)


def test_texts_are_held_to_their_own_grammar(served: Served, maker: ConstraintMaker) -> None:
    outputs = write(served, [maker.regex("a{4}"), maker.regex("b{6}"), maker.regex("a{4}")])
    assert [text for text, _ in outputs] == ["aaaa", "bbbbbb", "aaaa"]


def test_end_is_allowed_where_the_grammar_may_end_and_only_there(served: Served, maker: ConstraintMaker) -> None:
    constraint, tokenizer = maker.regex("ab?"), served.tokenizer
    (first,), (second,) = tokenizer.encode(["a"])[0][-1:], tokenizer.encode(["b"])[0][-1:]
    ends = sorted(served.end_ids)
    assert not constraint.allowed()[ends].any()
    constraint.accept(first)
    assert constraint.allowed()[ends].all()
    assert constraint.may_end
    constraint.accept(second)
    assert set(np.flatnonzero(constraint.allowed())) == set(ends)


def test_special_tokens_are_never_text(maker: ConstraintMaker, served: Served) -> None:
    allowed = maker.regex("(.|\n)+").allowed()
    others = served.tokenizer.added_ids - served.end_ids
    assert others
    assert not allowed[sorted(others)].any()


def test_token_that_is_not_allowed_is_refused(maker: ConstraintMaker, served: Served) -> None:
    with pytest.raises(PenjingError, match="does not go on after the token"):
        maker.regex("[0-9]+").accept(served.tokenizer.encode(["x"])[0][-1])


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"not": {"type": "string"}}, "not"),
        ({"type": "strin"}, "strin"),
        ({"$ref": "https://example.com/schema.json"}, "example.com"),
        ({"type": "string", "pattern": "(?=a)b"}, "look-around"),
        ({"minimum": 3, "maximum": 1, "type": "integer"}, "cannot be kept to"),
        ({"enum": []}, "cannot be kept to"),
        ({"type": "string", "description": "x" * 200_000}, "characters"),
        ({"type": {1, 2}}, "no JSON"),
    ],
    ids=str,
)
def test_schema_that_cannot_be_kept_to_is_refused(maker: ConstraintMaker, schema: Mapping[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        maker.json_schema(schema)


@pytest.mark.parametrize("pattern", ["[a", "(?=a)b", "(?<!x)y", r"(a)\1", "a^b", "x" * 200_000])
def test_expression_that_cannot_be_kept_to_is_refused(maker: ConstraintMaker, pattern: str) -> None:
    with pytest.raises(UsageError, match=r"regular expression"):
        maker.regex(pattern)


@pytest.mark.parametrize("pattern", ["(a{1000}){1000}", "(.*a){300}", "((a+)+)+$|x", "(x+x+)+y", "[ab]*a[ab]{2000}"])
def test_costly_expression_is_refused_or_followed_in_little_time(maker: ConstraintMaker, pattern: str) -> None:
    began = time.monotonic()
    try:
        constraint = maker.regex(pattern)
        for _ in range(30):
            allowed = np.flatnonzero(constraint.allowed())
            if not len(allowed):
                break
            constraint.accept(int(allowed[0]))
    except PenjingError:
        pass
    assert time.monotonic() - began < 10


def test_grammar_that_leads_no_further_ends_its_text_alone(served: Served, maker: ConstraintMaker) -> None:
    prompt = (served.tokenizer.start_id,)
    settings = SamplingSettings(200, temperature=1.0, seed=1)
    asked = DecodeRequest(prompt, settings, frozenset())
    beside, stuck = Collected(), Collected()
    served.engine.submit(asked, beside)
    # The token is among those that are allowed, and then its expressions become too many.
    constraint = maker.regex("(?:a?){500}a{500}")
    served.engine.submit(DecodeRequest(prompt, SamplingSettings(200), served.end_ids, None, constraint), stuck)
    assert len(beside.wait()) == 200
    with pytest.raises(NoTokenError, match="the grammar"):
        stuck.wait()


HOURS: dict[str, dict[str, Any]] = {
    "patterns": {"allOf": [{"type": "string", "pattern": f".*{sign}.*"} for sign in "abcdefghijklmnopqrstuvwxyz"]},
    "multiples": {"type": "integer", "multipleOf": 9_999_991},
}


@pytest.mark.parametrize("name", HOURS)
def test_schema_that_would_take_hours_is_refused_soon_and_known_then(served: Served, name: str) -> None:
    careful = ConstraintMaker(served.tokenizer, served.end_ids, tries=True)
    with pytest.raises(UsageError, match="takes more than 2 seconds"):
        careful.json_schema(HOURS[name])
    began = time.monotonic()
    with pytest.raises(UsageError, match="takes more than 2 seconds"):
        careful.json_schema(HOURS[name])
    assert time.monotonic() - began < 1
    assert write(served, [careful.regex("yes|no")])[0][0] in ("yes", "no")


def test_grammars_that_are_known_do_not_wait_for_one_that_is_read(served: Served) -> None:
    careful = ConstraintMaker(served.tokenizer, served.end_ids, tries=True)
    careful.json_object()
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(careful.json_schema, HOURS["patterns"])
        while not (slow.running() or slow.done()):
            time.sleep(0.01)
        careful.json_object()
        assert not slow.done()
        with pytest.raises(UsageError, match="Make it simpler"):
            slow.result()


def test_more_grammars_at_once_than_may_wait_are_refused(served: Served) -> None:
    careful = ConstraintMaker(served.tokenizer, served.end_ids, tries=True)
    with ThreadPoolExecutor(2 * MOST_READ) as threads:
        asked = [threads.submit(careful.json_schema, HOURS["patterns"]) for _ in range(2 * MOST_READ)]
        wrong = [type(one.exception()) for one in asked]
    assert wrong.count(EngineFullError) >= 1
    assert wrong.count(CostlyGrammarError) >= MOST_READ
    assert len(careful.regex("yes|no").allowed()) == served.tokenizer.vocab_size


def test_process_that_was_killed_is_no_fault_of_the_next_grammar(served: Served) -> None:
    trial = GrammarTrial(served.tokenizer.to_json(), served.end_ids)
    grammar = llguidance.LLMatcher.grammar_from_regex("yes|no")
    trial.check(grammar)
    assert trial._process is not None
    trial._process.kill()
    trial._process.wait()
    trial.check(grammar)
    assert trial.close() is not None
    assert trial.close() is None


def test_what_lies_in_the_folder_of_the_server_is_not_run(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "queue.py").write_text("raise SystemExit(1)", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    GrammarTrial(served.tokenizer.to_json(), served.end_ids).check(llguidance.LLMatcher.grammar_from_regex("yes"))


def test_schema_that_is_deeply_nested_is_refused_and_not_a_crash(maker: ConstraintMaker) -> None:
    schema: dict[str, Any] = {"type": "null"}
    for _ in range(3000):
        schema = {"type": "array", "items": schema}
    with pytest.raises(UsageError):
        maker.json_schema(schema)


@pytest.mark.parametrize("kind", ["wordpiece", "word"])
def test_tokenizer_that_does_not_say_its_bytes_is_refused(kind: Any) -> None:
    tokenizer: Tokenizer = train_tokenizer([TEXTS], TokenizerSettings(kind=kind, vocab_size=330))
    with pytest.raises(UsageError, match="does not say which bytes its tokens are"):
        ConstraintMaker(tokenizer, frozenset({tokenizer.end_id})).json_object()


def test_missing_library_is_an_error_that_names_the_extra(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def refuse(name: str, *rest: Any, **named: Any) -> Any:
        if name.partition(".")[0] == "llguidance":
            raise ImportError(name)
        return imported(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match=r"penjing\[serve\]"):
        ConstraintMaker(served.tokenizer, served.end_ids).json_object()
