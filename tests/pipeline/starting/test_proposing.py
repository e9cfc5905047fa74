"""Recipes are proposed that can be checked, written, read again, and that fit into the time."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.errors import DataError, UsageError
from penjing.pipeline.plan import Plan, PlannedStage
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_file import check_recipe, load_recipe
from penjing.pipeline.starting.looking import Found
from penjing.pipeline.starting.proposing import Proposal, propose
from penjing.pipeline.starting.recipe_text import write_recipe
from penjing.pipeline.starting.wanted import Wanted, name_of

RATE = 2e11  # operations a second, as of two cores


def found(rows: int = 5000, target: str | None = None, label: str | None = "label") -> Found:
    labels = {"0": 9, "1": 8} if label else {}
    return Found(1, rows, None, "review", label, labels, "zh", 18.5, 40, (), target, "en" if target else "", 30)


def wanted(task: str, minutes: float) -> Wanted:
    return Wanted("mine", task, ("rows.csv",), None, None, minutes, "en")


def planner(second_an_epoch: float) -> Callable[[Recipe], Plan]:
    """Returns a plan as `make_plan` would on a machine that takes so long for an epoch."""

    def plan(recipe: Recipe) -> Plan:
        stage, settings = ("finetune", recipe.finetune) if recipe.data else ("pretrain", recipe.pretrain)
        assert settings is not None
        training = PlannedStage(stage, False, second_an_epoch * settings.epochs, 500, {})
        return Plan([PlannedStage("data", False, 10, 100, {}), training], 1.0)

    return plan


def proposed(task: str, found: Found, second_an_epoch: float, minutes: float = 20) -> Proposal:
    return propose(wanted(task, minutes), found, planner(second_an_epoch), lambda: RATE)


@pytest.mark.parametrize("language", ["zh", "ja"])
@pytest.mark.parametrize("words", [12, 79])
def test_short_chinese_texts_are_read_by_pairs_of_characters_which_need_no_extra(language: str, words: int) -> None:
    looked = replace(found(), language=language, long_words=words)
    document = propose(wanted("classify", 20), looked, planner(1), lambda: RATE).document
    assert document["tokenizer"]["words"] == {"grams": 2}
    assert document["render"]["max_tokens"] >= words * 1.6 * 2  # each character, and the pair that it begins
    assert document["model"]["shape"]["hidden_size"] == 128


def test_long_chinese_texts_are_cut_into_words_and_others_are_left_as_they_are() -> None:
    def tokenizer(looked: Found) -> object:
        return propose(wanted("classify", 20), looked, planner(1), lambda: RATE).document["tokenizer"].get("words")

    assert tokenizer(replace(found(), long_words=80)) == {"segment": True}
    assert tokenizer(replace(found(), language="de")) is None


@pytest.mark.parametrize(
    ("task", "looked"),
    [
        ("classify", found()),
        ("sentiment", found()),
        ("translate", found(target="other", label=None)),
        ("summarize", found(rows=50_000, target="target", label=None)),
        ("language-model", found(label=None)),
        ("generate", found(label=None)),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_recipe_of_every_task_is_written_and_read_as_it_is(
    tmp_path: Path, task: str, looked: Found, language: str
) -> None:
    proposal = proposed(task, looked, 5)
    written = write_recipe(proposal.document, ["a heading", "of two lines"], language)
    assert written.startswith("# a heading\n# of two lines\n")
    assert tomllib.loads(written) == proposal.document
    file = tmp_path / "mine.toml"
    file.write_text(written, encoding="utf-8")
    assert load_recipe(file) == check_recipe(proposal.document, "mine") == proposal.recipe
    assert proposal.fits


def test_training_is_as_long_as_there_is_time_for() -> None:
    roomy = proposed("classify", found(), 1)
    tight = proposed("classify", found(), 60, minutes=5)
    assert roomy.document["finetune"]["epochs"] > tight.document["finetune"]["epochs"] >= 1
    assert tight.fits
    assert tight.plan.seconds <= 5 * 60
    hopeless = proposed("classify", found(), 3600, minutes=5)
    assert not hopeless.fits
    assert hopeless.document["finetune"]["epochs"] == 1


@pytest.mark.parametrize(("rows", "expected"), [(20_000, [128, 128, 64]), (200_000, [256, 128, 64])])
def test_a_narrower_network_writes_where_a_wider_one_takes_too_long(rows: int, expected: list[int]) -> None:
    pairs = found(rows=rows, target="target", label=None)

    def plan(recipe: Recipe) -> Plan:
        width = int(recipe.model.shape["d_model"])
        return Plan([PlannedStage("finetune", False, width * recipe.finetune.epochs, 500, {})], 1.0)

    made = [propose(wanted("translate", minutes), pairs, plan, lambda: RATE).document for minutes in (6, 3, 1.5)]
    assert [document["model"]["shape"]["d_model"] for document in made] == expected
    for document in made:
        shape = document["model"]["shape"]
        assert shape["num_heads"] * shape["d_kv"] == shape["d_model"]
        assert document["finetune"]["learning_rate"] * shape["d_model"] == pytest.approx(0.256)


def test_short_lines_of_a_play_are_joined_to_passages() -> None:
    play = Found(1, 5000, None, "text", None, {}, "en", 6.0, 12, (), None, "", 0)
    looked = [("play.txt", play), ("rows.csv", play), ("play.txt", replace(play, words=30.0))]
    documents = [
        propose(Wanted("mine", "generate", (file,), None, None, 20, "en"), it, planner(1), lambda: RATE).document
        for file, it in looked
    ]
    assert [document["data"].get("passage") for document in documents] == [1000, None, None]
    assert [document["model"]["size"] for document in documents] == ["tiny", "tiny", "mini"]


def test_more_time_makes_a_larger_language_model() -> None:
    sizes = [
        proposed("language-model", found(label=None), 5, minutes).document["model"]["size"] for minutes in (1, 600)
    ]
    assert sizes[0] == "tiny"
    assert sizes[1] != "tiny"


def test_labels_that_the_task_does_not_know_are_refused() -> None:
    stars = Found(1, 500, None, "review", "stars", {"three": 9, "five": 4}, "en", 9, 20, ())
    with pytest.raises(UsageError, match="the labels are three, five, and sentiment knows"):
        proposed("sentiment", stars, 5)
    with pytest.raises(UsageError, match="all rows have the label good"):
        proposed("classify", Found(1, 5, None, "a", "b", {"good": 5}, "en", 9, 20, ()), 5)


def test_neutral_rows_are_a_label_of_their_own() -> None:
    scale = Found(1, 500, None, "review", "mood", {"1": 9, "0": 7, "-1": 4}, "en", 9, 20, ())
    assert proposed("sentiment", scale, 5).document["task"] == "classify"
    floats = replace(scale, labels={"1.0": 9, "0.0": 7, "-1.0": 4})
    assert proposed("sentiment", floats, 5).document["task"] == "classify"


def test_whole_numbers_written_as_floats_are_known_to_the_task() -> None:
    moods = Found(1, 500, None, "review", "mood", {"1.0": 9, "0.0": 7}, "en", 9, 20, ())
    assert proposed("sentiment", moods, 5).document["task"] == "sentiment"
    five = replace(moods, labels={f"{n}.0": 9 for n in range(1, 6)})
    assert proposed("stars", five, 5).document["task"] == "stars"
    assert proposed("ordinal", five, 5).document["data"]["labels"] == ["1", "2", "3", "4", "5"]


@given(st.text())
def test_name_is_one_that_a_recipe_may_have(address: str) -> None:
    assert check_recipe({"name": name_of(address), "data": {"path": "x.csv"}}, "x").name == name_of(address)


def test_what_no_setting_helps_against_is_refused_and_so_is_what_the_setting_did_not_help_against() -> None:
    def refuse(setting: tuple[str, str] | None) -> Callable[[Recipe], Plan]:
        def plan(recipe: Recipe) -> Plan:
            raise DataError("this row is broken", where="rows.csv, row 3", setting=setting)

        return plan

    for setting in (None, ("empty_text", "drop")):
        with pytest.raises(DataError, match="this row is broken"):
            propose(wanted("classify", 60), found(), refuse(setting), lambda: RATE)
