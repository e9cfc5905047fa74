"""Practice: courses one after another, each from the weights of the one before, then the recipe's own rows."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from tests.pipeline.own_teachers import run, weights_of
from tests.pipeline.practicing import practicing_recipe

from penjing.data.keys import text_ids
from penjing.data.reading import read_pairs
from penjing.errors import PenjingError, RecipeError
from penjing.files import read_json
from penjing.hashing import hash_json
from penjing.pipeline.plan import make_plan
from penjing.pipeline.practice import course_recipe
from penjing.pipeline.recipe_file import check_recipe, load_recipe
from penjing.pipeline.recipe_kinds import practicing
from penjing.pipeline.run import remove_texts
from penjing.pipeline.stages.exercises import Draw, exercises_file
from penjing.pipeline.stages.finetune import PRACTICE
from penjing.pipeline.store import stage_folder
from penjing.pipeline.tuning.space import default_space, recipe_with
from penjing.progress import Silent

Recipes = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def practiced(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The folder and the finished run of a model that has practiced; nobody may change them."""
    folder = tmp_path_factory.mktemp("practiced")
    return folder, run(practicing_recipe(folder), folder / "out")


def exercises(artifacts: dict[str, Any], course: str) -> list[dict[str, Any]]:
    file = exercises_file(artifacts["exercises"].folder, course)
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_each_course_goes_on_from_the_one_before(practiced: tuple[Path, Any]) -> None:
    artifacts = practiced[1].artifacts
    first, last, own = (artifacts[name] for name in ("practice-write_off", "practice", "finetune"))
    assert "practice" not in first.record["inputs"]
    assert last.record["inputs"]["practice"] == first.content
    assert own.record["inputs"]["practice"] == last.content
    assert first.record["inputs"]["tokenizer"] == own.record["inputs"]["tokenizer"]
    assert len({weights_of(artifacts, name) for name in ("practice-write_off", "practice", "finetune")}) == 3


def test_model_is_that_of_the_same_exercises_run_one_after_another(practiced: tuple[Path, Any]) -> None:
    folder, result = practiced
    artifacts, document = result.artifacts, practicing_recipe(folder)
    del document["practice"]
    start = {"name": "second", "model": {"start": str(artifacts["practice"].folder / "model")}, "tokenizer": {}}
    again = run({**document, **start}, folder / "again")
    assert weights_of(again.artifacts, "finetune") == weights_of(artifacts, "finetune")


def test_exercises_are_of_training_texts_alone(practiced: tuple[Path, Any]) -> None:
    artifacts = practiced[1].artifacts
    data = artifacts["data"].folder
    every = [exercises(artifacts, course) for course in ("write_off", "find")]
    assert 90 < len(every[0]) <= 100  # a drawn text may have had no room for two sentences
    assert len(every[1]) == 60
    known = " ".join(read_pairs(data, "train").texts)
    measured = [text for split in ("validation", "test") for text in read_pairs(data, split).targets]
    for row in [row for rows in every for row in rows]:
        assert all(sentence in known for sentence in row["target"].removesuffix(".").split(". "))
        assert not any(sentence in row["source"] for sentence in measured)


def test_finished_practice_is_not_done_again_and_each_course_has_its_own_key(tmp_path: Path) -> None:
    document = practicing_recipe(tmp_path)
    before = run(document, tmp_path / "out").artifacts
    assert all(artifact.skipped for artifact in run(document, tmp_path / "out").artifacts.values())
    document["practice"]["find"]["epochs"] = 2
    after = run(document, tmp_path / "out").artifacts
    assert after["practice-write_off"].skipped
    assert after["exercises"].skipped
    assert not after["practice"].skipped
    assert weights_of(after, "practice") != weights_of(before, "practice")


