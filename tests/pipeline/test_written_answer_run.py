"""Questions are answered in words by a model that writes, with no other sections than one that finds answers has."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.answered import find_answered
from typer.testing import CliRunner

import penjing
from penjing.cli.main import app
from penjing.data.questions import read_questions
from penjing.errors import Interrupted, RecipeError, UsageError
from penjing.files import read_json
from penjing.pipeline.check import check_runnable
from penjing.pipeline.facts import collect_facts
from penjing.pipeline.outcome import Outcome
from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe_file import check_recipe, load_recipe
from penjing.pipeline.recipe_kinds import AnswerRecipe, WrittenAnswerRecipe
from penjing.pipeline.report.report import render_report
from penjing.pipeline.run import RunResult, run_recipe
from penjing.pipeline.samples import show_rows
from penjing.pipeline.tuning.space import default_space, recipe_with, space_of
from penjing.progress import Silent
from penjing.tasks.written_answers import WrittenAnswerModel
from penjing.text.shards import open_shard

Recipes = Callable[..., dict[str, Any]]


def run(document: dict[str, Any], out: Path) -> RunResult:
    return run_recipe(check_recipe(document, "questions"), out, Silent(), ["penjing", "run", "questions.toml"])


@pytest.fixture(scope="module")
def document(written_recipe: Recipes, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return written_recipe(tmp_path_factory.mktemp("rows"))


@pytest.fixture(scope="module")
def writer(written_run: Callable[[str], RunResult]) -> RunResult:
    return written_run("t5")


def call(*arguments: object) -> Any:
    result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        ("t5", WrittenAnswerRecipe),
        ("llama", WrittenAnswerRecipe),
        ("qwen3", WrittenAnswerRecipe),
        ("bert", AnswerRecipe),
    ],
)
def test_the_family_says_whether_answers_are_found_or_written(
    question_recipe: Recipes, tmp_path: Path, family: str, kind: type
) -> None:
    own = {"task": "answer", "data": question_recipe(tmp_path)["data"], "model": {"family": family}}
    assert type(check_recipe(own, "questions")) is kind


def test_the_start_says_whether_answers_are_found_or_written(
    question_run: RunResult, writer: RunResult, document: dict[str, Any], tmp_path: Path
) -> None:
    own = {key: document[key] for key in ("name", "task", "data", "finetune")}
    for start, kind in ((writer.model, WrittenAnswerRecipe), (question_run.model, AnswerRecipe)):
        assert type(check_recipe({**own, "model": {"start": str(start)}}, "questions")) is kind
    again = {**own, "model": {"start": str(writer.model)}, "render": document["render"], "write": document["write"]}
    again["finetune"] = {**own["finetune"], "epochs": 1, "evaluations": 1}
    assert "f1" in run(again, tmp_path / "out").evaluation["scores"]
    gone = {**own, "model": {"start": "nowhere"}}
    for section in ("render", "write"):  # by which it is told what was meant
        with pytest.raises(RecipeError, match=r"no such folder.*nowhere|nowhere.*no such folder"):
            check_runnable(check_recipe({**gone, section: document[section]}, "questions"))


@pytest.mark.parametrize("start", [[], False, {}, 3])
def test_a_start_that_is_no_path_is_refused(document: dict[str, Any], start: Any) -> None:
    with pytest.raises(RecipeError, match=r"\[model\] start is"):
        check_recipe({**document, "model": {**document["model"], "start": start}}, "questions")


@pytest.mark.parametrize("family", ["t5", "llama"])
def test_it_reads_and_learns_the_tokens_of_a_part_of_a_model_of_several_tasks(
    written_recipe: Recipes, tmp_path: Path, family: str
) -> None:
    alone = written_recipe(tmp_path, family)
    alone["finetune"] |= {"epochs": 0.1, "evaluations": 1}
    own = run(alone, tmp_path / "alone")
    part = {"task": "answer", "template": "question: {question} context: {text}", "data": alone["data"]}
    several = {**alone, "task": "multi", "parts": {"ask": part}, "tokenizer": {"start": str(own.model)}}
    del several["data"]
    other = run(several, tmp_path / "several")
    for split in ("train", "validation", "test"):
        mine, theirs = (open_shard(done.artifacts["examples"].folder / split) for done in (own, other))
        assert np.array_equal(np.asarray(mine.tokens), np.asarray(theirs.tokens))
        assert np.array_equal(np.asarray(mine.labels), np.asarray(theirs.labels))
    assert own.evaluation["baselines"] == other.evaluation["parts"]["ask"]["baselines"]


def test_answers_are_measured_as_those_that_are_found(writer: RunResult, question_run: RunResult) -> None:
    assert writer.evaluation["scores"].keys() == question_run.evaluation["scores"].keys()
    assert writer.evaluation["baselines"] == question_run.evaluation["baselines"]
    card = read_json(writer.model / "penjing.json")
    assert (card["task"], card["write"]["beams"]) == ("answer", 1)
    assert card["scores"] == writer.evaluation["scores"]
    model = penjing.load(writer.model, "cpu")
    assert isinstance(model, WrittenAnswerModel)
    test = read_questions(writer.artifacts["data"].folder, "test")
    found = model.predict([{"question": item.question, "context": item.text} for item in test])
    exact = sum(item.answer in (question.answers or ("",)) for item, question in zip(found, test, strict=True))
    assert exact / len(test) == pytest.approx(writer.evaluation["scores"]["exact_match"]["value"])


def test_a_killed_run_goes_on_to_the_same_weights(document: dict[str, Any], writer: RunResult, tmp_path: Path) -> None:
    class Stops(Silent):
        asked = 0

        def should_stop(self) -> bool:
            steps = [p for p in tmp_path.glob("run/stages/finetune-*.part/checkpoints/*") if "step" in p.name]
            return bool(steps) and not self.asked

        def say(self, text: str) -> None:
            self.asked += "going on" in text

    own = {**document, "finetune": {**document["finetune"], "checkpoint_every_s": 0}}
    recipe, stopper = check_recipe(own, "questions"), Stops()
    with pytest.raises(Interrupted):
        run_recipe(recipe, tmp_path / "run", stopper, ["test"])
    again = run_recipe(recipe, tmp_path / "run", Silent(), ["test"])
    assert (again.model / "model.safetensors").read_bytes() == (writer.model / "model.safetensors").read_bytes()


def test_the_command_line_asks_and_measures_it(writer: RunResult, document: dict[str, Any], tmp_path: Path) -> None:
    model, rows = writer.model, document["data"]["path"]
    (asked,) = call("predict", model, "which color 3?", "--context", "two red dogs 3.")
    assert {"answer", "probability", "start", "end"} <= asked.keys()
    assert len(call("predict", model, "--file", rows)) == 480
    call("predict", model, "--file", rows, "--out", tmp_path / "answers.jsonl")
    assert len((tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines()) == 480
    assert "f1" in call("evaluate", model, rows, "--resamples", "100")["scores"]
    with pytest.raises(UsageError, match="is for the task answer, whose answers are texts"):
        CliRunner().invoke(app, ["explain", str(model), "two red dogs"], catch_exceptions=False)


def test_it_is_asked_about_a_folder_of_documents(writer: RunResult, document: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("bm25s")
    folder = tmp_path / "documents"
    folder.mkdir()
    question, text = find_answered(writer)
    for number, written in enumerate((text, "a blue tree", "a green house")):
        (folder / f"{number}.txt").write_text(written, encoding="utf-8")
    answers = call("answer", writer.model, folder, question)["answers"]
    assert "0.txt" in [cited["file"] for cited in answers]
    for cited in answers:
        text = (folder / cited["file"]).read_text(encoding="utf-8")
        assert text[cited["start"] : cited["end"]] == cited["answer"] != ""
    rows = document["data"]["path"]
    measured = call("evaluate", writer.model, rows, "--folder", folder, "--resamples", "100")
    assert {"f1", "recall_at_1"} <= measured["scores"].keys()


def test_the_report_says_in_both_languages_that_answers_are_written(
    writer: RunResult, document: dict[str, Any], read_page: Callable[[str], Any]
) -> None:
    english = read_page(writer.report.read_text(encoding="utf-8")).text
    for words in ("writes the answer", "question: {question} context: {text}", "written with beams: 1", "left"):
        assert words in english
    for words in ("windows", "outweighs", "token borders"):
        assert words not in english
    outcome = Outcome(writer.artifacts, writer.evaluation, [], "penjing run questions.toml")
    chinese = read_page(render_report(collect_facts(check_recipe(document, "questions"), outcome), "zh")).text
    for words in ("写出答案", "集束搜索写出，宽度 1", "没有写答案"):
        assert words in chinese


def test_plan_counts_questions_whose_answer_is_not_read(document: dict[str, Any], tmp_path: Path) -> None:
    short = {**document, "render": {"max_tokens": 28, "max_target_tokens": 8}}
    (tmp_path / "short.toml").write_text(_toml(short), encoding="utf-8")
    told = call("plan", tmp_path / "short.toml", "--out", tmp_path / "out")
    assert told["answers"]["not_learned"] > 0
    assert "windows" not in told["answers"]
    shown = CliRunner().invoke(app, ["plan", str(tmp_path / "short.toml"), "--out", str(tmp_path / "out")])
    assert f"{told['answers']['not_learned']} questions not learned" in " ".join(shown.output.split())
    make_plan(check_recipe(document, "questions"), tmp_path / "other", Silent())


def test_rows_are_shown_with_what_is_written(document: dict[str, Any], writer: RunResult) -> None:
    (row,) = show_rows(check_recipe(document, "questions"), writer.out, 1, Silent())
    assert "".join(token.text for token in row.tokens if token.state == "read").lstrip().startswith("[CLS]question:")
    assert any(token.state == "learned" for token in row.tokens)


def test_adapters_are_trained_and_merged(document: dict[str, Any], writer: RunResult, tmp_path: Path) -> None:
    own = {key: value for key, value in document.items() if key not in ("tokenizer", "model")}
    finetune = {**document["finetune"], "epochs": 1, "evaluations": 1, "lora": {"rank": 2}}
    result = run({**own, "model": {"start": str(writer.model)}, "finetune": finetune}, tmp_path / "out")
    assert result.adapter is not None
    assert isinstance(penjing.load(result.model, "cpu"), WrittenAnswerModel)


def test_it_learns_beside_a_teacher_that_writes(document: dict[str, Any], writer: RunResult, tmp_path: Path) -> None:
    student = copy.deepcopy(document)
    student["tokenizer"] = {"start": str(writer.model)}
    student["model"]["shape"]["d_ff"] = 16
    student["finetune"] |= {"epochs": 1, "evaluations": 1, "distill": {"teacher": str(writer.model)}}
    taught = run(student, tmp_path / "out")
    found = taught.evaluation["teachers"]["1"]
    assert found["scores"] == writer.evaluation["scores"]
    assert found["learned_rows"] == 0
    other = {**student, "render": {**student["render"], "template": "{question} {text}"}}
    with pytest.raises(RecipeError, match="the teacher was asked by the template"):
        check_runnable(check_recipe(other, "questions"))


def test_a_teacher_that_finds_answers_is_none_for_one_that_writes_them(
    writer: RunResult, question_run: RunResult, written_recipe: Recipes, question_recipe: Recipes, tmp_path: Path
) -> None:
    for own, teacher, complaint in (
        (
            written_recipe(tmp_path, "llama"),
            question_run.model,
            "it finds answers in texts, and the model that learns writes",
        ),
        (question_recipe(tmp_path), writer.model, "it writes answers, and the model that learns finds answers"),
    ):
        own["finetune"]["distill"] = {"teacher": str(teacher)}
        with pytest.raises(RecipeError, match=complaint):
            check_runnable(check_recipe(own, "questions"))


def test_a_search_compares_only_models_that_cut_texts_alike_and_write(document: dict[str, Any]) -> None:
    recipe = check_recipe(document, "questions")
    assert "finetune.learning_rate" in default_space(recipe)
    assert type(recipe_with(recipe, {"finetune.learning_rate": 1e-3})) is WrittenAnswerRecipe
    for key, values, complaint in (
        ("render.max_tokens", [32, 64], "a loss by token"),
        ("write.beams", [1, 2], "changes nothing before the test"),
        ("model.family", ["t5", "bert"], "found in texts by one trial and written by another"),
    ):
        own = {**document, "model": {"family": "t5"}} if key == "model.family" else document
        searched = check_recipe({**own, "tune": {key: values}}, "questions")
        with pytest.raises(RecipeError, match=complaint):
            space_of(searched)


def test_settings_of_the_call_reach_its_sections(document: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "questions.toml").write_text(_toml(document), encoding="utf-8")
    recipe = load_recipe(tmp_path / "questions.toml", ["data.path=other.json", "write.beams=3", "model.family=llama",
                                                       "model.shape={}"])  # fmt: skip
    assert isinstance(recipe, WrittenAnswerRecipe)
    assert recipe.data is not None
    assert (recipe.data.path, recipe.write.beams, recipe.model.family) == ("other.json", 3, "llama")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"answer": {"max_answer_tokens": 4}}, r"\[answer\] is for models that find answers"),
        ({"explain": {}}, "this model writes answers"),
        ({"report": {"examples": ["x"]}}, "a question needs one"),
        ({"data": {"pth": "x"}}, r"unknown key \[data\] pth"),
        ({"data": {"path": "a.csv", "answer": "context"}}, "must be different columns"),
        ({"render": {"template": "{text}"}}, r"must name \{question\} and \{text\}"),
        ({"render": {"template": "[CLS]{question"}}, "a brace that is none of a column"),
        ({"render": {"overlap_tokens": 4}}, r"unknown key \[render\] overlap_tokens"),
        ({"model": {"family": "llama", "shape": {"max_position_embeddings": 64}}}, "together is 72, but the model has"),
        ({"model": {"family": "lstm"}}, "bidirectional = false"),
    ],
)
def test_recipes_that_cannot_be_are_refused(document: dict[str, Any], change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(RecipeError, match=complaint):
        check_runnable(check_recipe({**document, **change}, "questions"))


@pytest.mark.parametrize("page", ["answer.md", "answer.zh.md"])
def test_the_recipe_of_the_documentation_is_one(page: str) -> None:
    import tomllib

    text = (Path(__file__).parents[2] / "docs" / page).read_text(encoding="utf-8")
    _, found, writes = text.split("```toml\n")
    recipes = [check_recipe(tomllib.loads(part.split("```")[0]), page) for part in (found, writes)]
    assert [type(recipe) for recipe in recipes] == [AnswerRecipe, WrittenAnswerRecipe]


def _toml(document: dict[str, Any]) -> str:
    from penjing.pipeline.starting.recipe_text import write_recipe

    return write_recipe(document, [], "en")
