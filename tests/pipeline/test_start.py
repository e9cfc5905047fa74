from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from penjing.errors import PenjingError
from penjing.files import read_json
from penjing.pipeline.recipe import Recipe, check_recipe
from penjing.pipeline.run import run_recipe
from penjing.pipeline.start import architecture_of, choose_learning_rate, config_values, model_settings, start_files
from penjing.progress import Silent


def recipe(model: dict[str, Any], **finetune: Any) -> Recipe:
    return check_recipe({"data": {"path": "x.csv"}, "model": model, "finetune": finetune}, "r")


def test_learning_rate_is_the_recipes_else_the_familys_else_a_tenth_for_a_given_model(small_run: Any) -> None:
    fresh, given = recipe({"family": "lstm"}), recipe({"start": str(small_run.model)})
    rate = choose_learning_rate(fresh, fresh.finetune)
    assert rate == architecture_of(fresh).learning_rate
    assert choose_learning_rate(given, given.finetune) == pytest.approx(rate / 10)
    named = recipe({"start": str(small_run.model)}, learning_rate=0.5)
    assert choose_learning_rate(named, named.finetune) == 0.5


def test_family_follows_from_the_folder_and_another_is_refused(small_bert_run: Any) -> None:
    assert architecture_of(recipe({"start": str(small_bert_run.model)})).name == "bert"
    with pytest.raises(PenjingError, match=r'family is "lstm", but the model in .* "bert". Remove family'):
        architecture_of(recipe({"start": str(small_bert_run.model), "family": "lstm"}))


def test_shape_of_the_folder_counts_and_the_recipe_may_change_what_has_no_weights(small_bert_run: Any) -> None:
    values = config_values(recipe({"start": str(small_bert_run.model), "shape": {"pooling": "mean"}}), 400, 0)
    assert (values["hidden_size"], values["pooling"]) == (32, "mean")


def test_where_a_model_lies_does_not_count_but_its_files_do(small_run: Any, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(small_run.model, copy)
    here, there = (recipe({"start": str(folder)}) for folder in (small_run.model, copy))
    assert model_settings(here) == model_settings(there)
    assert [file.name for file in start_files(here)] == ["config.json", "model.safetensors"]


def test_run_goes_on_from_a_finished_model_with_its_tokenizer(
    small_bert_run: Any, small_recipe: Any, tmp_path: Path
) -> None:
    document = {**small_recipe(tmp_path, "bert"), "model": {"start": str(small_bert_run.model)}}
    document["finetune"] = {"epochs": 0.1, "learning_rate": 1e-9, "precision": "fp32", "device": "cpu"}
    result = run_recipe(check_recipe(document, "r"), tmp_path / "out", Silent(), ["test"])
    first, second = (read_json(run.model / "penjing.json") for run in (small_bert_run, result))
    assert first["fingerprint"] == second["fingerprint"]
    # The classifier is made anew, the encoder has hardly moved.
    from safetensors.torch import load_file

    before, after = (load_file(run.model / "model.safetensors") for run in (small_bert_run, result))
    for name, tensor in before.items():
        if name.startswith("bert.encoder"):
            assert tensor.numpy() == pytest.approx(after[name].numpy(), abs=1e-5)