def test_killed_practice_goes_on_to_the_bit(tmp_path: Path) -> None:
    document = practicing_recipe(tmp_path)
    document["practice"]["find"]["epochs"] = 12
    document["finetune"]["checkpoint_every_s"] = 0
    (tmp_path / "notes.toml").write_text(tomli_w.dumps(document), encoding="utf-8")
    command = [sys.executable, "-m", "penjing", "run", str(tmp_path / "notes.toml"), "--out", str(tmp_path / "killed")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    stages, waited = tmp_path / "killed" / "stages", time.monotonic() + 300
    while not (list(stages.glob("practice-*[0-9a-f]")) and list(stages.glob("practice-*.part/checkpoint*"))):
        assert process.poll() is None
        assert time.monotonic() < waited
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    whole, killed = run(document, tmp_path / "whole"), run(document, tmp_path / "killed")
    assert killed.artifacts["practice-write_off"].skipped
    for name in ("practice", "finetune"):
        assert not killed.artifacts[name].skipped
        assert weights_of(killed.artifacts, name) == weights_of(whole.artifacts, name)


@pytest.mark.parametrize("family", ["t5", "llama"])
def test_plan_says_what_is_practiced(tmp_path: Path, family: str) -> None:
    document = practicing_recipe(tmp_path, family)
    recipe = check_recipe(document, "notes")
    planned = make_plan(recipe, tmp_path / "out", Silent())
    assert [stage.name for stage in planned.stages][-3:] == ["practice", "finetune", "evaluate"]
    assert planned.facts("practice")["courses"] == 2
    made = run(document, tmp_path / "out").artifacts
    trained = [made[name].facts["tokens"] for name in ("practice-write_off", "practice")]
    assert planned.facts("practice")["practiced"] == pytest.approx(sum(trained), rel=0.05)
    again = make_plan(recipe, tmp_path / "out", Silent())
    assert all(stage.is_done for stage in again.stages)
    assert again.facts("practice")["practiced"] == sum(trained)


def test_report_says_what_was_practiced(practiced: tuple[Path, Any], read_page: Callable[[str], Any]) -> None:
    page = read_page(practiced[1].report.read_text(encoding="utf-8")).text
    for words in ("Practiced: sentences written off", " exercises made of texts", "60 exercises made of texts"):
        assert words in page


def test_removed_text_is_in_no_exercise(tmp_path: Path) -> None:
    document = practicing_recipe(tmp_path)
    out = tmp_path / "out"
    artifacts = run(document, out).artifacts
    before = weights_of(artifacts, "practice")
    text = read_pairs(artifacts["data"].folder, "train").texts[0]
    sentence = text.partition(".")[0]
    assert any(sentence in row["source"] for row in exercises(artifacts, "find"))
    removal = remove_texts(check_recipe(document, "notes"), out, text_ids([text]), Silent())
    assert "exercises" in removal.rebuilt
    assert removal.waiting[:2] == ["practice", "finetune"]
    for file in (out / "stages").rglob("*.jsonl"):
        assert sentence not in file.read_text(encoding="utf-8")
    after = run(document, out).artifacts
    assert not any(sentence in row["source"] for row in exercises(after, "find"))
    assert weights_of(after, "practice") != before
    planned = make_plan(check_recipe(document, "notes"), out, Silent())
    assert all(stage.is_done for stage in planned.stages)


def test_what_is_to_be_written_to_test_rows_is_in_no_exercise(tmp_path: Path) -> None:
    document = practicing_recipe(tmp_path)
    plain = {key: value for key, value in document.items() if key != "practice"}
    data = run(plain, tmp_path / "plain").artifacts["data"].folder
    measured = [text for split in ("validation", "test") for text in read_pairs(data, split).targets]
    kept = [
        f"The old bridge {n} was closed. It had {n} arches. Nobody crossed it. The old bridge {n} fell."
        for n in range(60)
    ]
    texts = [*(f"{text} Nobody slept. It rained. {text}" for text in measured), *kept]
    (tmp_path / "more.txt").write_text("\n".join(texts), encoding="utf-8")
    document["corpus"] = {"path": str(tmp_path / "more.txt"), "unit": "line"}
    artifacts = run(document, tmp_path / "out").artifacts
    rows = [row for course in ("write_off", "find") for row in exercises(artifacts, course)]
    assert any("old bridge" in row["source"] for row in rows)
    assert not any(text in row["source"] for row in rows for text in measured)


def test_rows_of_a_course_are_not_taken_for_those_of_the_run(practiced: tuple[Path, Any]) -> None:
    folder, result = practiced
    out = folder / "unfinished"
    shutil.copytree(result.out, out)
    (out / "lineage.json").unlink()
    assert stage_folder(out, "data").name == result.artifacts["data"].folder.name


def test_trials_of_a_search_share_their_practice(tmp_path: Path) -> None:
    recipe = check_recipe(practicing_recipe(tmp_path), "notes")
    rows = tmp_path / "rows"
    keys = set()
    for values in ({}, {"finetune.learning_rate": 0.01, "finetune.dropout": 0.2}):
        changed = recipe_with(recipe, values)
        keys.add(hash_json(PRACTICE.settings(course_recipe(changed, "find", rows))))
    assert len(keys) == 1
    assert set(default_space(recipe)) == {"finetune.learning_rate", "finetune.dropout"}


def test_few_texts_are_told_by_the_name_of_the_course(tmp_path: Path, question_recipe: Recipes) -> None:
    document = question_recipe(tmp_path)
    told = [f"The tower {n} was built in {1800 + n}. It is high." for n in range(9)]
    rows = "".join(f"{text},When was {n} built?,{1800 + n}\n" for n, text in enumerate(told))
    (tmp_path / "few.csv").write_text(f"context,question,answer\n{rows}", encoding="utf-8")
    document |= {"data": {"path": str(tmp_path / "few.csv")}, "practice": {"cloze": {}}}
    with pytest.raises(PenjingError, match="10 are needed") as caught:
        run(document, tmp_path / "out")
    assert caught.value.where == "[practice.cloze]"


@pytest.mark.parametrize("kind", ["found", "written"])
def test_questions_are_practiced_before_those_of_the_recipe(
    tmp_path: Path, question_recipe: Recipes, written_recipe: Recipes, kind: str
) -> None:
    document = question_recipe(tmp_path) if kind == "found" else written_recipe(tmp_path)
    (tmp_path / "more.txt").write_text(
        "\n".join(f"The {n}th bridge was built in {1500 + n}. It has {n} arches." for n in range(60)), encoding="utf-8"
    )
    document |= {"corpus": {"path": str(tmp_path / "more.txt")}, "practice": {"cloze": {"epochs": 1}}}
    document["corpus"]["unit"] = "line"
    document["finetune"]["epochs"] = 1
    artifacts = run(document, tmp_path / "out").artifacts
    rows = exercises(artifacts, "cloze")
    assert any("bridge" in row["context"] for row in rows)
    facts = artifacts["practice-cloze-examples"].facts["splits"]
    assert facts["train"]["rows"] > 10 * facts["validation"]["rows"] > 0
    assert artifacts["finetune"].record["inputs"]["practice"] == artifacts["practice"].content


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"task": "translate"}, "not to translate"),
        ({"practice": {}}, "no course"),
        ({"practice": {"cloze": {}}}, "cloze"),
        ({"practice": {"find": {"epochs": 0}}}, "epochs"),
    ],
)
def test_practice_that_has_no_sense_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        check_recipe({**practicing_recipe(tmp_path), **changes}, "notes")


