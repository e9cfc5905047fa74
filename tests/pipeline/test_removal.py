"""Texts that are removed: gone from the data at once, and from the model when it is trained again."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from penjing.data.inspection import Document
from penjing.data.keys import text_ids
from penjing.errors import UsageError
from penjing.hashing import hash_folder
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.removal import remember_recipe, remembered_recipe
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


def test_model_that_started_from_one_before_it_was_trained_again_is_still_named(tmp_path: Path) -> None:
    write_texts(tmp_path / "texts.txt")
    runs = tmp_path / "runs"
    a, b = runs / "a", runs / "b"
    recipe = recipe_of_texts(tmp_path / "texts.txt")
    run_recipe(recipe, a, Silent(), [])
    first, second, *_ = documents_of(a / "model")
    shutil.copytree(a / "model", tmp_path / "start")
    (tmp_path / "other.txt").write_text("\n".join(f"quite another text {number}" for number in range(40)))
    run_recipe(recipe_of_texts(tmp_path / "other.txt", start=str(tmp_path / "start")), b, Silent(), [])

    remove_texts(recipe, a, [first.id], Silent())
    run_recipe(recipe, a, Silent(), [])  # trained again; what b started from is gone
    traces = trace_texts(runs, {first.id, second.id})
    assert [trace.models for trace in traces[first.id]] == [[b / "model"]]
    assert [trace.models for trace in traces[second.id]] == [[a / "model", b / "model"]]
    assert remove_texts(recipe, a, [second.id], Silent()).elsewhere == [b / "model"]


def test_labelled_row_is_removed_too(tmp_path: Path, small_recipe: Callable[..., dict[str, Any]]) -> None:
    recipe, out = check_recipe(small_recipe(tmp_path), "small"), tmp_path / "out"
    result = run_recipe(recipe, out, Silent(), [])
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


def test_the_folder_of_another_recipe_is_left_alone(
    tmp_path: Path, small_recipe: Callable[..., dict[str, Any]]
) -> None:
    first = small_recipe(tmp_path)
    run_recipe(check_recipe(first, "r.toml"), tmp_path / "out", Silent(), [])
    before = hash_folder(tmp_path / "out" / "model")
    other = {**first, "name": "another"}
    with pytest.raises(UsageError, match="holds the run of another recipe"):
        run_recipe(check_recipe(other, "r.toml"), tmp_path / "out", Silent(), [])
    assert hash_folder(tmp_path / "out" / "model") == before
    run_recipe(check_recipe({**first, "seed": 1}, "r.toml"), tmp_path / "out", Silent(), [])  # the same one, changed


@pytest.mark.parametrize("written", ['{"recipe": {"name": "old", "gone": 1}, "folder": ".", "command": []}', "{", "[]"])
def test_what_made_a_run_in_another_version_is_written_anew(
    tmp_path: Path, small_recipe: Callable[..., dict[str, Any]], written: str
) -> None:
    recipe = check_recipe(small_recipe(tmp_path), "r.toml")
    remember_recipe(recipe, tmp_path, [])
    (tmp_path / "recipe.json").write_text(written, encoding="utf-8")
    remember_recipe(recipe, tmp_path, ["anew"])
    assert remembered_recipe(tmp_path).command == ["anew"]


def test_recipes_without_a_name_share_a_folder_only_where_they_make_the_same(tmp_path: Path) -> None:
    texts, rows = {"path": "texts.txt"}, {"path": "rows.csv"}
    labels = check_recipe({"data": rows}, "r.toml")
    remember_recipe(labels, tmp_path, [])
    remember_recipe(check_recipe({"data": rows, "seed": 3}, "r.toml"), tmp_path, [])
    for other in ({"data": rows, "task": "stars"}, {"corpus": texts, "pretrain": {"objective": "causal"}}):
        with pytest.raises(UsageError, match="holds the run of another recipe"):
            remember_recipe(check_recipe(other, "r.toml"), tmp_path, [])


def test_what_was_kept_beside_is_removed_too(tmp_path: Path) -> None:
    footer = "This letter is from Alice Schneider, who lives at the river."
    texts = [f"{text}\n{footer}" for text in write_texts(tmp_path / "texts.txt")]
    (tmp_path / "texts.txt").write_text("\n\n".join([*texts, "Das ist ein Brief von Bernd aus Berlin, auf Deutsch."]))
    recipe = recipe_of_texts(tmp_path / "texts.txt")
    assert recipe.corpus is not None
    settings = {"unit": "paragraph", "paragraph_duplicates": True, "languages": ("en",)}
    recipe = recipe.model_copy(update={"corpus": recipe.corpus.model_copy(update=settings)})
    out = tmp_path / "a"
    result = run_recipe(recipe, out, Silent(), [])
    dropped = pq.read_table(result.artifacts["corpus"].folder / "dropped.parquet").to_pylist()
    (german,) = [row["id"] for row in dropped if row["reason"].startswith("language")]
    learned = {document.row: document.id for document in documents_of(out / "model")}
    cut = [row for row in dropped if row["reason"] == "paragraph" and row["row"] in learned]
    remove_texts(recipe, out, [german, learned[cut[0]["row"]]], Silent())
    (corpus,) = (out / "stages").glob("corpus-*")
    beside = pq.read_table(corpus / "dropped.parquet").to_pylist()
    assert not any("Bernd" in row["text"] or row["row"] == cut[0]["row"] for row in beside)
    assert len(beside) == len(dropped) - 2


def test_row_that_the_corpus_masked_is_removed_as_it_was(
    tmp_path: Path, small_recipe: Callable[..., dict[str, Any]]
) -> None:
    values = small_recipe(tmp_path)
    rows = (tmp_path / "reviews.csv").read_text("utf-8")
    (tmp_path / "reviews.csv").write_text(rows + "a lovely film says bob@example.org,positive\n", "utf-8")
    (tmp_path / "more.txt").write_text("\n".join(f"quite another text {number}" for number in range(30)))
    values["corpus"] = {"path": str(tmp_path / "more.txt"), "personal": {"action": "mask"}}
    values["vectors"] = {"epochs": 1}
    values["data"] |= {"split": {"train": 0.98, "validation": 0.01, "test": 0.01}}
    recipe, out = check_recipe(values, "small"), tmp_path / "out"
    result = run_recipe(recipe, out, Silent(), [])
    texts = pq.read_table(result.artifacts["corpus"].folder / "texts.parquet").to_pylist()
    (key,) = [row["id"] for row in texts if row["text"] == "a lovely film says <EMAIL>"]
    removal = remove_texts(recipe, out, [key], Silent())
    assert sorted(document.text for document in removal.texts.values()) == [
        "a lovely film says <EMAIL>",
        "a lovely film says bob@example.org",
    ]
    assert holding(out / "stages", "a lovely film says bob@example.org") == []


def test_row_that_a_classifier_learned_from_is_traced_to_it_wherever_the_corpus_has_it(
    tmp_path: Path, small_recipe: Callable[..., dict[str, Any]]
) -> None:
    values = small_recipe(tmp_path)
    (tmp_path / "more.txt").write_text("\n".join(f"quite another text {number}" for number in range(30)))
    values["corpus"] = {"path": str(tmp_path / "more.txt"), "held_out": 0.3}
    values["vectors"] = {"epochs": 1}
    out = tmp_path / "out"
    result = run_recipe(check_recipe(values, "small"), out, Silent(), [])
    held_out = pq.read_table(result.artifacts["corpus"].folder / "held_out.parquet").to_pylist()
    keys = {row["id"] for row in held_out if row["source"] == "reviews.csv"}
    assert len(keys) > 5
    for (trace,) in trace_texts(out, keys).values():
        assert isinstance(trace.item, Document)
        assert (trace.item.part, trace.models) == ("labelled.train", [out / "model"])


def test_artifact_that_is_half_deleted_is_none_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_texts(tmp_path / "texts.txt")
    recipe, out = recipe_of_texts(tmp_path / "texts.txt"), tmp_path / "a"
    run_recipe(recipe, out, Silent(), [])
    document = next(documents_of(out / "model"))
    delete = shutil.rmtree

    def die(path: Path, *args: Any, **more: Any) -> None:
        if Path(path).name.startswith(".corpus-") and Path(path).exists():
            (Path(path) / "texts.parquet").unlink()
            raise KeyboardInterrupt
        delete(path, *args, **more)

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", die)
        with pytest.raises(KeyboardInterrupt):
            remove_texts(recipe, out, [document.id], Silent())
    assert remove_texts(recipe, out, [document.id], Silent()).waiting == ["pretrain", "measure"]
    run_recipe(recipe, out, Silent(), [])
    assert holding(out, document.text) == []
