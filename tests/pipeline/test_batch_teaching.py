"""A model that goes on with texts, or replies, learns from a larger one how probable it finds every token."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import penjing
from penjing.data.continuations import read_continuations
from penjing.errors import Interrupted, RecipeError
from penjing.files import read_json
from penjing.hashing import hash_file
from penjing.pipeline.check import check_runnable
from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import RunResult, run_recipe
from penjing.pipeline.tracing import started_from
from penjing.progress import Silent
from penjing.train.history import read_history

Make = Callable[..., dict[str, Any]]
Taught = tuple[dict[str, Any], RunResult, RunResult]


def run(recipe: dict[str, Any], out: Path) -> RunResult:
    return run_recipe(check_recipe(recipe, recipe["name"]), out, Silent(), ["test"])


def check(recipe: dict[str, Any]) -> None:
    check_runnable(check_recipe(recipe, recipe["name"]))


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory, teacher_recipe: Make, student_recipe: Make) -> Taught:
    """The recipe of a teacher that goes on with texts, its run and its student's; nobody may change them."""
    folder = tmp_path_factory.mktemp("texts")
    recipe = teacher_recipe(folder)
    teacher = run(recipe, folder / "teacher")
    return recipe, teacher, run(student_recipe(recipe, teacher.model), folder / "student")


@pytest.fixture(scope="module")
def chats(tmp_path_factory: pytest.TempPathFactory, teacher_recipe: Make, student_recipe: Make) -> Taught:
    """The same of a teacher that replies."""
    pytest.importorskip("bm25s", reason="the baseline of dialogues is not installed")
    folder = tmp_path_factory.mktemp("chats")
    recipe = teacher_recipe(folder, "chat")
    teacher = run(recipe, folder / "teacher")
    return recipe, teacher, run(student_recipe(recipe, teacher.model), folder / "student")


@pytest.fixture(params=["texts", "chats"])
def taught(request: pytest.FixtureRequest) -> Taught:
    found: Taught = request.getfixturevalue(request.param)
    return found


def test_the_students_tokens_are_those_of_its_teacher(taught: Taught) -> None:
    _, teacher, own = taught
    fingerprints = [done.artifacts["tokenizer"].facts["fingerprint"] for done in (teacher, own)]
    assert fingerprints[0] == fingerprints[1]
    for name in ("tokenizer.json", "chat_template.jinja"):
        assert (own.model / name).is_file() == (teacher.model / name).is_file()
    assert own.artifacts["tokenizer"].facts["kind"] == "given"


def test_a_teacher_is_in_the_lineage_of_its_student_by_content(taught: Taught) -> None:
    _, teacher, own = taught
    card = read_json(own.model / "penjing.json")
    entry = next(entry for entry in card["lineage"] if entry["stage"] == "finetune")
    assert ["model.safetensors", hash_file(teacher.model / "model.safetensors")] in entry["files"]
    size = teacher.artifacts["finetune"].facts["parameters"]
    assert card["distill"] == {
        "teachers": [{"family": "llama", "parameters": size}],
        "temperature": 1.0,
        "weight": 0.5,
    }
    assert started_from(teacher.out) == [own.model]
    assert "teach" not in own.artifacts


def test_the_teachers_scores_stand_beside_the_students(taught: Taught, read_page: Any) -> None:
    _, teacher, own = taught
    found = own.evaluation["teachers"]["1"]
    assert found["scores"] == teacher.evaluation["scores"]
    assert found["rows"] == own.evaluation["rows"]
    assert set(own.evaluation["baselines"]) == set(teacher.evaluation["baselines"])
    text = read_page(own.report.read_text(encoding="utf-8")).text
    assert text.count("Teacher 1") >= 2
    sizes = [done.artifacts["finetune"].facts["parameters"] for done in (teacher, own)]
    assert f"{sizes[0] / sizes[1]:.1f} times as many as this model" in text
    assert "tokens and teacher together" in text


def test_a_teacher_that_learned_from_test_rows_is_told_of(taught: Taught, tmp_path: Path, student_recipe: Make) -> None:
    recipe, teacher, own = taught
    assert own.evaluation["teachers"]["1"]["learned_rows"] == 0
    done = run({**student_recipe(recipe, teacher.model), "seed": 1}, tmp_path / "out")  # it divides the rows otherwise
    rows = done.evaluation["teachers"]["1"]["learned_rows"]
    learned, test = (
        set(pq.read_table(each.artifacts["data"].folder / f"{split}.parquet")["text"].to_pylist())
        for each, split in ((teacher, "train"), (done, "test"))
    )
    assert rows >= len(learned & test) > 0
    pages = [each.report.read_text(encoding="utf-8") for each in (own, done)]
    assert [f"which learned from {rows} of the test rows" in page for page in pages] == [False, True]


