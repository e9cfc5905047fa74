"""Labels are answered by their names: from a recipe to a folder that answers by itself, the same as it was measured."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import penjing
from penjing.data.reading import read_split
from penjing.errors import ModelFolderError, RecipeError, UsageError
from penjing.files import read_json, write_json
from penjing.pipeline.check import check_runnable
from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import run_recipe
from penjing.pipeline.samples import show_rows
from penjing.progress import Silent
from penjing.text.shards import open_shard

TEMPLATE = "{text}\nSentiment: {label}"
SHAPE = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


@pytest.fixture(scope="module")
def names_recipe(small_recipe: Callable[..., dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A function that returns a recipe with ``[names]``, its sections changed by keywords."""
    folder = tmp_path_factory.mktemp("names")

    def make(**sections: dict[str, Any]) -> dict[str, Any]:
        recipe = small_recipe(folder, "llama")
        recipe["tokenizer"] = {"kind": "bpe", "vocab_size": 400}
        recipe["model"]["shape"] = SHAPE
        recipe["render"] = {"max_tokens": 128}
        recipe["names"] = {"template": TEMPLATE, "examples": 2}
        recipe["finetune"] |= {"epochs": 1}
        return {**recipe, **{name: recipe.get(name, {}) | section for name, section in sections.items()}}

    return make


