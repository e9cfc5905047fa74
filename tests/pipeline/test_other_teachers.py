"""Teachers made by other recipes: on the same rows, once, and gone with the texts that only they had read."""

from __future__ import annotations

import json
import os
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from tests.pipeline.own_teachers import Make, own, run, weights_of
from tests.warm import warm_process

from penjing.data.keys import text_ids
from penjing.data.reading import iter_texts
from penjing.errors import ModelFolderError, RecipeError
from penjing.files import read_json
from penjing.pipeline.check import check_runnable
from penjing.pipeline.notes import describe_stages
from penjing.pipeline.own_teachers import other_recipes
from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import remove_texts
from penjing.pipeline.stages.finetune import TEACHER
from penjing.pipeline.tracing import documents_of, find_texts, trace_texts
from penjing.progress import Silent


def write_other(folder: Path, small_recipe: Make, name: str, line: str, family: str = "bert") -> str:
    """Writes a recipe of word vectors from a corpus of its own, in which a line stands once; returns its path."""
    other = {**small_recipe(folder, family), "name": name, "task": "sentiment", "seed": 7}
    other["data"] = {"path": "is-not-read.csv"}
    other["corpus"] = {"path": str(folder / f"{name}.txt")}
    other["vectors"] = {"method": "cbow", "epochs": 1}
    (folder / f"{name}.txt").write_text(f"the corpus of {name} alone\n" * 20 + f"{line}\n", encoding="utf-8")
    (folder / f"{name}.toml").write_text(tomli_w.dumps(other), encoding="utf-8")
    return str(folder / f"{name}.toml")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory, small_recipe: Make) -> tuple[dict[str, Any], Any]:
    """The recipe and the finished run of an LSTM that two LSTMs and two of another recipe teach."""
    folder = tmp_path_factory.mktemp("mixed")
    name = write_other(folder, small_recipe, "other", "and the line that goes")
    document = own(folder, small_recipe, generations=[2], recipes=[name])
    return document, run(document, folder / "out")


def test_models_of_another_recipe_teach_beside_those_of_its_own_kind(mixed: tuple[Any, Any], read_page: Any) -> None:
    document, result = mixed
    artifacts = result.artifacts
    assert [artifacts[f"teacher-1.{number}"].facts["family"] for number in (1, 2, 3, 4)] == ["lstm"] * 2 + ["bert"] * 2
    assert len({weights_of(artifacts, f"teacher-1.{number}") for number in (1, 2, 3, 4)}) == 4
    assert sum(name.startswith("data") for name in artifacts) == 1  # the same rows
    assert artifacts["vectors-1.3"].facts  # made once, for both
    assert "vectors-1.4" not in artifacts
    assert [teacher["family"] for teacher in artifacts["finetune"].facts["distill"]["teachers"]] == ["lstm"] * 2 + [
        "bert"
    ] * 2
    assert set(result.evaluation["teachers"]) == {"1", "2", "3", "4", "all"}
    (name,) = document["finetune"]["distill"]["recipes"]
    assert read_json(result.model / "penjing.json")["distill"]["recipes"] == [name]
    text = read_page(result.report.read_text(encoding="utf-8")).text
    assert f"2 by {name}" in text
    path = describe_stages(artifacts, "en")  # the vectors of the other recipe count as the teachers' own
    names = ["data", "recombined", "tokenizer", "examples", "teacher", "teach", "finetune", "evaluate"]
    assert [stage["name"] for stage in path] == names
    assert path[4]["note"] == "4 models"
    assert path[4]["seconds"] > artifacts["vectors-1.3"].record["seconds"]
    assert "Teachers 1 to 2" in text
    assert "Accuracy of each teacher alone" in text
    assert "All teachers together" in text


def test_plan_counts_other_recipes_and_a_second_run_makes_nothing(
    mixed: tuple[Any, Any], small_recipe: Make, tmp_path: Path
) -> None:
    document, result = mixed
    recipe = check_recipe(document, "own")
    plan = make_plan(recipe, tmp_path / "out", Silent())
    before = next(stage for stage in plan.stages if stage.name == "teacher")
    assert (before.is_done, before.facts["models"]) == (False, 4)
    assert len(plan.facts("teach")["teachers"]) == 4
    assert not (tmp_path / "out").exists()
    assert all(stage.is_done for stage in make_plan(recipe, result.out, Silent()).stages)
    shutil.copytree(result.out, tmp_path / "copy")
    assert all(artifact.skipped for artifact in run(document, tmp_path / "copy").artifacts.values())


