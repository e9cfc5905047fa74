"""Teachers that are asked about texts made of the training texts: what is made, what is said of it, what removes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import penjing
from penjing.cli.main import app
from penjing.data.reading import iter_texts, read_pairs, read_split
from penjing.errors import RecipeError
from penjing.files import read_json
from penjing.pipeline.learned_rows import count_learned
from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import remove_texts, run_recipe
from penjing.pipeline.stages.finetune import FINETUNE
from penjing.pipeline.stages.teach import TEACH
from penjing.pipeline.tracing import find_texts
from penjing.progress import Silent

Make = Callable[..., dict[str, Any]]


def student(folder: Path, small_recipe: Make, teacher: Path, **more: Any) -> dict[str, Any]:
    """Returns the recipe of a small LSTM whose teacher is asked about four texts of each training text."""
    recipe = small_recipe(folder)
    recipe["finetune"] |= {"epochs": 1, "distill": {"teacher": str(teacher), "recombined": 4, **more}}
    return {**recipe, "name": "student"}


def run(recipe: dict[str, Any], out: Path) -> Any:
    return run_recipe(check_recipe(recipe, recipe["name"]), out, Silent(), ["test"])


def texts_of(folder: Path) -> list[str]:
    return [text for batch in iter_texts(folder / "texts.parquet") for text in batch]


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory, small_recipe: Make, small_bert_run: Any) -> tuple[Path, Any]:
    """The folder and the finished run of a student; nobody may change them."""
    folder = tmp_path_factory.mktemp("recombined")
    return folder, run(student(folder, small_recipe, small_bert_run.model), folder / "out")


def test_the_teacher_is_asked_about_what_was_made_after_the_rows(taught: tuple[Path, Any], small_bert_run: Any) -> None:
    done = taught[1].artifacts
    training, made = read_split(done["data"].folder, "train").texts, texts_of(done["recombined"].folder)
    logits = np.load(done["teach"].folder / "train.npy")
    teacher: Any = penjing.load(small_bert_run.model, "cpu")
    np.testing.assert_allclose(logits[:, 0], teacher.score_texts([*training, *made])[0], atol=1e-5)
    assert done["recombined"].facts["made"] == 4 * len(training)
    assert done["recombined"].facts["texts"] == len(made) > 2 * len(training)


def test_counts_stand_in_card_report_and_answer(taught: tuple[Path, Any], small_recipe: Make, read_page: Any) -> None:
    folder, done = taught
    counts = read_json(done.artifacts["recombined"].folder / "counts.json")
    card = read_json(done.model / "penjing.json")
    assert card["distill"]["recombined"] == counts
    assert "recombined" in [entry["stage"] for entry in card["lineage"]]
    text = read_page(done.report.read_text(encoding="utf-8")).text
    assert "Texts made of training texts" in text
    assert f"{counts['texts']} of {counts['made']}, {counts['duplicates']} duplicates" in text
    chinese = run({**read_json(done.out / "recipe.json")["recipe"], "report": {"language": "zh"}}, folder / "out")
    assert "由训练文本拼出的文本" in chinese.report.read_text(encoding="utf-8")


def test_a_plan_counts_what_is_made_and_leaves_nothing(taught: tuple[Path, Any], tmp_path: Path) -> None:
    done = taught[1]
    recipe = check_recipe(read_json(done.out / "recipe.json")["recipe"], "student")
    plan = make_plan(recipe, tmp_path / "plan", Silent())
    stages = {stage.name: stage for stage in plan.stages}
    counts = read_json(done.artifacts["recombined"].folder / "counts.json")
    assert stages["recombined"].facts == counts
    assert stages["teach"].facts["rows"] == done.artifacts["teach"].facts["rows"]
    assert stages["finetune"].facts["steps"] == done.artifacts["finetune"].facts["steps"]
    assert not (tmp_path / "plan").exists()


def test_the_plan_says_what_is_made(taught: tuple[Path, Any], tmp_path: Path) -> None:
    folder = taught[0]
    file = tmp_path / "student.toml"
    teacher = read_json(taught[1].out / "recipe.json")["recipe"]["finetune"]["distill"]["teacher"]
    made = taught[1].artifacts["recombined"]
    one = pq.read_table(made.folder / "texts.parquet")["id"][0].as_py()
    file.write_text(
        f'name = "student"\ntask = "sentiment"\n[data]\npath = "{folder / "reviews.csv"}"\nremoved = ["{one}"]\n'
        '[tokenizer]\nkind = "word"\n[model]\nfamily = "lstm"\n'
        f'[finetune.distill]\nteacher = "{teacher}"\nrecombined = 4\n'
    )
    said = CliRunner().invoke(app, ["plan", str(file), "--out", str(tmp_path / "out")], catch_exceptions=False)
    counts = f"{made.facts['texts'] - 1} of {made.facts['made']}"
    words = rf"Texts made of training texts {counts}; left out [1-9] by their ids, "  # it may be made more than once
    assert re.search(words, " ".join(said.output.split()))


def test_a_made_text_is_shown_with_the_rows_it_was_made_of(taught: tuple[Path, Any]) -> None:
    folder = taught[1].artifacts["recombined"].folder
    row = next(row for row in pq.read_table(folder / "texts.parquet").to_pylist() if "+" in row["source"])
    said = CliRunner().invoke(app, ["data", "show", str(taught[1].out), row["id"]], catch_exceptions=False)
    shown = "".join(said.output.split())
    assert "".join(f"{row['source']}:{row['row']}".split()) in shown
    assert "".join(row["text"].split()) in shown


def test_rows_that_were_made_count_as_learned(taught: tuple[Path, Any]) -> None:
    made = texts_of(taught[1].artifacts["recombined"].folder)[:5]
    assert count_learned(taught[1].model, [[text] for text in [*made, "no such text anywhere"]]) == 5


def test_given_and_made_texts_are_learned_together(tmp_path: Path, small_recipe: Make, small_bert_run: Any) -> None:
    (tmp_path / "texts.csv").write_text("text\n" + "\n".join(f"warm camera {n}" for n in range(30)), encoding="utf-8")
    unlabelled = {"path": str(tmp_path / "texts.csv")}
    document = student(tmp_path, small_recipe, small_bert_run.model, unlabelled=unlabelled)
    done = run(document, tmp_path / "out").artifacts
    given, made = (texts_of(done[stage].folder) for stage in ("unlabelled", "recombined"))
    assert len(given) == 30
    logits = np.load(done["teach"].folder / "train.npy")
    teacher: Any = penjing.load(small_bert_run.model, "cpu")
    np.testing.assert_allclose(logits[-len(given + made) :, 0], teacher.score_texts(given + made)[0], atol=1e-5)


def test_what_was_made_of_a_removed_training_text_goes_with_it(
    tmp_path: Path, small_recipe: Make, small_bert_run: Any
) -> None:
    document = student(tmp_path, small_recipe, small_bert_run.model)
    first = run(document, tmp_path / "out")
    gone = pq.read_table(first.artifacts["data"].folder / "train.parquet").slice(5, 1).to_pylist()[0]
    place = f"{gone['source']}:{gone['row']}"

    def made_of_it(done: Any) -> list[str]:
        rows = pq.read_table(done.artifacts["recombined"].folder / "texts.parquet").to_pylist()
        return [row["id"] for row in rows if place in f"{row['source']}:{row['row']}".split(" + ")]

    before = made_of_it(first)
    assert len(before) >= 2
    (key,) = penjing.data.keys.text_ids([gone["text"]])
    removal = remove_texts(check_recipe(document, "student"), tmp_path / "out", [key], Silent())
    assert "teach" in removal.waiting
    assert not first.artifacts["recombined"].folder.exists()
    assert not find_texts(tmp_path / "out", {key, *before})
    again = run(document, tmp_path / "out")
    assert made_of_it(again) == []
    assert (
        len(np.load(again.artifacts["teach"].folder / "train.npy")) == 95 + again.artifacts["recombined"].facts["texts"]
    )


def test_a_made_text_is_removed_by_its_own_id(tmp_path: Path, small_recipe: Make, small_bert_run: Any) -> None:
    document = student(tmp_path, small_recipe, small_bert_run.model)
    first = run(document, tmp_path / "out").artifacts
    (key,) = next(iter_texts(first["recombined"].folder / "texts.parquet", column="id"))[:1]
    remove_texts(check_recipe(document, "student"), tmp_path / "out", [key], Silent())
    assert not find_texts(tmp_path / "out", {key})
    again = run(document, tmp_path / "out").artifacts
    assert again["recombined"].facts["removed"] >= 1  # the same piece may have been drawn twice
    assert again["recombined"].facts["texts"] == first["recombined"].facts["texts"] - 1
    assert again["data"].content == first["data"].content


@pytest.mark.parametrize("task", ["stars", "multilabel"])
def test_other_labels_are_taught_by_what_is_made_too(
    tmp_path: Path, small_recipe: Make, label_kind_run: Callable[[str], Any], task: str
) -> None:
    teacher = label_kind_run(task)
    recipe = student(tmp_path, small_recipe, teacher.model)
    recipe["data"], recipe["task"] = read_json(teacher.out / "recipe.json")["recipe"]["data"], task
    done = run(recipe, tmp_path / "out").artifacts
    made = texts_of(done["recombined"].folder)
    logits = np.load(done["teach"].folder / "train.npy")
    model: Any = penjing.load(teacher.model, "cpu")
    np.testing.assert_allclose(logits[-len(made) :, 0], model.score_texts(made)[0], atol=1e-4)


def test_of_texts_to_be_written_to_pieces_alone_are_made(
    tmp_path: Path, pair_recipe: Make, pair_run_of: Callable[[str], Any]
) -> None:
    recipe = {**pair_recipe(tmp_path, "llama"), "name": "student"}
    recipe["finetune"] |= {"epochs": 1, "distill": {"teacher": str(pair_run_of("t5").model), "recombined": 2}}
    done = run(recipe, tmp_path / "out").artifacts
    training, made = read_pairs(done["data"].folder, "train").texts, texts_of(done["recombined"].folder)
    assert made
    assert all(any(text in source for source in training) for text in made)
    assert sum(done["teach"].facts["targets"].values()) == len(training) + len(made)


def test_recipes_without_made_texts_keep_their_runs(tmp_path: Path, small_recipe: Make, small_bert_run: Any) -> None:
    document = student(tmp_path, small_recipe, small_bert_run.model)
    with_none = check_recipe(student(tmp_path, small_recipe, small_bert_run.model, recombined=0), "student")
    del document["finetune"]["distill"]["recombined"]
    without = check_recipe(document, "student")
    for stage in (TEACH, FINETUNE):
        assert stage.settings(without) == stage.settings(with_none)
        assert "recombined" not in str(stage.settings(without))


def test_it_is_refused_where_teachers_are_not_asked() -> None:
    with pytest.raises(RecipeError, match="recombined"):
        check_recipe(
            {"task": "generate", "data": {"path": "x"}, "finetune": {"distill": {"teacher": "y", "recombined": 1}}}, "x"
        )
    with pytest.raises(RecipeError, match="20"):
        check_recipe(
            {"task": "sentiment", "data": {"path": "x"}, "finetune": {"distill": {"teacher": "y", "recombined": 21}}},
            "x",
        )
