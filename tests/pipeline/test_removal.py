"""Texts that are removed: gone from the data at once, and from the model when it is trained again."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penjing.data.inspection import Document
from penjing.data.keys import text_ids
from penjing.errors import UsageError
from penjing.pipeline.recipe import Recipe, check_recipe
from penjing.pipeline.removal import remembered_recipe
from penjing.pipeline.run import remove_texts, run_recipe
from penjing.pipeline.tracing import documents_of, trace_texts
from penjing.progress import Silent


def recipe_of_texts(path: Path, **model: Any) -> Recipe:
    shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    return check_recipe(
        {
            "name": "texts",
            "corpus": {"path": str(path)},
            "tokenizer": {"kind": "bpe", "vocab_size": 300},
            "model": model or {"family": "llama", "shape": shape},
            "pretrain": {
                "objective": "causal",
                "window_tokens": 32,
                "batch_tokens": 128,
                "epochs": 0.2,
                "compile": "off",
            },
        },
        "texts",
    )


def write_texts(path: Path) -> list[str]:
    rng = random.Random(0)
    texts = [" ".join(rng.choices(["river", "stone", "cloud", "tree"], k=20)) + f" {number}" for number in range(40)]
    path.write_text("\n".join(texts), encoding="utf-8")
    return texts


def holding(folder: Path, text: str) -> list[str]:
    """Returns the files below a folder in which a text can be read, tables unpacked."""
    import pyarrow.parquet as pq

    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".parquet":
            holds = text in pq.read_table(path).column("text").to_pylist()
        else:
            holds = path.is_file() and text.encode() in path.read_bytes()
        if holds:
            found.append(str(path.relative_to(folder)))
    return found


def test_removed_text_is_gone_from_the_data_and_then_from_the_model(tmp_path: Path) -> None:
    texts = write_texts(tmp_path / "texts.txt")
    recipe, out = recipe_of_texts(tmp_path / "texts.txt"), tmp_path / "runs" / "a"
    run_recipe(recipe, out, Silent(), ["penjing", "run"])
    learned = list(documents_of(out / "model"))
    text = learned[5].text
    assert text == texts[learned[5].row - 1]
    removal = remove_texts(recipe, out, [learned[5].id], Silent())
    assert removal.texts == {learned[5].id: learned[5]}
    assert (removal.rebuilt, removal.waiting) == (["corpus", "tokenizer", "shards"], ["pretrain", "measure"])
    assert holding(out, text) == []
    (trace,) = trace_texts(tmp_path / "runs", {learned[5].id})[learned[5].id]
    assert isinstance(trace.item, Document)
    assert (trace.item.part, trace.models) == ("removed", [out / "model"])
    with pytest.raises(UsageError, match="not beside it any more"):
        next(documents_of(out / "model"))
    before = (out / "model" / "model.safetensors").read_bytes()
    result = run_recipe(recipe, out, Silent(), ["penjing", "run"])
    assert (out / "model" / "model.safetensors").read_bytes() != before
    assert learned[5].id not in {document.id for document in documents_of(out / "model")}
    assert {path.name for path in (out / "stages").iterdir()} == {
        artifact.folder.name for artifact in result.artifacts.values()
    }
    assert trace_texts(tmp_path / "runs", {learned[5].id})[learned[5].id][0].models == []
    again = run_recipe(recipe, out, Silent(), ["penjing", "run"])
    assert all(artifact.skipped for artifact in again.artifacts.values())


def test_model_without_the_text_is_the_one_that_never_saw_it(tmp_path: Path) -> None:
    texts = write_texts(tmp_path / "texts.txt")
    recipe, out = recipe_of_texts(tmp_path / "texts.txt"), tmp_path / "a"
    run_recipe(recipe, out, Silent(), [])
    document = next(documents_of(out / "model"))
    remove_texts(recipe, out, [document.id], Silent())
    run_recipe(recipe, out, Silent(), [])
    (tmp_path / "texts.txt").write_text("\n".join(text for text in texts if text != document.text), encoding="utf-8")
    run_recipe(recipe_of_texts(tmp_path / "texts.txt"), tmp_path / "b", Silent(), [])
    assert (out / "model" / "model.safetensors").read_bytes() == (
        tmp_path / "b" / "model" / "model.safetensors"
    ).read_bytes()


def test_models_that_started_from_one_are_named_with_it(tmp_path: Path) -> None:
    write_texts(tmp_path / "texts.txt")
    runs = tmp_path / "runs"
    recipe = recipe_of_texts(tmp_path / "texts.txt")
    run_recipe(recipe, runs / "a", Silent(), [])
    (tmp_path / "other.txt").write_text("\n".join(f"quite another text {number}" for number in range(40)))
    run_recipe(recipe_of_texts(tmp_path / "other.txt", start=str(runs / "a" / "model")), runs / "b", Silent(), [])
    document = next(documents_of(runs / "a" / "model"))
    (trace,) = trace_texts(runs, {document.id})[document.id]
    assert trace.models == [runs / "a" / "model", runs / "b" / "model"]
    assert remove_texts(recipe, runs / "a", [document.id], Silent()).elsewhere == [runs / "b" / "model"]


def test_labelled_row_is_removed_too(tmp_path: Path, small_recipe: Callable[..., dict[str, Any]]) -> None:
    recipe, out = check_recipe(small_recipe(tmp_path), "small"), tmp_path / "out"
    result = run_recipe(recipe, out, Silent(), [])
    import pyarrow.parquet as pq

    text = pq.read_table(result.artifacts["data"].folder / "train.parquet").column("text")[3].as_py()
    (key,) = text_ids([text])
    (trace,) = trace_texts(out, {key})[key]
    assert isinstance(trace.item, Document)
    assert (trace.item.part, trace.item.source, trace.models) == ("labelled.train", "reviews.csv", [out / "model"])
    removal = remove_texts(recipe, out, [key], Silent())
    assert removal.rebuilt == ["data", "tokenizer", "examples"]
    assert removal.waiting == ["finetune", "evaluate"]
    assert holding(out / "stages", text) == []
    assert run_recipe(recipe, out, Silent(), []).artifacts["data"].facts["removed"] == 1


def test_unknown_id_removes_nothing(tmp_path: Path) -> None:
    write_texts(tmp_path / "texts.txt")
    recipe, out = recipe_of_texts(tmp_path / "texts.txt"), tmp_path / "a"
    run_recipe(recipe, out, Silent(), [])
    document = next(documents_of(out / "model"))
    with pytest.raises(UsageError, match=r"the run has no text 0000000000000000.*nothing was removed"):
        remove_texts(recipe, out, [document.id, "0" * 16], Silent())
    assert not (out / "removed.json").exists()
    with pytest.raises(UsageError, match="this is no folder of a run"):
        remove_texts(recipe, tmp_path / "nowhere" / "b", ["0" * 16], Silent())


def test_recipe_of_a_run_is_remembered_as_it_was_asked_for(
    tmp_path: Path, small_recipe: Callable[..., dict[str, Any]]
) -> None:
    write_texts(tmp_path / "texts.txt")
    for recipe in (recipe_of_texts(tmp_path / "texts.txt"), check_recipe(small_recipe(tmp_path), "small")):
        out = tmp_path / recipe.name
        run_recipe(recipe, out, Silent(), ["penjing", "run", "x"])
        remembered = remembered_recipe(out)
        assert (remembered.recipe, remembered.folder, remembered.command) == (
            recipe,
            Path.cwd(),
            ["penjing", "run", "x"],
        )
    (out / "recipe.json").write_text(json.dumps({"recipe": {"nonsense": 1}, "folder": "/", "command": []}))
    with pytest.raises(UsageError, match=r"recipe\.json: another version of Penjing wrote it"):
        remembered_recipe(out)
    with pytest.raises(UsageError, match=r"there is no recipe\.json"):
        remembered_recipe(tmp_path)