def test_text_that_only_another_recipe_learned_from_is_removed_from_its_teachers(
    mixed: tuple[Any, Any], tmp_path: Path
) -> None:
    document, out = mixed[0], tmp_path / "copy"
    shutil.copytree(mixed[1].out, out)
    removal = remove_texts(check_recipe(document, "own"), out, text_ids(["and the line that goes"]), Silent())
    assert len(removal.texts) == 1
    assert "corpus-1.3" in removal.rebuilt
    assert "finetune" in removal.waiting
    assert not [*(out / "stages").glob("teacher-*"), *(out / "stages").glob("teach-*")]
    (corpus,) = (out / "stages").glob("corpus-*")
    assert "and the line that goes" not in [text for batch in iter_texts(corpus / "texts.parquet") for text in batch]
    again = run(document, out).artifacts
    texts = [text for batch in iter_texts(again["corpus-1.3"].folder / "texts.parquet") for text in batch]
    assert "and the line that goes" not in texts
    assert len(list((out / "stages").glob("corpus-*"))) == 1
    assert again["teacher-1.1"].content == mixed[1].artifacts["teacher-1.1"].content
    assert again["teacher-1.3"].content != mixed[1].artifacts["teacher-1.3"].content


def test_other_recipes_that_do_not_fit_are_refused_before_anything_runs(small_recipe: Make, tmp_path: Path) -> None:
    stars = tmp_path / "stars.toml"
    stars.write_text(tomli_w.dumps({**small_recipe(tmp_path), "task": "stars"}), encoding="utf-8")
    for name, said in (("no-such", "there is no such recipe"), (str(stars), "it is for the task stars")):
        recipe = check_recipe(own(tmp_path, small_recipe, recipes=[name]), "own")
        with pytest.raises(RecipeError, match=said):
            check_runnable(recipe)
    with pytest.raises(RecipeError, match="the first of generations"):
        check_recipe(own(tmp_path, small_recipe, generations=[], teacher="x", recipes=["sst2-own"]), "own")


def test_removal_that_changes_nothing_keeps_all_that_is_there(mixed: tuple[Any, Any], tmp_path: Path) -> None:
    document, out = mixed[0], tmp_path / "copy"
    shutil.copytree(mixed[1].out, out)
    before = {folder.name for folder in (out / "stages").iterdir()}
    removal = remove_texts(check_recipe(document, "own"), out, [], Silent())
    assert (removal.rebuilt, removal.waiting) == ([], [])
    assert {folder.name for folder in (out / "stages").iterdir()} == before


def test_removal_is_refused_whole_where_a_recipe_is_gone(
    mixed: tuple[Any, Any], small_recipe: Make, tmp_path: Path
) -> None:
    out = tmp_path / "copy"
    shutil.copytree(mixed[1].out, out)
    gone = own(tmp_path, small_recipe, generations=[2], recipes=[str(tmp_path / "gone.toml")])
    with pytest.raises(RecipeError, match="there is no such recipe"):
        remove_texts(check_recipe(gone, "own"), out, text_ids(["and the line that goes"]), Silent())
    assert not (out / "removed.json").exists()


def test_every_corpus_of_a_run_is_searched_and_traced(tmp_path: Path, small_recipe: Make) -> None:
    lines = {"first": "the line of the first", "second": "the line of the second"}
    names = [write_other(tmp_path, small_recipe, name, line, family="lstm") for name, line in lines.items()]
    document, out = own(tmp_path, small_recipe, generations=[1], recipes=names), tmp_path / "out"
    model = run(document, out).model
    ids = dict(zip(lines, text_ids(list(lines.values())), strict=True))
    assert set(find_texts(out, set(ids.values()))) == set(ids.values())
    traces = trace_texts(out, set(ids.values()))
    assert [trace.models for key in ids.values() for trace in traces[key]] == [[out / "model"]] * 2
    assert set(lines.values()) <= {document.text for document in documents_of(model)}
    removal = remove_texts(check_recipe(document, "own"), out, [ids["second"]], Silent())
    assert [text.text for text in removal.texts.values()] == [lines["second"]]
    assert "finetune" in removal.waiting
    assert set(find_texts(out, set(ids.values()))) == {ids["first"]}
    run(document, out)
    assert lines["second"] not in {document.text for document in documents_of(model)}


