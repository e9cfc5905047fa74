"""A recipe of pairs becomes a model that writes, scored beside its baselines, the same in other tools."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import penjing
from penjing.data.reading import read_pairs
from penjing.errors import RecipeError
from penjing.files import read_json, write_json
from penjing.inference.writing_settings import WritingSettings
from penjing.models.lstm import LSTM
from penjing.pipeline.check import check_runnable
from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.recipe_kinds import WritingRecipe
from penjing.pipeline.run import RunResult, run_recipe
from penjing.progress import Silent

Recipes = Callable[..., dict[str, Any]]


def test_a_model_learns_to_translate_and_says_how_well(pair_run: RunResult) -> None:
    scores = pair_run.evaluation["scores"]
    assert scores["bleu"]["low"] <= scores["bleu"]["value"] <= scores["bleu"]["high"]
    assert scores["bleu"]["value"] > 10  # T5 finds the words and not their order in so few steps; Llama passes 80
    assert set(pair_run.evaluation["baselines"]) == {"copy", "dictionary"}
    assert pair_run.evaluation["difference"]["copy"]["bleu"]["low"] > 0
    assert pair_run.evaluation["signature"]["bleu"].startswith("nrefs:1")
    assert len(pair_run.evaluation["worst"]) == 3
    ratings = [row["rating"] for row in pair_run.evaluation["worst"]]
    assert ratings == sorted(ratings)


def test_the_scores_are_those_of_sacrebleu_on_what_the_folder_writes(pair_run: RunResult) -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    test = read_pairs(pair_run.artifacts["data"].folder, "test")
    written = [item.written for item in penjing.load(pair_run.model, "cpu").predict(test.texts)]
    expected = sacrebleu.corpus_bleu(written, [test.targets])
    assert pair_run.evaluation["scores"]["bleu"]["value"] == pytest.approx(expected.score)


@pytest.mark.parametrize("beams", [1, 2])  # the recipe has two, and the folder says so to other tools
def test_answers_are_those_of_transformers_to_the_token(pair_run: RunResult, beams: int) -> None:
    transformers = pytest.importorskip("transformers")
    model: Any = penjing.load(pair_run.model, "cpu")
    texts = read_pairs(pair_run.artifacts["data"].folder, "test").texts[:20]
    is_t5 = read_json(pair_run.model / "config.json")["model_type"] == "t5"
    builder = transformers.AutoModelForSeq2SeqLM if is_t5 else transformers.AutoModelForCausalLM
    theirs = builder.from_pretrained(pair_run.model).eval()
    rendered = model.renderer.render_texts(texts)
    settings = model.settings if beams == 2 else WritingSettings(max_tokens=24)
    ours = model.writer.write([row.ids for row in rendered], settings)
    end = model.renderer.tokenizer.end_id
    for row, answer in zip(rendered, ours, strict=True):
        ids = torch.tensor([row.ids])
        asked = {} if beams == 2 else {"num_beams": 1}
        generated = theirs.generate(ids, attention_mask=torch.ones_like(ids), **asked)
        expected = generated[0].tolist()[1 if is_t5 else len(row.ids) :]
        assert answer.ids == (expected[: expected.index(end)] if end in expected else expected)


def test_a_trained_model_ends_its_answers(pair_run: RunResult) -> None:
    answers = penjing.load(pair_run.model, "cpu").predict(["two one", "five five five"])
    assert all(answer.is_complete for answer in answers)
    test = read_pairs(pair_run.artifacts["data"].folder, "test")
    assert pair_run.evaluation["unfinished"] <= len(test.texts) / 20  # rounding differs from processor to processor


def test_the_report_shows_scores_answers_and_the_worst(pair_run: RunResult, read_page: Callable[[str], Any]) -> None:
    page = read_page(pair_run.report.read_text(encoding="utf-8"))
    worst = pair_run.evaluation["worst"][0]
    for words in ("translation", "BLEU", "word by word, by a dictionary", "two one", worst["text"], worst["truth"]):
        assert words in page.text


def test_the_report_speaks_chinese(pair_recipe: Recipes, tmp_path: Path, read_page: Callable[[str], Any]) -> None:
    recipe = pair_recipe(tmp_path)
    recipe["finetune"] |= {"epochs": 0.1}
    recipe["report"] |= {"language": "zh"}
    result = run_recipe(check_recipe(recipe, "zh"), tmp_path / "out", Silent(), ["test"])
    page = read_page(result.report.read_text(encoding="utf-8"))
    for words in ("翻译", "最差的答案", "用词典逐词翻译", "并非偶然"):
        assert words in page.text
    assert "difference" not in page.text.split("JSON")[0].lower()


def test_a_finished_run_is_not_run_again_and_a_new_way_to_write_only_evaluates(
    pair_recipe: Recipes, tmp_path: Path
) -> None:
    recipe = pair_recipe(tmp_path)
    recipe["finetune"] |= {"epochs": 0.2}

    def skipped(**write: Any) -> dict[str, bool]:
        again = check_recipe({**recipe, "write": {**recipe["write"], **write}}, "numbers")
        result = run_recipe(again, tmp_path / "out", Silent(), ["test"])
        return {name: artifact.skipped for name, artifact in result.artifacts.items()}

    assert not any(skipped().values())
    assert all(skipped().values())
    changed = skipped(beams=1)
    assert [name for name, was in changed.items() if not was] == ["evaluate"]
    assert read_json(tmp_path / "out" / "model" / "penjing.json")["write"]["beams"] == 1


def test_a_plan_knows_rows_tokens_and_what_is_cut(pair_recipe: Recipes, tmp_path: Path) -> None:
    recipe = pair_recipe(tmp_path)
    recipe["render"] |= {"max_tokens": 6}
    plan = make_plan(check_recipe(recipe, "numbers"), tmp_path / "out", Silent())
    assert plan.facts("data")["splits"]["train"]["rows"] == 320
    assert plan.facts("examples")["splits"]["train"]["cut_tokens"] > 0
    assert plan.facts("finetune")["parameters"] > 0
    assert plan.seconds > 0


def refused(recipe: dict[str, Any], *words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        check_runnable(check_recipe(recipe, "numbers"))
    for word in words:
        assert word in str(caught.value)


def test_start_that_reads_from_both_sides_is_told_to_be_another(pair_recipe: Recipes, tmp_path: Path) -> None:
    config = LSTM.config_from_dict({"vocab_size": 64, "hidden_size": 8})
    (tmp_path / "start").mkdir()
    write_json(tmp_path / "start" / "config.json", LSTM.config_to_dict(config, head="language"))
    recipe = pair_recipe(tmp_path)
    for shape in ({}, {"bidirectional": False}):
        model = {"start": str(tmp_path / "start"), "shape": shape}
        refused({**recipe, "model": model}, "reads from both sides and cannot write", "Start from a model that writes")


def test_what_cannot_be_is_refused_before_anything_runs(pair_recipe: Recipes, tmp_path: Path) -> None:
    recipe = pair_recipe(tmp_path)
    assert isinstance(check_recipe(recipe, "numbers"), WritingRecipe)
    refused({**recipe, "model": {"family": "bert"}}, "the task translate writes texts, and bert cannot", '"t5"')
    refused({**recipe, "model": {"family": "lstm"}}, "reads from both sides", "bidirectional = false")
    refused({**recipe, "explain": {}}, "[explain] is for answers that are labels")
    refused({**recipe, "data": {**recipe["data"], "label": "x"}}, "[data] label is for the tasks classify")
    refused({**recipe, "finetune": {"token_dropout": 0.1}}, "[finetune] token_dropout is for the tasks classify")
    refused({**recipe, "write": {"beam": 3}}, "unknown key [write] beam", "beams")
    refused({**recipe, "render": {"target": "{text}"}}, '[render] target names the column "text"')
    refused({**recipe, "task": "classify"}, "is for the task")
    llama = pair_recipe(tmp_path, "llama")
    refused({**llama, "render": {"max_tokens": 40, "max_target_tokens": 40}}, "together is 80", "64 positions")


@pytest.mark.parametrize(("family", "kind"), [("t5", "SEQ_2_SEQ_LM"), ("llama", "CAUSAL_LM")])
def test_adapters_are_trained_in_place_of_the_weights_and_merged_without_a_difference(
    pair_recipe: Recipes, pair_run_of: Callable[[str], RunResult], tmp_path: Path, family: str, kind: str
) -> None:
    start = pair_run_of(family)
    recipe = pair_recipe(tmp_path, family)
    recipe["model"] = {"start": str(start.model)}
    recipe["finetune"] |= {"epochs": 1, "lora": {"rank": 2}}
    result = run_recipe(check_recipe(recipe, "numbers"), tmp_path / "out", Silent(), ["test"])
    facts = result.artifacts["finetune"].facts["lora"]
    assert facts["trained_share"] < 0.2
    assert facts["merging"]["largest_difference"] <= facts["merging"]["allowed"]
    assert result.adapter is not None
    assert read_json(result.adapter / "adapter_config.json")["task_type"] == kind
    before = start.evaluation["scores"]["bleu"]["value"]
    assert result.evaluation["scores"]["bleu"]["value"] > before - 5
