"""Small recipes whose models learn from teachers that the run itself trains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from penjing.hashing import hash_file
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import run_recipe
from penjing.progress import Silent

Make = Callable[..., dict[str, Any]]


def own(folder: Path, small_recipe: Make, **distill: Any) -> dict[str, Any]:
    """Returns the recipe of a small model that is taught by two, which were taught by two."""
    recipe = small_recipe(folder)
    recipe["finetune"] |= {"epochs": 2, "distill": {"generations": [2, 2], "recombined": 1, **distill}}
    return {**recipe, "name": "own"}


def run(recipe: dict[str, Any], out: Path) -> Any:
    return run_recipe(check_recipe(recipe, recipe["name"]), out, Silent(), ["test"])


def weights_of(artifacts: dict[str, Any], name: str) -> str:
    return hash_file(artifacts[name].folder / "model" / "model.safetensors")
