"""A recipe of questions becomes a model that finds answers, scored beside its baselines, the same in other tools."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import penjing
from penjing.data.questions import read_questions
from penjing.errors import RecipeError, UsageError
from penjing.files import read_json
from penjing.metrics.answers import rate_answers
from penjing.pipeline.check import check_runnable
from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import RunResult, run_recipe
from penjing.progress import Silent

Recipes = Callable[..., dict[str, Any]]


def test_a_model_learns_to_answer_and_to_leave_unanswered(question_run: RunResult) -> None:
    scores = question_run.evaluation["scores"]
    assert scores["f1"]["value"] > 0.9
    assert scores["unanswerable_exact_match"]["value"] > 0.5
    assert set(question_run.evaluation["baselines"]) == {"overlap-sentence", "overlap-clause"}
    assert question_run.evaluation["difference"]["overlap-clause"]["f1"]["low"] > 0
    assert question_run.evaluation["unanswerable"] > 0


def test_the_card_holds_the_threshold_and_the_folder_answers_by_it(question_run: RunResult) -> None:
    threshold = read_json(question_run.model / "penjing.json")["answer"]["threshold"]
    assert threshold is not None
    model: Any = penjing.load(question_run.model, "cpu")
    test = read_questions(question_run.artifacts["data"].folder, "test")
    predictions = model.predict([{"question": item.question, "context": item.text} for item in test])
    rated = rate_answers([item.answer for item in predictions], [item.answers for item in test])
    assert rated.mean(axis=0)[0] == pytest.approx(question_run.evaluation["scores"]["f1"]["value"])
    for item, asked in zip(predictions, test, strict=True):
        assert 0 <= item.probability <= 1
        if item.is_answerable:
            assert asked.text[item.start : item.end] == item.answer != ""
        else:
            assert (item.answer, item.start, item.end) == ("", None, None)


def test_transformers_reads_the_folder_and_gives_the_same_logits(question_run: RunResult) -> None:
    transformers = pytest.importorskip("transformers")
    model: Any = penjing.load(question_run.model, "cpu")
    theirs = transformers.AutoModelForQuestionAnswering.from_pretrained(question_run.model).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(question_run.model)
    question, text = "how many 3?", "film plot seven scene"
    (window,) = model.renderer.render([{"question": question, "text": text}])[0].windows
    assert tokenizer(question, text)["input_ids"] == window.ids
    types = torch.tensor([[int(place >= window.text_start) for place in range(len(window.ids))]])
    with torch.no_grad():
        expected = theirs(torch.tensor([window.ids]), token_type_ids=types)
    (ours,) = model.extractor.score([window], Silent())
    assert np.allclose(ours[:, 0], expected.start_logits[0].numpy(), atol=1e-5)
    assert np.allclose(ours[:, 1], expected.end_logits[0].numpy(), atol=1e-5)


def test_a_table_gets_columns(question_run: RunResult) -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"question": ["how many 1?"], "context": ["film plot seven scene"]})
    answered = penjing.load(question_run.model, "cpu").predict(table)
    assert list(answered.columns) == ["question", "context", "answer", "probability"]
    assert answered["answer"][0] == "seven"
    assert penjing.load(question_run.model, "cpu").predict(table[:0])["probability"].dtype == float
    with pytest.raises(UsageError, match="a question is asked of a text"):
        penjing.load(question_run.model, "cpu").predict(table["question"])


def test_the_report_shows_scores_and_answers_in_their_text(
    question_run: RunResult, read_page: Callable[[str], Any]
) -> None:
    page = read_page(question_run.report.read_text(encoding="utf-8"))
    sample = question_run.evaluation["samples"][0]
    words = ("question answering", "Exact match, answerable", "By the rules of SQuAD", "Questions by split")
    for said in (*words, sample["question"]):
        assert said in page.text


def test_the_worst_answers_are_wrong_ones_and_the_report_speaks_chinese(
    question_recipe: Recipes, tmp_path: Path, read_page: Callable[[str], Any]
) -> None:
    recipe = question_recipe(tmp_path)
    recipe["finetune"]["epochs"] = 0.2
    recipe["report"] = {"language": "zh"}
    result = run_recipe(check_recipe(recipe, "questions"), tmp_path / "out", Silent(), ["test"])
    worst = result.evaluation["worst"]
    assert len(worst) == 4
    assert all(item["answer"] not in item["truth"] for item in worst)
    text = read_page(result.report.read_text(encoding="utf-8")).text
    for words in ("阅读问答", "最差的回答", "各划分的问题数", "与问题最相近的分句", "文中没有答案的问题"):
        assert words in text
    assert worst[0]["question"] in text


def test_a_plan_counts_questions_windows_and_answers(question_recipe: Recipes, tmp_path: Path) -> None:
    plan = make_plan(check_recipe(question_recipe(tmp_path), "questions"), tmp_path / "out", Silent())
    examples = plan.facts("examples")["splits"]
    assert plan.facts("data")["unanswerable"] == 60
    assert examples["train"]["rows"] == plan.facts("data")["splits"]["train"]["rows"]
    assert examples["train"]["windows"] > examples["train"]["rows"]
    assert examples["train"]["off_borders"] == 0
    assert plan.facts("evaluate")["rows"] == plan.facts("data")["splits"]["test"]["rows"]


def test_a_threshold_of_the_recipe_stays(question_recipe: Recipes, tmp_path: Path) -> None:
    recipe = question_recipe(tmp_path)
    recipe["finetune"]["epochs"] = 0.2
    recipe["answer"]["threshold"] = 1000.0
    result = run_recipe(check_recipe(recipe, "questions"), tmp_path / "out", Silent(), ["test"])
    assert result.evaluation["refused"] == result.evaluation["rows"]
    assert result.evaluation["scores"]["unanswerable_exact_match"]["value"] == 1.0


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"model": {"family": "sasrec"}, "render": {}}, "finds answers in texts, and sasrec cannot"),
        ({"model": {"family": "t5"}, "render": {}}, r"\[answer\] is for models that find answers"),
        ({"render": {"max_tokens": 384}}, "max_tokens is 384, but the model has 64 positions"),
        ({"report": {"examples": ["x"]}}, "a question needs one"),
        ({"explain": {}}, "finds parts of texts"),
        ({"data": {"path": "a.csv", "answer": "context"}}, "must be different columns"),
        ({"finetune": {"label_smoothing": 0.1}}, "label_smoothing"),
    ],
)
def test_recipes_that_cannot_be_are_refused(
    question_recipe: Recipes, tmp_path: Path, change: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(RecipeError, match=complaint):
        check_runnable(check_recipe({**question_recipe(tmp_path), **change}, "questions"))


def test_a_model_goes_on_from_one_that_answers(
    question_run: RunResult, question_recipe: Recipes, tmp_path: Path
) -> None:
    recipe = question_recipe(tmp_path)
    recipe["model"] = {"start": str(question_run.model)}
    recipe["finetune"] |= {"epochs": 0.1, "learning_rate": 1e-6}
    result = run_recipe(check_recipe(recipe, "questions"), tmp_path / "out", Silent(), ["test"])
    assert result.evaluation["scores"]["f1"]["value"] > 0.9  # the head is handed on, not begun anew


def test_adapters_are_of_the_type_that_peft_has_for_answers(
    question_run: RunResult, question_recipe: Recipes, tmp_path: Path
) -> None:
    recipe = question_recipe(tmp_path)
    recipe["model"] = {"start": str(question_run.model)}
    recipe["finetune"] |= {"epochs": 0.2, "lora": {"rank": 2}}
    result = run_recipe(check_recipe(recipe, "questions"), tmp_path / "out", Silent(), ["test"])
    assert result.adapter is not None
    assert read_json(result.adapter / "adapter_config.json")["task_type"] == "QUESTION_ANS"
