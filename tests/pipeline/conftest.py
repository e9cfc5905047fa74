"""What the tests of runs and reports share: a reader of pages, a small language model, teachers and students."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.pipeline.text_recipes import texts_recipe

from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import run_recipe
from penjing.progress import Silent

_VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that every element is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text, self.style, self._open = "", "", list[str]()
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "style":
            self.style += data
        else:
            self.text += data

    def attributes(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def read_page() -> Callable[[str], Page]:
    """Reads HTML; it fails where an element is not closed."""
    return Page


@pytest.fixture(scope="session")
def language_recipe(small_recipe: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """A function that writes reviews into a folder and returns a recipe for a small language model of them."""

    def make(folder: Path, family: str = "llama", objective: str = "causal") -> dict[str, Any]:
        recipe = small_recipe(folder, family)
        training = {"batch_tokens": 256, "window_tokens": 32, "evaluations": 2, "precision": "fp32", "device": "cpu"}
        return {
            "name": "small-lm",
            "corpus": {"path": recipe["data"]["path"], "held_out": 0.1},
            "pretrain": {"objective": objective, "compile": "off", **training},
            "report": {"examples": ["a lovely", "the <plot> & the"]},
            **{section: recipe[section] for section in ("tokenizer", "model", "evaluate")},
        }

    return make


@pytest.fixture(scope="session")
def small_language_run(tmp_path_factory: pytest.TempPathFactory, language_recipe: Callable[..., dict[str, Any]]) -> Any:
    """A finished run of a small language model (a `RunResult`); nobody may change it."""
    folder = tmp_path_factory.mktemp("small-lm")
    recipe = check_recipe(language_recipe(folder), "small-lm")
    return run_recipe(recipe, folder / "out", Silent(), ["penjing", "run", "small-lm.toml"])


_SHAPES: dict[str, dict[str, Any]] = {
    "llama": {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 24, "max_position_embeddings": 64},
    "lstm": {"embedding_size": 16, "num_hidden_layers": 1},
    "t5": {"d_kv": 8, "d_ff": 24, "num_layers": 1, "num_heads": 2},
}


def _shape(family: str, width: int) -> dict[str, Any]:
    return {**_SHAPES[family], ("d_model" if family == "t5" else "hidden_size"): width}


def _chat_recipe(folder: Path, family: str) -> dict[str, Any]:
    """Writes dialogues in which the assistant says what the user said, twice, and returns the recipe of a teacher."""
    rng = random.Random(0)
    rows = []
    for _ in range(80):
        colors = rng.choices(("red", "blue", "green", "gray", "pink"), k=rng.randint(1, 3))
        said = [("user", color, "assistant", f"{color} {color}") for color in colors]
        messages = [{"role": role, "content": text} for turn in said for role, text in (turn[:2], turn[2:])]
        rows.append(json.dumps({"messages": messages}))
    (folder / "chats.jsonl").write_text("\n".join(rows), encoding="utf-8")
    return {
        "name": "teacher",
        "task": "chat",
        "data": {"path": str(folder / "chats.jsonl")},
        "tokenizer": {"kind": "bpe", "vocab_size": 320},
        "model": {"family": family, "shape": _shape(family, 32)},
        "render": {"max_tokens": 48},
        "finetune": {"epochs": 2, "learning_rate": 5e-3, "batch_rows": 16, "precision": "fp32", "device": "cpu"},
        "write": {"max_tokens": 12},
        "evaluate": {"resamples": 100, "candidates": 4, "questions": 10, "mistakes": 3},
    }


def _student_recipe(recipe: dict[str, Any], teacher: Path, family: str = "llama", **distill: Any) -> dict[str, Any]:
    """Returns the recipe of a smaller model that learns from a teacher."""
    taught = {"teacher": str(teacher), **distill}
    return {
        **recipe,
        "name": "student",
        "tokenizer": {"start": str(teacher)},
        "model": {"family": family, "shape": _shape(family, 16)},
        "finetune": {**recipe["finetune"], "distill": taught},
    }


@pytest.fixture(scope="session")
def teacher_recipe() -> Callable[..., dict[str, Any]]:
    """A function that writes rows into a folder and returns a recipe for a model that goes on with texts, or chats."""

    def make(folder: Path, task: str = "generate", family: str = "llama") -> dict[str, Any]:
        return (
            _chat_recipe(folder, family)
            if task == "chat"
            else {**texts_recipe(folder, family, _shape(family, 32)), "name": "teacher"}
        )

    return make


@pytest.fixture(scope="session")
def student_recipe() -> Callable[..., dict[str, Any]]:
    """A function that returns the recipe of a smaller model, given that of its teacher and the folder of that."""
    return _student_recipe