def test_adapters_and_practice_are_refused_together(tmp_path: Path) -> None:
    document = practicing_recipe(tmp_path)
    document["finetune"]["lora"] = {"rank": 2}
    with pytest.raises(RecipeError, match=r"\[practice\] changes all weights"):
        check_recipe(document, "notes")


def test_texts_of_one_sentence_are_refused_by_their_course(tmp_path: Path) -> None:
    document = practicing_recipe(tmp_path)
    lines = "\n".join(f"text number {n},number {n}" for n in range(40))
    (tmp_path / "notes.csv").write_text(f"text,target\n{lines}\n", encoding="utf-8")
    with pytest.raises(PenjingError, match="exercises can be made of 0 of") as caught:
        run(document, tmp_path / "out")
    assert caught.value.where == "[practice.write_off]"


def test_recipes_without_practice_keep_their_stages(tmp_path: Path) -> None:
    document = practicing_recipe(tmp_path)
    del document["practice"]
    artifacts = run(document, tmp_path / "out").artifacts
    assert not {"exercises", "practice"} & artifacts.keys()
    recorded = read_json(artifacts["finetune"].folder / "lineage.json")
    assert "practice" not in recorded["inputs"]


def test_draw_of_texts_is_even() -> None:
    texts = [str(number) for number in range(200)]

    def drawn_of(most: int, seed: int) -> list[str]:
        draw = Draw(most, seed)
        for text in texts:
            draw.add(text)
        return draw.kept

    assert drawn_of(300, 0) == texts
    counts = dict.fromkeys(texts, 0)
    for seed in range(400):
        drawn = drawn_of(50, seed)
        assert len(set(drawn)) == 50
        for text in drawn:
            counts[text] += 1
    # 400 draws of a quarter: 100 expected, standard deviation 8.7; the first and the last as often as others.
    assert all(60 < count < 140 for count in counts.values())
    assert abs(sum(counts[str(n)] for n in range(50)) - 5000) < 4 * 8.7 * 50**0.5


def test_practice_is_left_out_by_a_word_on_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "notes.toml"
    path.write_text(tomli_w.dumps(practicing_recipe(tmp_path)), encoding="utf-8")
    assert practicing(load_recipe(path)) is not None
    assert practicing(load_recipe(path, ["practice=none"])) is None
    without = load_recipe(path, ["practice.find=none"])
    assert list(practicing(without).courses) == ["write_off"]  # type: ignore[union-attr]
