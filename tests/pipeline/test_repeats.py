"""A recipe says that no run of tokens comes twice in an answer; its model keeps to it, and other tools are told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import penjing
from penjing.data.reading import read_pairs
from penjing.files import read_json
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import run_recipe
from penjing.progress import Silent

Recipes = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("family", ["t5", "llama"])
def test_a_model_of_a_recipe_says_nothing_twice(pair_recipe: Recipes, tmp_path: Path, family: str) -> None:
    transformers = pytest.importorskip("transformers")
    recipe = pair_recipe(tmp_path, family)
    recipe["finetune"] |= {"epochs": 12 if family == "t5" else 3, "evaluations": 1}
    if family == "t5":  # it learns more slowly so, and still repeats itself
        recipe["model"]["shape"]["tie_word_embeddings"] = True
    written: dict[int, list[list[int]]] = {}
    for size in (0, 1):
        recipe["write"] = {"max_tokens": 24, "beams": 2, "no_repeat_ngram_size": size}
        run = run_recipe(check_recipe(recipe, "numbers"), tmp_path / "out", Silent(), ["test"])
        model: Any = penjing.load(run.model, "cpu")
        rows = model.renderer.render_texts(read_pairs(run.artifacts["data"].folder, "test").texts[:12])
        written[size] = [text.ids for text in model.writer.write([row.ids for row in rows], model.settings)]
    repeats = {size: [len(set(ids)) < len(ids) for ids in texts] for size, texts in written.items()}
    assert any(repeats[0])
    assert not any(repeats[1])
    told = read_json(run.model / "generation_config.json")
    assert read_json(run.model / "penjing.json")["write"]["no_repeat_ngram_size"] == 1
    if family == "llama":  # for which Transformers would forbid what its prompt says
        assert "no_repeat_ngram_size" not in told
        return
    assert told["no_repeat_ngram_size"] == 1
    theirs = transformers.AutoModelForSeq2SeqLM.from_pretrained(run.model).eval()
    end = model.renderer.tokenizer.end_id
    for row, ours in zip(rows, written[1], strict=True):
        found = theirs.generate(torch.tensor([row.ids]))[0, 1:].tolist()
        assert ours == (found[: found.index(end)] if end in found else found)