def test_tokens_of_a_teachers_tokenizer_are_not_counted_as_the_runs_own(mixed: tuple[Any, Any], tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("a lovely film\n", encoding="utf-8")
    shutil.copytree(mixed[1].out, tmp_path / "run")
    called = ["tokenizer", str(tmp_path / "run"), str(tmp_path / "texts.txt"), "--json"]

    def learned() -> Any:
        printed = warm_process().run(called, tmp_path, os.environ).stdout
        return json.loads(printed)["tokenizers"][0]["hardly_learned"]

    found = learned()
    for shards in (tmp_path / "run" / "stages").glob("shards-*"):
        shutil.rmtree(shards)
    assert learned() == found is not None


def test_local_copies_are_used_for_the_corpora_of_other_recipes(
    tmp_path: Path, small_recipe: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = write_other(tmp_path, small_recipe, "other", "a line")
    text = Path(name).read_text(encoding="utf-8").replace(str(tmp_path / "other.txt"), "hf://datasets/us/texts/a.txt")
    Path(name).write_text(text, encoding="utf-8")
    (tmp_path / "copies" / "texts").mkdir(parents=True)
    (tmp_path / "copies" / "texts" / "a.txt").write_text("a text\n", encoding="utf-8")
    monkeypatch.setenv("PENJING_DATA", str(tmp_path / "copies"))
    (other,) = other_recipes(check_recipe(own(tmp_path, small_recipe, recipes=[name]), "own")).values()
    assert other.corpus is not None
    assert other.corpus.path == str(tmp_path / "copies" / "texts" / "a.txt")


def test_how_teachers_with_names_answer_makes_others_of_them(tmp_path: Path, small_recipe: Make) -> None:
    recipe = small_recipe(tmp_path, "llama")
    recipe["render"] = {"max_tokens": 40}
    keys = []
    for prior in ("none", "empty"):
        recipe["names"] = {"template": "{text} It was {label}", "prior": prior}
        keys.append(TEACHER.settings(check_recipe(recipe, "own")))
    assert keys[0] != keys[1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"finetune": {"head": {}}}, "its 2 models would be the same"),
        (
            {"pretrain": {"objective": "causal"}},
            r"\[finetune.distill\] recipes: .*other.toml, other: .*which bert cannot learn",
        ),
        (
            {"model": {"start": "/nowhere"}},
            r"\[finetune.distill\] recipes: .*other.toml, \[model\] start = /nowhere: there is no such folder",
        ),
    ],
)
def test_what_is_wrong_in_another_recipe_is_told_with_its_name(
    tmp_path: Path, small_recipe: Make, change: dict[str, Any], said: str
) -> None:
    name = write_other(tmp_path, small_recipe, "other", "a line")
    with Path(name).open("rb") as file:
        document = tomllib.load(file) | change
    Path(name).write_text(tomli_w.dumps(document), encoding="utf-8")
    recipe = check_recipe(own(tmp_path, small_recipe, generations=[2], recipes=[name]), "own")
    with pytest.raises(RecipeError, match=said):
        check_runnable(recipe)


def test_damaged_start_of_another_recipe_is_told_with_its_name_and_as_what_it_is(
    tmp_path: Path, small_recipe: Make, small_bert_run: Any
) -> None:
    name = write_other(tmp_path, small_recipe, "other", "a line")
    recipe = check_recipe(own(tmp_path, small_recipe, generations=[2], recipes=[name]), "own")
    shutil.copytree(small_bert_run.model, tmp_path / "start")
    with Path(name).open("rb") as file:
        document = tomllib.load(file) | {"model": {"start": str(tmp_path / "start")}}
    Path(name).write_text(tomli_w.dumps(document), encoding="utf-8")
    for spoiled, said in (("model.safetensors", "there is no model.safetensors"), ("config.json", "no config.json")):
        (tmp_path / "start" / spoiled).unlink()
        with pytest.raises(ModelFolderError, match=rf"\[finetune.distill\] recipes: .*other.toml, .*{said}") as refused:
            check_runnable(recipe)
        assert refused.value.exit_code == 1
