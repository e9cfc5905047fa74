"""What the tests share: where the real data lies, and small finished runs."""

from __future__ import annotations

import importlib.util
import json
import os
import random
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import pytest
from tests.small_data import (
    NUMBERS,
    write_events,
    write_pairs,
    write_questions,
    write_reviews,
    write_stars,
    write_subjects,
)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real data sets, from $PENJING_DATA or beside the checkout; the test is skipped where they are missing."""
    folder = Path(os.environ.get("PENJING_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the data folder {folder} is not here; set PENJING_DATA")
    return folder


@pytest.fixture(scope="session")
def recognizers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders with small entity recognizers of spaCy, English and Chinese, trained here; nobody may change them."""
    pytest.importorskip("spacy", reason="spaCy is not installed")
    folders = {}
    for language in ("en", "zh"):
        folders[language] = tmp_path_factory.mktemp("recognizers") / language
        recognizer_module().train_recognizer(language, folders[language])
    return folders


@pytest.fixture(scope="session")
def named_sentences() -> Callable[[str, int, int], list[tuple[str, list[tuple[int, int, str]]]]]:
    """A function that makes sentences of a language, so many, by a seed, with what is named in them."""
    return recognizer_module().make_sentences  # type: ignore[no-any-return]


def recognizer_module() -> Any:
    """The module that trains recognizers; tests are no package."""
    file = ROOT / "tests" / "data" / "personal" / "train_recognizer.py"
    spec = importlib.util.spec_from_file_location("train_recognizer", file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def small_recipe() -> Callable[..., dict[str, Any]]:
    """A function that writes reviews into a folder and returns a recipe for a small model of them."""
    return _small_recipe


def _small_recipe(folder: Path, family: str = "lstm") -> dict[str, Any]:
    """Writes reviews into a folder and returns a recipe for a small model of them, which takes a second."""
    if not (folder / "reviews.csv").exists():
        write_reviews(folder / "reviews.csv")
    shapes: dict[str, dict[str, int]] = {
        "lstm": {"embedding_size": 16, "hidden_size": 16},
        "bert": {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32},
        "llama": {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32},
        "t5": {"d_model": 32, "d_kv": 16, "d_ff": 32, "num_layers": 1, "num_heads": 2},
    }
    kind = {
        "lstm": {"kind": "word", "vocab_size": 300},
        "bert": {"kind": "wordpiece", "vocab_size": 400},
        "llama": {"kind": "bpe", "vocab_size": 300},
        "t5": {"kind": "wordpiece", "vocab_size": 400},
    }
    return {
        "name": "small",
        "task": "sentiment",
        "data": {"path": str(folder / "reviews.csv")},
        "tokenizer": kind[family],
        "model": {"family": family, "shape": shapes[family]},
        "render": {"max_tokens": 10},
        "finetune": {"epochs": 4, "evaluations": 2, "learning_rate": 1e-2, "precision": "fp32", "device": "cpu"},
        "evaluate": {"resamples": 100},
        "report": {"examples": ["a lovely film"]},
    }


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A finished run of a small LSTM (a `RunResult`); nobody may change it."""
    return _run(tmp_path_factory.mktemp("small-lstm"), "lstm")


@pytest.fixture(scope="session")
def small_bert_run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A finished run of a small BERT (a `RunResult`); nobody may change it."""
    return _run(tmp_path_factory.mktemp("small-bert"), "bert")


def _run(folder: Path, family: str) -> Any:
    return _finish(_small_recipe(folder, family), folder)


def _finish(recipe: dict[str, Any], folder: Path, command: Sequence[str] = ("test",)) -> Any:
    """Runs a recipe into ``out`` in a folder, and returns the `RunResult`."""
    from penjing.pipeline.recipe_file import check_recipe
    from penjing.pipeline.run import run_recipe
    from penjing.progress import Silent

    return run_recipe(check_recipe(recipe, recipe["name"]), folder / "out", Silent(), list(command))


@pytest.fixture(scope="session")
def pair_recipe(small_recipe: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """A function that writes pairs into a folder and returns a recipe for a small model that translates them."""

    def make(folder: Path, family: str = "t5") -> dict[str, Any]:
        write_pairs(folder / "pairs.csv")
        shapes: dict[str, dict[str, float]] = {
            "t5": {"d_model": 64, "d_kv": 32, "d_ff": 64, "num_layers": 1, "num_heads": 2, "dropout_rate": 0.0},
            "llama": {
                "hidden_size": 64,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "intermediate_size": 64,
                "max_position_embeddings": 64,
            },
        }
        return {
            "name": "numbers",
            "task": "translate",
            "data": {"path": str(folder / "pairs.csv")},
            "tokenizer": {"kind": "bpe", "vocab_size": 400},
            "model": {"family": family, "shape": shapes[family]},
            "render": {"max_tokens": 24, "max_target_tokens": 24},
            "finetune": {
                "epochs": 12,
                "evaluations": 2,
                "learning_rate": 3e-3,
                "batch_rows": 16,
                "label_smoothing": 0.0,
                "precision": "fp32",
                "device": "cpu",
            },
            "write": {"max_tokens": 24, "beams": 2},
            "evaluate": {"resamples": 100, "mistakes": 3},
            "report": {"examples": ["two one"]},
        }

    return make


@pytest.fixture(scope="session")
def pair_run_of(
    pair_recipe: Callable[..., dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Any]:
    """Returns the finished run of a small model of a family that translates (a `RunResult`); nobody may change it."""

    @lru_cache
    def run(family: str) -> Any:
        folder = tmp_path_factory.mktemp("pairs")
        return _finish(pair_recipe(folder, family), folder)

    return run


@pytest.fixture(scope="session", params=["t5", "llama"])
def pair_run(request: pytest.FixtureRequest, pair_run_of: Callable[[str], Any]) -> Any:
    """A finished run of a small model that translates (a `RunResult`), of each family; nobody may change it."""
    return pair_run_of(request.param)


@pytest.fixture(scope="session")
def writing_start(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Returns the folder of a tiny model of a family that could write, in the hub's layout; it has learned nothing."""

    @lru_cache
    def make(family: str) -> Path:
        from penjing.pipeline.model_folder import write_network
        from penjing.registry import load_registered
        from penjing.text.tokenizer import train_tokenizer
        from penjing.text.tokenizer_settings import TokenizerSettings

        shapes = {
            "llama": {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32},
            "t5": {"d_model": 32, "d_kv": 16, "d_ff": 32, "num_layers": 1, "num_heads": 2, "dropout_rate": 0.0},
        }
        words = [*NUMBERS, *NUMBERS.values(), *KIND, *RUDE]
        tokenizer = train_tokenizer([words * 3], TokenizerSettings(kind="bpe", vocab_size=400), 0)
        architecture = load_registered("models", family)
        positions = {"max_position_embeddings": 64} if family == "llama" else {}
        ids = {"vocab_size": 400, "pad_token_id": tokenizer.pad_id, "eos_token_id": tokenizer.end_id}
        values = {**architecture.fresh_shape, **shapes[family], **positions, **ids}
        config = architecture.config_from_dict({**values, "vocab_size": tokenizer.vocab_size})
        network = architecture.language_model(config)
        architecture.initialize(network, config, 0)
        folder = tmp_path_factory.mktemp("start") / "model"
        folder.mkdir()
        write_network(folder, network, architecture, config, tokenizer, head="language")
        return folder

    return make


KIND, RUDE = ("bitte", "gern", "danke", "willkommen"), ("sofort", "niemals", "egal", "schweig")


@pytest.fixture(scope="session")
def preference_recipe(writing_start: Callable[[str], Path]) -> Callable[..., dict[str, Any]]:
    """A function that writes preferences into a folder, and returns a recipe for a tiny model to learn them.

    What is preferred has a kind word, the other a rude one.
    """

    def make(folder: Path, family: str = "llama", rows: int = 160) -> dict[str, Any]:
        rng = random.Random(1)
        with (folder / "preferences.jsonl").open("w", encoding="utf-8") as file:
            for _ in range(rows):
                words = rng.sample(list(NUMBERS), k=rng.randint(2, 5))
                german = " ".join(NUMBERS[word] for word in words)
                answers = {"chosen": f"{german} {rng.choice(KIND)}", "rejected": f"{german} {rng.choice(RUDE)}"}
                file.write(f"{json.dumps({'prompt': ' '.join(words), **answers})}\n")
        common = {"precision": "fp32", "device": "cpu", "evaluations": 2}
        return {
            "name": "kinder",
            "task": "prefer",
            "data": {"path": str(folder / "preferences.jsonl")},
            "model": {"start": str(writing_start(family))},
            "render": {"max_tokens": 24, "max_target_tokens": 32},
            "finetune": {"epochs": 2, "batch_rows": 16, "learning_rate": 3e-3, **common},
            "write": {"max_tokens": 8, "beams": 1},
            "evaluate": {"resamples": 100, "mistakes": 3},
            "report": {"examples": ["two one three"]},
        }

    return make


@pytest.fixture(scope="session")
def label_kind_run(
    small_recipe: Callable[..., dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Any]:
    """Returns the finished run of a small BERT for ``stars`` or ``multilabel`` (a `RunResult`); not to be changed."""

    @lru_cache
    def run(task: str) -> Any:
        folder = tmp_path_factory.mktemp(task)
        recipe = {**small_recipe(folder, "bert"), "name": task, "task": task}
        path = folder / "rows.csv"
        if task == "stars":
            write_stars(path)
            recipe |= {"data": {"path": str(path)}, "explain": {"examples": 1, "mistakes": 0, "texts": 2}}
        else:
            write_subjects(path)
            recipe["data"] = {"path": str(path), "separator": "|"}
        more = {"epochs": 6} if task == "stars" else {"epochs": 30, "batch_rows": 8, "learning_rate": 3e-3}
        recipe["finetune"] = {**recipe["finetune"], **more}
        recipe["render"] = {"max_tokens": 24}
        return _finish(recipe, folder)

    return run


@pytest.fixture(scope="session")
def question_recipe() -> Callable[..., dict[str, Any]]:
    """A function that writes questions into a folder and returns a recipe for a small model that answers them."""

    def make(folder: Path) -> dict[str, Any]:
        write_questions(folder / "questions.json")
        shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
        return {
            "name": "questions",
            "task": "answer",
            "data": {"path": str(folder / "questions.json")},
            "tokenizer": {"kind": "wordpiece", "vocab_size": 400},
            "model": {"family": "bert", "shape": {**shape, "max_position_embeddings": 64}},
            "render": {"max_tokens": 24, "max_question_tokens": 8, "overlap_tokens": 5},
            "finetune": {
                "epochs": 12,
                "evaluations": 4,
                "batch_rows": 8,
                "learning_rate": 3e-3,
                "precision": "fp32",
                "dropout": 0.0,
                "device": "cpu",
            },
            "answer": {"max_answer_tokens": 4},
            "evaluate": {"resamples": 100, "mistakes": 4},
        }

    return make


@pytest.fixture(scope="session")
def question_run(question_recipe: Callable[..., dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A finished run of a small model that finds answers (a `RunResult`); nobody may change it."""
    folder = tmp_path_factory.mktemp("questions")
    return _finish(question_recipe(folder), folder, ["penjing", "run", "questions"])


@pytest.fixture(scope="session")
def written_recipe(question_recipe: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """A function that writes questions into a folder and returns a recipe for a small model that writes its answers."""

    def make(folder: Path, family: str = "t5") -> dict[str, Any]:
        shapes = {
            "t5": {"d_model": 32, "d_kv": 16, "d_ff": 32, "num_layers": 1, "num_heads": 2},
            "llama": {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32},
        }
        recipe = {key: value for key, value in question_recipe(folder).items() if key != "answer"}
        return {
            **recipe,
            "tokenizer": {"kind": "bpe", "vocab_size": 300},
            "model": {"family": family, "shape": shapes[family]},
            "render": {"max_tokens": 64, "max_target_tokens": 8},
            "write": {"max_tokens": 8, "beams": 1},
        }

    return make


@pytest.fixture(scope="session")
def written_run(
    written_recipe: Callable[..., dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Any]:
    """A function that returns the finished run of a small model of a family that writes its answers (a `RunResult`)."""

    @cache
    def run(family: str) -> Any:
        folder = tmp_path_factory.mktemp("written")
        return _finish(written_recipe(folder, family), folder, ["penjing", "run", "questions.toml"])

    return run


@pytest.fixture(scope="session")
def event_recipe() -> Callable[..., dict[str, Any]]:
    """A function that writes events into a folder and returns a recipe for a small model of a family."""
    return _event_recipe


def _event_recipe(folder: Path, family: str = "sasrec") -> dict[str, Any]:
    if not (folder / "events.csv").exists():
        write_events(folder)
    return {
        "name": "things",
        "task": "recommend",
        "data": {
            "path": str(folder / "events.csv"),
            "items": str(folder / "items.csv"),
            "text": "{color} {name}",
            "cold": 0.1,
        },
        "tokenizer": {"kind": "word", "vocab_size": 300, "min_frequency": 1},
        "model": {
            "family": family,
            "shape": {"hidden_size": 32, "num_hidden_layers": 1, "intermediate_size": 48, "hidden_dropout": 0.1},
        },
        "render": {"max_items": 5},
        "finetune": {"epochs": 5, "batch_rows": 8, "learning_rate": 1e-2, "evaluations": 2, "device": "cpu"},
        "evaluate": {"resamples": 100, "mistakes": 3},
        "report": {"examples": ["r1\tr2\tr3"]},
    }


@pytest.fixture(scope="session", params=["sasrec", "two_tower"])
def event_run(request: pytest.FixtureRequest, event_run_of: Callable[[str], Any]) -> Any:
    """A finished run of a small model that ranks items (a `RunResult`); nobody may change it."""
    return event_run_of(request.param)


@pytest.fixture(scope="session")
def event_run_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """A function that gives that run for a family."""

    @lru_cache
    def run(family: str) -> Any:
        folder = tmp_path_factory.mktemp(f"things-{family}")
        return _finish(_event_recipe(folder, family), folder)

    return run
