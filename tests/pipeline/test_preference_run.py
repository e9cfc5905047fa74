"""A model that writes learns which of two answers is preferred; what it was before stays its measure."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import penjing
from penjing.data.messages import Message
from penjing.errors import PenjingError, RecipeError
from penjing.files import read_json, write_json
from penjing.pipeline.check import check_runnable
from penjing.pipeline.kinds import kind_of
from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import RunResult, run_recipe
from penjing.progress import Silent
from penjing.text.shards import open_shard
from penjing.train.history import HISTORY, read_history

Recipes = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module", params=["llama", "t5"])
def preference_run(
    request: pytest.FixtureRequest, preference_recipe: Recipes, tmp_path_factory: pytest.TempPathFactory
) -> tuple[RunResult, Path]:
    """A finished run, and the folder that it started from; nobody may change them."""
    folder = tmp_path_factory.mktemp("preferences")
    recipe = preference_recipe(folder, request.param)
    recipe["finetune"] |= {"epochs": 3}
    result = run_recipe(check_recipe(recipe, "backwards"), folder / "out", Silent(), ["test"])
    return result, Path(recipe["model"]["start"])


def test_a_model_learns_what_is_preferred_beyond_the_one_it_started_from(
    preference_run: tuple[RunResult, Path],
) -> None:
    scores, baselines = preference_run[0].evaluation["scores"], preference_run[0].evaluation["baselines"]
    assert scores["preference_accuracy"]["value"] > 0.9
    assert baselines["tfidf-difference"]["scores"]["preference_accuracy"]["value"] > 0.9
    assert baselines["reference"]["scores"]["preference_accuracy"]["value"] < 0.95
    assert preference_run[0].evaluation["difference"]["reference"]["preference_accuracy"]["value"] > 0
    assert scores["reward_margin"]["low"] > 0
    assert scores["chosen_change"]["value"] > scores["rejected_change"]["value"]


def test_nothing_is_preferred_before_the_first_step(preference_run: tuple[RunResult, Path]) -> None:
    first = read_history(preference_run[0].artifacts["finetune"].folder / HISTORY)[0]
    assert first["loss"] == pytest.approx(math.log(2), abs=1e-6)  # no answer has a reward yet


def test_the_reference_is_what_transformers_says_of_the_model_at_the_start(
    preference_run: tuple[RunResult, Path],
) -> None:
    transformers = pytest.importorskip("transformers")
    result, start = preference_run
    shard = open_shard(result.artifacts["examples"].folder / "validation")
    found = np.fromfile(result.artifacts["reference"].folder / "validation.bin")
    is_t5 = read_json(start / "config.json")["model_type"] == "t5"
    builder = transformers.AutoModelForSeq2SeqLM if is_t5 else transformers.AutoModelForCausalLM
    model = builder.from_pretrained(start).eval()
    assert len(found) == shard.rows
    for row in range(6):
        ids, border = torch.from_numpy(shard.row(row).astype(np.int64))[None], int(shard.labels[row])
        answer = ids[:, border:]
        with torch.no_grad():
            if is_t5:
                scores = model(input_ids=ids[:, :border], labels=answer).logits
            else:
                scores = model(ids).logits[:, border - 1 : -1]
        expected = scores.log_softmax(dim=-1).gather(2, answer[..., None]).sum()
        assert found[row] == pytest.approx(expected.item(), abs=1e-3)


def test_the_folder_is_a_model_that_writes_and_says_how_it_learned(preference_run: tuple[RunResult, Path]) -> None:
    model: Any = penjing.load(preference_run[0].model, "cpu")
    assert model.card["preference"] == {"loss": "dpo", "beta": 0.1, "label_smoothing": 0.0, "likelihood": 0.0}
    assert [answer.text for answer in model.predict(["one two", "five"])] == ["one two", "five"]


def test_the_report_shows_both_answers_in_both_languages(
    preference_run: tuple[RunResult, Path],
    preference_recipe: Recipes,
    tmp_path: Path,
    read_page: Callable[[str], Any],
) -> None:
    page = read_page(preference_run[0].report.read_text(encoding="utf-8"))
    for words in ("preferences", "the model at the start", "Margin of rewards", "DPO, beta 0.1", "Reference"):
        assert words in page.text
    recipe = preference_recipe(tmp_path)
    recipe["finetune"] |= {"epochs": 0.1, "preference": {"loss": "ipo", "likelihood": 0.5}}
    recipe["report"] |= {"language": "zh"}
    assert "fewer than six" not in page.text
    rows = Path(recipe["data"]["path"]).read_text(encoding="utf-8").splitlines(keepends=True)
    few = tmp_path / "few.jsonl"
    few.write_text("".join(rows[:5]), encoding="utf-8")
    recipe["data"]["test"] = str(few)
    result = run_recipe(check_recipe(recipe, "zh"), tmp_path / "out", Silent(), ["test"])
    page = read_page(result.report.read_text(encoding="utf-8"))
    for words in ("偏好", "起点模型", "奖励之差", "IPO，beta 为 0.1", "似然项的权重", "不足六个"):
        assert words in page.text


def test_a_plan_measures_the_reference_and_leaves_nothing(preference_recipe: Recipes, tmp_path: Path) -> None:
    plan = make_plan(check_recipe(preference_recipe(tmp_path), "plan"), tmp_path / "out", Silent())
    assert [stage.name for stage in plan.stages][-3:] == ["reference", "finetune", "evaluate"]
    assert plan.facts("reference")["rows"] == 160 - plan.facts("data")["duplicates"] - sum(
        plan.facts("data")["overlap"].values()
    )
    assert not (tmp_path / "out").exists()


def test_adapters_learn_preferences_and_are_merged_without_a_difference(
    preference_recipe: Recipes, tmp_path: Path
) -> None:
    recipe = preference_recipe(tmp_path)
    recipe["finetune"] |= {"epochs": 4, "learning_rate": 1e-2, "lora": {"rank": 4}}
    result = run_recipe(check_recipe(recipe, "lora"), tmp_path / "out", Silent(), ["test"])
    merging = result.artifacts["finetune"].facts["lora"]["merging"]
    assert merging["largest_difference"] <= merging["allowed"]
    assert result.evaluation["scores"]["preference_accuracy"]["value"] > 0.8


def test_both_answers_are_shown_as_tokens_with_which_is_which(preference_run: tuple[RunResult, Path]) -> None:
    result, start = preference_run
    recipe = check_recipe(
        {
            "task": "prefer",
            "data": {"path": "rows.csv"},
            "model": {"start": str(start)},
            "render": {"max_tokens": 24, "max_target_tokens": 32},
        },
        "shown",
    )
    inputs = {name: artifact.folder for name, artifact in result.artifacts.items()}
    shown = kind_of(recipe).show(recipe, inputs, 1)
    assert [row.answer for row in shown] == ["chosen", "rejected"]
    assert shown[0].counts["learned"] == shown[1].counts["learned"] > 2
    assert [row.counts["cut"] for row in shown] == [0, 0]
    short = recipe.model_copy(update={"render": recipe.render.model_copy(update={"max_tokens": 6})})
    cut = kind_of(short).show(short, inputs, 1)
    assert [row.answer for row in cut] == ["chosen", "rejected"]
    for whole, row in zip(shown, cut, strict=True):
        assert [token.text for token in row.tokens] == [token.text for token in whole.tokens]
        assert row.counts["cut"] == whole.counts["read"] - row.counts["read"] > 0


def test_what_cannot_be_is_refused_before_anything_runs(preference_recipe: Recipes, tmp_path: Path) -> None:
    recipe = preference_recipe(tmp_path)

    def refused(changes: dict[str, Any], *words: str) -> None:
        with pytest.raises(RecipeError) as caught:
            check_runnable(check_recipe({**recipe, **changes}, "backwards"))
        for word in words:
            assert word in str(caught.value)

    refused({"model": {"family": "llama"}}, "[model] names no start")
    refused({"pretrain": {"objective": "causal"}}, "[pretrain] has no sense")
    start = tmp_path / "start"
    shutil.copytree(recipe["model"]["start"], start)
    (start / "penjing.json").write_text('{"objective": "causal", "render": {"template": "[CLS]{text}[SEP]"}}')
    refused({"model": {"start": str(start)}}, "the model at the start reads and writes by", '"[BEGIN]{text}"')
    config = read_json(start / "config.json")
    write_json(start / "config.json", {**config, "architectures": ["LlamaForSequenceClassification"]})
    refused({"model": {"start": str(start)}}, "which does not write")
    refused({"task": "prefer_reply", "render": {}, "write": {}, "model": {"start": str(tmp_path / "none")}}, "no such")
    refused(
        {"finetune": {"preference": {"loss": "ipo", "label_smoothing": 0.1}}}, 'label_smoothing is of the loss "dpo"'
    )
    refused({"finetune": {"label_smoothing": 0.1}}, "label_smoothing")
    refused({"data": {**recipe["data"], "rejected": "chosen"}}, "must be three columns")
    refused({"data": {**recipe["data"], "choosen": "x"}}, "unknown key [data] choosen", "chosen")
    refused({"render": {"max_tokens": 50, "max_target_tokens": 50}}, "together is 100", "64 positions")


def test_answers_whose_difference_is_cut_are_left_out_and_counted(preference_recipe: Recipes, tmp_path: Path) -> None:
    recipe = preference_recipe(tmp_path, rows=60)
    rows = [json.loads(line) for line in (tmp_path / "preferences.jsonl").read_text().splitlines()]
    rows[0] |= {"chosen": "eins " * 40 + "zwei", "rejected": "eins " * 40 + "drei"}
    (tmp_path / "preferences.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    recipe["finetune"] |= {"epochs": 0.1}
    result = run_recipe(check_recipe(recipe, "cut"), tmp_path / "out", Silent(), ["test"])
    counted = result.artifacts["examples"].facts["splits"]
    assert sum(split["left_out"] for split in counted.values()) == 1


def test_replies_in_dialogues_are_preferred_and_the_folder_talks(preference_recipe: Recipes, tmp_path: Path) -> None:
    recipe = preference_recipe(tmp_path, rows=60)
    rows = [json.loads(line) for line in (tmp_path / "preferences.jsonl").read_text().splitlines()]
    for row in rows:
        row["prompt"] = [
            *({"role": role, "content": "one two"} for role in ("user", "assistant")),
            {"role": "user", "content": row["prompt"]},
        ]
    rows[1]["prompt"][-1]["content"] = "one " * 200  # leaves no room
    (tmp_path / "preferences.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    template = tmp_path / "template.jinja"
    template.write_text(
        "{% for message in messages %}{{ message.role }} {{ message.content }}{{ eos_token }}{% endfor %}"
        "{% if add_generation_prompt %}assistant {% endif %}"
    )
    recipe |= {"task": "prefer_reply", "render": {"template": str(template), "max_tokens": 64}}
    recipe |= {"write": {"max_tokens": 16}, "finetune": {**recipe["finetune"], "epochs": 0.5}}
    try:
        result = run_recipe(check_recipe(recipe, "replies"), tmp_path / "out", Silent(), ["test"])
    except PenjingError as error:
        pytest.fail(str(error))
    assert sum(split["left_out"] for split in result.artifacts["examples"].facts["splits"].values()) == 1
    model: Any = penjing.load(result.model, "cpu")
    assert model.reply([[Message("user", "one two")]])[0].text == "one two"
    assert (result.model / "chat_template.jinja").is_file()
