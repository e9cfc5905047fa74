"""What the tests share: where the real data lies, and small finished runs."""

from __future__ import annotations

import csv
import importlib.util
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PRAISE = ("lovely", "warm", "bright", "funny", "精彩", "动人")
BLAME = ("dull", "slow", "empty", "gray", "无聊", "拖沓")
THINGS = ("film", "plot", "scene", "actor", "story", "ending", "音乐", "画面", "camera", "dialogue")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real data sets, from $PENJING_DATA or beside the checkout; the test is skipped where they are missing."""
    folder = Path(os.environ.get("PENJING_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the data folder {folder} is not here; set PENJING_DATA")
    return folder


def write_reviews(path: Path, count: int = 120) -> None:
    """Writes reviews of three to twelve words, of two labels that a word in each tells apart."""
    rng = random.Random(0)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for number in range(count):
            label = ("positive", "negative")[number % 2]
            words = rng.choices(THINGS, k=rng.randint(2, 11))
            words.insert(rng.randrange(len(words)), rng.choice(PRAISE if label == "positive" else BLAME))
            writer.writerow([f"{' '.join(words)} {number}", label])


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
    from penjing.pipeline.recipe import check_recipe
    from penjing.pipeline.run import run_recipe
    from penjing.progress import Silent

    return run_recipe(check_recipe(_small_recipe(folder, family), "small"), folder / "out", Silent(), ["test"])
