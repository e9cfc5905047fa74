"""The finished model at the top of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import penjing
from penjing.files import read_json
from penjing.hashing import hash_file
from penjing.models.stored import INDEX, WEIGHTS
from penjing.models.weights import save_network
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import run_recipe
from penjing.progress import Silent


def test_weights_in_shards_are_published_and_known_by_their_hash(
    small_recipe: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert save_network.__kwdefaults__ is not None
    monkeypatch.setitem(save_network.__kwdefaults__, "shard_bytes", 20_000)
    document = small_recipe(tmp_path, "bert")
    document["finetune"] |= {"epochs": 1}
    made = run_recipe(check_recipe(document, "r"), tmp_path / "out", Silent(), ["test"])
    shards = sorted(made.model.glob("model-*.safetensors"))
    assert len(shards) > 1
    assert (made.model / INDEX).is_file()
    assert not (made.model / WEIGHTS).exists()
    assert read_json(made.model / "penjing.json")["weights"] == hash_file(shards[0])
    [answer] = penjing.load(made.model).predict(["a lovely film"])
    assert answer.label == made.predictions[0].label
