from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import run_recipe
from penjing.progress import Silent
from penjing.tasks.label_model import LabelModel
from penjing.tasks.loading import load_model


@pytest.fixture(scope="session")
def lstm(small_recipe: Callable[..., dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> LabelModel:
    return _train(small_recipe, tmp_path_factory.mktemp("explain"), "lstm")


@pytest.fixture(scope="session")
def bert(small_recipe: Callable[..., dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> LabelModel:
    return _train(small_recipe, tmp_path_factory.mktemp("explain"), "bert")


@pytest.fixture(scope="session", params=["lstm", "bert"])
def model(request: pytest.FixtureRequest) -> LabelModel:
    """A small model with a window of 16 tokens that has learned what it was shown."""
    found: LabelModel = request.getfixturevalue(request.param)
    return found


def _train(small_recipe: Callable[..., dict[str, Any]], folder: Path, family: str) -> LabelModel:
    recipe = small_recipe(folder, family) | {"render": {"max_tokens": 16}}
    recipe["finetune"] |= {"epochs": 12} | ({"learning_rate": 2e-3} if family == "bert" else {})
    return load_model(run_recipe(check_recipe(recipe, "small"), folder / "out", Silent(), ["test"]).model)