def test_another_temperature_trains_anew_and_the_report_is_in_chinese_too(
    taught: Taught, tmp_path: Path, student_recipe: Make
) -> None:
    recipe, teacher, _ = taught
    first = run(student_recipe(recipe, teacher.model), tmp_path / "out")
    changed = student_recipe(recipe, teacher.model, temperature=2.0)
    again = run({**changed, "report": {"language": "zh"}}, tmp_path / "out")
    assert again.artifacts["examples"].skipped
    assert not again.artifacts["finetune"].skipped
    assert again.artifacts["finetune"].content != first.artifacts["finetune"].content
    page = again.report.read_text(encoding="utf-8")
    assert "教师 1" in page
    assert "训练线含词元与教师两部分" in page


def test_another_teacher_in_the_same_folder_trains_anew(texts: Taught, tmp_path: Path, student_recipe: Make) -> None:
    recipe, teacher, _ = texts
    changes = student_recipe(recipe, teacher.model)
    first = run(changes, tmp_path / "out")
    other = run({**recipe, "seed": 1, "tokenizer": {"start": str(teacher.model)}}, tmp_path / "other")
    again = run(student_recipe(recipe, other.model), tmp_path / "out")
    assert again.artifacts["tokenizer"].content == first.artifacts["tokenizer"].content
    assert again.artifacts["finetune"].content != first.artifacts["finetune"].content
    assert again.evaluation["teachers"]["1"]["scores"] != first.evaluation["teachers"]["1"]["scores"]


def test_the_best_weights_are_chosen_by_the_tokens_alone(texts: Taught, tmp_path: Path) -> None:
    _, _, own = texts
    best = own.artifacts["finetune"].facts["best"]
    model: Any = penjing.load(own.model, "cpu")
    rows = read_continuations(own.artifacts["data"].folder, "validation")
    found = model.measure(model.renderer.divide(rows.texts, rows.targets))
    assert best["validation_loss"] == pytest.approx(-found.log_probabilities.sum() / found.tokens.sum(), rel=0.05)


@pytest.mark.parametrize(("own", "theirs"), [("lstm", "llama"), ("t5", "t5")])
def test_other_families_learn_from_a_teacher_that_reads_as_they_do(
    tmp_path: Path, own: str, theirs: str, teacher_recipe: Make, student_recipe: Make
) -> None:
    recipe = teacher_recipe(tmp_path, "generate", theirs)
    teacher = run(recipe, tmp_path / "teacher")
    done = run(student_recipe(recipe, teacher.model, own), tmp_path / "student")
    assert done.evaluation["teachers"]["1"]["scores"] == teacher.evaluation["scores"]
    assert done.artifacts["finetune"].facts["family"] == own


def test_adapters_learn_from_a_teacher(texts: Taught, tmp_path: Path, student_recipe: Make) -> None:
    recipe, teacher, own = texts
    document = student_recipe(recipe, teacher.model)
    document |= {"model": {"start": str(own.model)}}
    del document["tokenizer"]
    document["finetune"]["lora"] = {"rank": 2}
    done = run(document, tmp_path / "out")
    assert done.adapter is not None
    assert done.artifacts["finetune"].facts["distill"]["teachers"][0]["family"] == "llama"


def test_a_model_that_learned_preferences_last_teaches_one_that_chats(
    chats: Taught, tmp_path: Path, student_recipe: Make
) -> None:
    recipe, teacher, _ = chats
    said = [
        {"prompt": f"{a} {b}", "chosen": a, "rejected": b} for a in ("red", "blue", "gray") for b in "abcdefghijklm"
    ]
    (tmp_path / "preferred.jsonl").write_text("\n".join(map(json.dumps, said)), encoding="utf-8")
    preferring = {
        **{key: recipe[key] for key in ("render", "write")},
        **{"name": "preferring", "task": "prefer_reply", "data": {"path": str(tmp_path / "preferred.jsonl")}},
        **{"model": {"start": str(teacher.model)}, "evaluate": {"resamples": 100}},
        "finetune": {"epochs": 0.5, "precision": "fp32", "device": "cpu"},
    }
    preferred = run(preferring, tmp_path / "preferring")
    done = run(student_recipe(recipe, preferred.model), tmp_path / "out")
    assert done.evaluation["teachers"]["1"]["scores"].keys() == done.evaluation["scores"].keys()


