"""What the tests of runs and reports share: a reader of pages, and a small language model."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

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
