"""Texts go the whole path: small models learn them, are measured, and go on with beginnings."""

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
from tests.pipeline.text_recipes import texts_recipe
from typer.testing import CliRunner

import penjing
from penjing.cli.main import app
from penjing.data.continuations import read_continuations
from penjing.errors import RecipeError, UsageError
from penjing.files import read_json, write_json
from penjing.models.lstm import LSTM
from penjing.pipeline.check import check_runnable
from penjing.pipeline.exporting.texts import varied_texts
from penjing.pipeline.kinds import kind_of
from penjing.pipeline.kinds.choice import KINDS
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.recipe_kinds import ContinuationRecipe
from penjing.pipeline.run import RunResult, run_recipe
from penjing.progress import Silent
from penjing.text.tokenizer import load_tokenizer

LLAMA_SHAPE = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 64,
}
SHAPES: dict[str, dict[str, Any]] = {
    "llama": LLAMA_SHAPE,
    "lstm": {"embedding_size": 16, "hidden_size": 16, "num_hidden_layers": 1},
    "t5": {"d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 1, "num_heads": 2},
}


def recipe_in(folder: Path, family: str = "llama") -> dict[str, Any]:
    return {**texts_recipe(folder, family, SHAPES[family]), "report": {"examples": ["row 7: red"]}}


@pytest.fixture(scope="module", params=["llama", "lstm", "t5"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    folder = tmp_path_factory.mktemp(request.param)
    return run_recipe(check_recipe(recipe_in(folder, request.param), "lines"), folder / "out", Silent(), ["test"])


def test_examples_that_were_made_for_another_network_are_refused(run: RunResult, tmp_path: Path) -> None:
    inputs = {name: artifact.folder for name, artifact in run.artifacts.items()}
    tokenizer = load_tokenizer(inputs["tokenizer"])
    is_of_t5 = "t5" in read_json(run.model / "config.json")["architectures"][0].lower()
    recipe = check_recipe(recipe_in(tmp_path, "llama" if is_of_t5 else "t5"), "lines")
    with pytest.raises(UsageError, match="made of the rows for another network"):
        kind_of(recipe).make_lesson(recipe, inputs, tokenizer, torch.nn.Module())


def test_transformers_reads_a_qwen_of_ones_own_with_the_same_tokens(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    recipe = {**texts_recipe(tmp_path, "qwen2", {**LLAMA_SHAPE, "head_dim": 8}), "finetune": {"epochs": 1}}
    folder = run_recipe(check_recipe(recipe, "lines"), tmp_path / "out", Silent(), ["test"]).model
    texts = varied_texts()
    theirs = transformers.AutoTokenizer.from_pretrained(folder)(texts, add_special_tokens=False)["input_ids"]
    assert load_tokenizer(folder).encode(texts) == theirs


def test_a_family_learns_is_measured_beside_a_trigram_model_and_goes_on(run: RunResult) -> None:
    scores = run.evaluation["scores"]
    assert 0 < scores["bits_per_byte"]["low"] <= scores["bits_per_byte"]["value"] < 6
    assert {"distinct_1", "distinct_2", "distinct_3", "repetition", "length"} < set(scores)
    assert set(run.evaluation["baselines"]) == {"trigram-kneser-ney", "real"}
    assert set(run.evaluation["difference"]["trigram-kneser-ney"]["bits_per_byte"]) == {"value", "low", "high"}
    model: Any = penjing.load(run.model, "cpu")
    answer = run.predictions[0]
    assert [answer] == model.predict(["row 7: red"])
    assert answer == model.predict(["row 1:", "row 7: red", "row 2: blue red"])[1]  # alone or among others
    assert all(artifact.skipped for artifact in run_again(run).artifacts.values())


def run_again(run: RunResult) -> RunResult:
    family = run.artifacts["finetune"].facts["family"]
    recipe = check_recipe(recipe_in(run.out.parent, family), "lines")
    return run_recipe(recipe, run.out, Silent(), ["test"])


def test_bits_per_byte_are_those_of_the_network_s_own_probabilities(run: RunResult) -> None:
    model: Any = penjing.load(run.model, "cpu")
    if model.renderer.reads_first:
        return  # test_answer_likelihood.py holds it against Transformers
    rows = read_continuations(run.artifacts["data"].folder, "test")
    nats = 0.0
    texts = model.renderer.divide(rows.texts, rows.targets)
    whole = [ids for ids, _ in model.renderer.render_whole(texts)]
    short = [row for row, ids in enumerate(whole) if len(ids) <= 21 or model.network.longest_row is None]
    found = model.measure([texts[row] for row in short])
    for row in short:
        ids = torch.tensor([whole[row]])
        with torch.inference_mode():
            logits = model.network.score(model.network.encode(ids[:, :-1])).double().log_softmax(-1)
        nats -= float(logits.gather(2, ids[:, 1:, None]).sum())
    assert -found.log_probabilities.sum() == pytest.approx(nats, rel=1e-4)
    if len(short) == len(texts):
        size = sum(len(text.encode()) for text in rows.texts)
        assert run.evaluation["scores"]["bits_per_byte"]["value"] == pytest.approx(nats / math.log(2) / size, rel=1e-4)


def test_every_token_of_the_test_texts_is_scored_once(run: RunResult) -> None:
    model: Any = penjing.load(run.model, "cpu")
    rows = read_continuations(run.artifacts["data"].folder, "test")
    texts = model.renderer.divide(rows.texts, rows.targets)
    counts = [len(ids) - given for ids, given in model.renderer.render_whole(texts)]
    assert model.measure(texts).tokens.tolist() == counts
    assert run.evaluation["tokens"] == int(np.sum(counts))


def evaluate(model: Path, run: RunResult, folder: Path, *options: str) -> Any:
    """Returns what ``penjing evaluate`` says of a model on the test texts of a run."""
    for split in ("train", "test"):
        texts = read_continuations(run.artifacts["data"].folder, split).texts
        (folder / f"{split}.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
    call = ["evaluate", str(model), str(folder / "test.txt"), "--resamples", "100", "--json", *options]
    result = CliRunner().invoke(app, call)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_evaluate_in_a_run_shows_the_same_trigram_model_as_its_report(run: RunResult, tmp_path: Path) -> None:
    said = evaluate(run.model, run, tmp_path)
    for key in ("baselines", "difference"):
        assert said[key]["trigram-kneser-ney"] == run.evaluation[key]["trigram-kneser-ney"]


def test_evaluate_away_from_the_run_says_what_is_missing_or_reads_what_it_is_given(
    run: RunResult, tmp_path: Path
) -> None:
    alone = Path(shutil.copytree(run.model, tmp_path / "alone"))
    said = evaluate(alone, run, tmp_path)
    assert list(said["baselines"]) == ["real"]
    assert "--train FILE gives them" in said["baselines_left_out"]
    said = evaluate(alone, run, tmp_path, "--train", str(tmp_path / "train.txt"))
    assert said["baselines"]["trigram-kneser-ney"] == run.evaluation["baselines"]["trigram-kneser-ney"]
    assert "baselines_left_out" not in said


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_speaks_both_languages(run: RunResult, read_page: Callable[[str], Any], language: Any) -> None:
    from penjing.pipeline.facts import Outcome, collect_facts
    from penjing.pipeline.report.report import render_report

    family = run.artifacts["finetune"].facts["family"]
    recipe = check_recipe(recipe_in(run.out.parent, family), "lines")
    facts = collect_facts(recipe, Outcome(run.artifacts, run.evaluation, run.predictions, "penjing run"))
    page = read_page(render_report(facts, language))
    words = {
        "en": ("generation", "the real texts", "Repetition", "What it wrote beside what truly follows"),
        "zh": ("文本生成", "真实文本", "重复率", "模型所写与真实下文"),
    }
    for word in (*words[language], "row 7: red"):
        assert word in page.text


def test_adapters_learn_from_a_folder_what_a_continuation_column_says(tmp_path: Path) -> None:
    first = recipe_in(tmp_path)
    start = run_recipe(check_recipe(first, "lines"), tmp_path / "start", Silent(), ["test"])
    rows = "".join(f"row {n},red blue red {n}\n" for n in range(60))
    (tmp_path / "rows.csv").write_text(f"text,then\n{rows}", encoding="utf-8")
    recipe = {
        **first,
        "data": {"path": str(tmp_path / "rows.csv"), "continuation": "then"},
        "model": {"start": str(start.model)},
    }
    recipe["finetune"] = {**recipe["finetune"], "lora": {"rank": 2}}
    del recipe["tokenizer"]
    result = run_recipe(check_recipe(recipe, "lines"), tmp_path / "out", Silent(), ["test"])
    assert result.adapter is not None
    assert result.evaluation["given"]
    rows_of = read_continuations(result.artifacts["data"].folder, "test")
    assert result.evaluation["bytes"] == sum(len(text.encode()) for text in rows_of.targets)
    inputs = {name: artifact.folder for name, artifact in result.artifacts.items()}
    shown = KINDS["continuation"].show(check_recipe(recipe, "lines"), inputs, 1)[0]
    learned = "".join(token.text for token in shown.tokens if token.state == "learned" and not token.is_special)
    assert learned == read_continuations(result.artifacts["data"].folder, "train").targets[0]


def refused(recipe: dict[str, Any], *words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        check_runnable(check_recipe(recipe, "lines"))
    for word in words:
        assert word in str(caught.value)


def test_start_that_reads_from_both_sides_is_told_to_be_another(tmp_path: Path) -> None:
    config = LSTM.config_from_dict({"vocab_size": 64, "hidden_size": 8})
    (tmp_path / "start").mkdir()
    write_json(tmp_path / "start" / "config.json", LSTM.config_to_dict(config, head="language"))
    recipe = recipe_in(tmp_path)
    for shape in ({}, {"bidirectional": False}):
        model = {"start": str(tmp_path / "start"), "shape": shape}
        refused({**recipe, "model": model}, "reads from both sides and cannot write", "Start from a model that writes")


def test_what_cannot_be_is_refused_before_anything_runs(tmp_path: Path) -> None:
    recipe = recipe_in(tmp_path)
    assert isinstance(check_recipe(recipe, "lines"), ContinuationRecipe)
    refused({**recipe, "model": {"family": "bert"}}, "the task generate goes on with texts, and bert cannot")
    refused({**recipe, "render": {"max_tokens": 128}}, "[render] max_tokens is 128", "64 positions")
    refused({**recipe, "write": {"max_tokens": 16}}, "more than half of [render] max_tokens, 20")
    refused({**recipe, "explain": {}}, "[explain] is for answers that are labels")
    refused({**recipe, "data": {**recipe["data"], "label": "x"}}, "[data] label is for the tasks classify")
    lstm = {"family": "lstm", "shape": {**SHAPES["lstm"], "bidirectional": True}}
    refused({**recipe, "model": lstm}, "bidirectional is true")