def test_a_stopped_run_goes_on_to_the_same_weights(texts: Taught, tmp_path: Path, student_recipe: Make) -> None:
    recipe, teacher, own = texts
    document = student_recipe(recipe, teacher.model)

    class StopOnce(Silent):
        asked = 0

        def should_stop(self) -> bool:
            StopOnce.asked += any((tmp_path / "out").glob("stages/finetune-*.part/history.jsonl"))
            return StopOnce.asked == 3

    with pytest.raises(Interrupted):
        run_recipe(check_recipe(document, "student"), tmp_path / "out", StopOnce(), ["test"])
    done = run(document, tmp_path / "out")
    assert (done.model / "model.safetensors").read_bytes() == (own.model / "model.safetensors").read_bytes()
    histories = [read_history(each.artifacts["finetune"].folder / "history.jsonl") for each in (done, own)]
    losses = [[record.get("loss") for record in history] for history in histories]
    assert losses[0] == losses[1]


def test_a_plan_counts_the_teacher_and_leaves_nothing(taught: Taught, tmp_path: Path, student_recipe: Make) -> None:
    recipe, teacher, own = taught
    plan = make_plan(check_recipe(student_recipe(recipe, teacher.model), "student"), tmp_path / "out", Silent())
    stages = {stage.name: stage for stage in plan.stages}
    facts = own.artifacts["finetune"].facts
    assert stages["finetune"].facts["distill"] == {"teachers": facts["distill"]["teachers"]}
    assert stages["finetune"].facts["steps"] == facts["steps"]
    assert stages["evaluate"].seconds > 0
    assert not (tmp_path / "out").exists()


def test_what_reads_other_tokens_is_refused_before_anything_runs(
    texts: Taught, tmp_path: Path, student_recipe: Make
) -> None:
    recipe, teacher, own = texts
    document = student_recipe(recipe, teacher.model)
    with pytest.raises(RecipeError, match=r"trains a tokenizer with others.*\[tokenizer\]"):
        check({**document, "tokenizer": recipe["tokenizer"]})
    other = run({**recipe, "tokenizer": {"kind": "wordpiece", "vocab_size": 310}}, tmp_path / "other")
    with pytest.raises(RecipeError, match=r"the teacher's tokenizer \(\d+ entries\) is not that .* \(\d+, of "):
        check({**document, "tokenizer": {"start": str(other.model)}})
    with pytest.raises(RecipeError, match=r"goes on where a text stands .* is an encoder-decoder"):
        check({**document, "model": {"family": "t5"}})
    with pytest.raises(RecipeError, match="max_tokens is 100, but the teacher has 64 positions"):
        check({**document, "model": {"family": "llama"}, "render": {"max_tokens": 100}})
    assert own.model.is_dir()


def test_a_teacher_of_another_task_or_template_is_refused(
    texts: Taught, chats: Taught, tmp_path: Path, student_recipe: Make
) -> None:
    (texts_of, texts_teacher, _), (chats_of, chats_teacher, _) = texts, chats
    with pytest.raises(RecipeError, match="for the task generate, and its answers are not those of the task chat"):
        check(student_recipe(chats_of, texts_teacher.model))
    with pytest.raises(RecipeError, match="for the task chat, and its answers are not those of the task generate"):
        check(student_recipe(texts_of, chats_teacher.model))
    template = (chats_teacher.model / "chat_template.jinja").read_text(encoding="utf-8")
    (tmp_path / "other.jinja").write_text(template.replace("bos_token", "eos_token"), encoding="utf-8")
    document = student_recipe(chats_of, chats_teacher.model)
    document["render"] = {**document["render"], "template": str(tmp_path / "other.jinja")}
    with pytest.raises(RecipeError, match="another chat template"):
        check(document)


def test_a_tokenizer_that_is_taken_is_not_changed_too(texts: Taught, student_recipe: Make) -> None:
    recipe, teacher, own = texts
    document = student_recipe(recipe, teacher.model)
    with pytest.raises(RecipeError, match="beside it vocab_size would change nothing"):
        check_recipe({**document, "tokenizer": {"start": str(teacher.model), "vocab_size": 400}}, "student")
    with pytest.raises(RecipeError, match="brings its own tokenizer"):
        check_recipe({**document, "model": {"start": str(own.model)}}, "student")
    with pytest.raises(RecipeError, match="no such folder"):
        check({**recipe, "tokenizer": {"start": "nowhere"}})


def test_without_a_teacher_a_run_is_as_it_was(texts: Taught, tmp_path: Path, student_recipe: Make) -> None:
    recipe, teacher, _ = texts
    document = {**student_recipe(recipe, teacher.model), "finetune": recipe["finetune"]}
    done = run(document, tmp_path / "out")
    assert "teachers" not in done.evaluation
    assert "distill" not in done.artifacts["finetune"].facts
    entry = next(entry for entry in read_json(done.model / "penjing.json")["lineage"] if entry["stage"] == "finetune")
    assert entry["files"] == []