@pytest.fixture(scope="module")
def run(names_recipe: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A finished run, whose names were learned with two examples before each text; nobody may change it."""
    pytest.importorskip("bm25s")
    return run_recipe(check_recipe(names_recipe(), "names"), tmp_path_factory.mktemp("run"), Silent(), ["test"])


@pytest.fixture(scope="module")
def moved(run: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model folder alone, somewhere else."""
    return Path(shutil.copytree(run.model, tmp_path_factory.mktemp("alone") / "model"))


def test_the_folder_alone_answers_as_it_was_measured(run: Any, moved: Path) -> None:
    model: Any = penjing.load(moved, "cpu")
    texts, labels = read_split(run.artifacts["data"].folder, "test")
    answers = model.predict(texts)
    right = [answer.label == label for answer, label in zip(answers, labels, strict=True)]
    assert run.evaluation["scores"]["accuracy"]["value"] == pytest.approx(np.mean(right))
    assert set(run.evaluation["baselines"]) - {"lexicon"} == {"majority", "tfidf-logistic"}
    assert all(sum(answer.probabilities.values()) == pytest.approx(1) for answer in answers)
    again = model.predict(texts[::-1])[::-1]
    for answer, other in zip(answers, again, strict=True):
        assert answer.probability == pytest.approx(other.probability, abs=1e-5)


def test_training_and_serving_see_the_same_tokens(run: Any, moved: Path) -> None:
    model: Any = penjing.load(moved, "cpu")
    folder = run.artifacts["examples"].folder
    for split in ("train", "test"):
        texts, labels = read_split(run.artifacts["data"].folder, split)
        prompts = model.renderer.lay_out(texts, range(len(texts)) if split == "train" else None)
        shard = open_shard(folder / split)
        for row, (prompt, label) in enumerate(zip(prompts, labels, strict=True)):
            name = model.renderer.candidates[model.labels.index(label)]
            assert shard.row(row).tolist() == prompt.rendered.ids + name
            assert shard.labels[row] == len(prompt.rendered.ids)
            assert prompt.examples == 2
            said = model.renderer.tokenizer.decode(prompt.rendered.ids)
            assert said.count(texts[row] + "\n") == 1  # a training row does not stand before itself


def test_a_folder_with_other_examples_is_refused(moved: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(moved, tmp_path / "model"))
    (folder / "examples.parquet").unlink()
    with pytest.raises(ModelFolderError, match="would mean nothing"):
        penjing.load(folder, "cpu")
    (folder / "examples.parquet").write_bytes(b"no table")
    with pytest.raises(ModelFolderError, match="examples cannot be read"):
        penjing.load(folder, "cpu")
    card = read_json(folder / "penjing.json")
    del card["choice"]
    write_json(folder / "penjing.json", card)
    with pytest.raises(ModelFolderError, match="the entry choice is wrong"):
        penjing.load(folder, "cpu")


def test_prior_and_length_change_without_training_again(run: Any, names_recipe: Any) -> None:
    recipe = names_recipe(names={"prior": "content_free", "by_length": True}, report={"language": "zh"})
    before = penjing.load(run.model, "cpu").predict(["a lovely film"])[0].probabilities
    out = run.model.parent
    again = run_recipe(check_recipe(recipe, "names"), out, Silent(), ["test"])
    assert again.artifacts["finetune"].skipped
    assert read_json(again.model / "penjing.json")["choice"] == {"by_length": True, "prior": "content_free"}
    assert penjing.load(again.model, "cpu").predict(["a lovely film"])[0].probabilities != before
    assert "各名称每个词元的平均对数概率" in again.report.read_text(encoding="utf-8")
    restored = run_recipe(check_recipe(names_recipe(), "names"), out, Silent(), ["test"])
    report = restored.report.read_text(encoding="utf-8")
    assert "the most similar training rows" in report
    assert penjing.load(restored.model, "cpu").predict(["a lovely film"])[0].probabilities == before


def test_names_are_scored_without_training_by_the_model_as_it_is(run: Any, names_recipe: Any, tmp_path: Path) -> None:
    recipe = names_recipe(names={"train": False, "examples": 0, "words": {"positive": "lovely", "negative": "dull"}})
    recipe["model"] = {"start": str(run.artifacts["finetune"].folder / "model")}
    recipe["finetune"] = {"device": "cpu"}
    checked = check_recipe(recipe, "names")
    plan = make_plan(checked, tmp_path / "plan", Silent())
    assert plan.facts("finetune")["steps"] == 0
    assert plan.facts("examples")["names"]["words"] == {"positive": "lovely", "negative": "dull"}
    zero = run_recipe(checked, tmp_path / "out", Silent(), ["test"])
    weights = "model.safetensors"
    assert (zero.model / weights).read_bytes() == (run.artifacts["finetune"].folder / "model" / weights).read_bytes()
    assert not (zero.model / "examples.parquet").exists()
    with pytest.raises(UsageError, match="Use one of occlusion, random"):
        penjing.load(zero.model, "cpu").explain("a lovely film")  # type: ignore[attr-defined]
    explained = penjing.load(zero.model, "cpu").explain("a lovely film", method="occlusion")  # type: ignore[attr-defined]
    assert [word.word for word in explained.words] == ["a", "lovely", "film"]


def test_rows_are_shown_with_their_examples(names_recipe: Any, tmp_path: Path) -> None:
    pytest.importorskip("bm25s")
    rows = show_rows(check_recipe(names_recipe(), "names"), tmp_path, 2, Silent())
    for row in rows:
        learned = "".join(token.text for token in row.tokens if token.state == "learned")
        assert learned.strip() == row.answer
        assert "".join(token.text for token in row.tokens).count("Sentiment:") == 3


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"model": {"family": "bert", "shape": {}}}, "bert does not write"),
        ({"model": {"family": "lstm", "shape": {}}}, "reads from both sides"),
        ({"names": {"train": False}}, "this one has learned nothing"),
        ({"names": {"by": "random", "vectors": "here"}}, "draws the examples. Leave one of the two out"),
        ({"names": {"examples": 0, "by": "random"}}, "by is for examples, and there are none"),
        ({"names": {"vectors": "nowhere"}}, "there is no such folder"),
        ({"names": {"words": {"positve": "good"}}}, "which is no label"),
        ({"render": {"template": "{text}"}}, r"\[render\] has a template, and so has \[names\]"),
        ({"finetune": {"best_by": "accuracy"}}, "the loss of the names decides the best"),
        ({"finetune": {"token_dropout": 0.1}}, "hides words from a head"),
        ({"finetune": {"distill": {"generations": [2]}}}, "teaches a head"),
        ({"explain": {}}, "penjing explain --method occlusion"),
        ({"names": {"template": "{label}"}}, "names {text} and {label} once each"),
    ],
)
def test_what_has_no_sense_with_names_is_refused(names_recipe: Any, sections: dict[str, Any], message: str) -> None:
    with pytest.raises((RecipeError, UsageError), match=message):
        check_runnable(check_recipe(names_recipe(**sections), "names"))
