from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.errors import RecipeError
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.space import Range, parse_space
from penjing.pipeline.tuning.space import default_space, document_of, recipe_with, space_of

BASE: dict[str, Any] = {"name": "r", "data": {"path": "x.csv"}, "model": {"family": "lstm"}}
WRITING: dict[str, Any] = {"name": "r", "task": "translate", "data": {"path": "x.csv"}, "model": {"family": "t5"}}


PREFERRING: dict[str, Any] = {"name": "r", "task": "prefer", "data": {"path": "x.jsonl"}, "model": {"start": "m"}}
ANSWERING: dict[str, Any] = {"name": "r", "task": "answer", "data": {"path": "x.json"}, "model": {"family": "bert"}}
NAMING: dict[str, Any] = {**BASE, "model": {"family": "llama"}, "names": {"template": "{text} It was {label}"}}


def recipe(tune: Any = None, base: dict[str, Any] | None = None, **sections: Any) -> Recipe:
    document = {**(base or BASE), **sections}
    return check_recipe(document if tune is None else {**document, "tune": tune}, "r.toml")


def test_quoted_and_plain_names_mean_the_same() -> None:
    rates = {"low": 1e-4, "high": 1e-2, "log": True}
    plain = parse_space({"finetune": {"learning_rate": rates, "lora": {"rank": [4, 8]}}})
    assert plain == parse_space({"finetune.learning_rate": rates, "finetune.lora.rank": [4, 8]})
    assert plain == {"finetune.learning_rate": Range(**rates), "finetune.lora.rank": (4, 8)}


@pytest.mark.parametrize(
    ("section", "paragraph"),
    [
        ({}, r"r.toml: \[tune\]: there is nothing to search"),
        ({"seed": [1]}, "fewer than two values"),
        ({"model.size": ["tiny", "tiny"]}, "names a value twice"),
        ({"model.size": "tiny"}, "should be a list of values"),
        ({"finetune.epochs": {"low": 3, "high": 2}}, 'of "finetune.epochs", low is 3, which should be below high, 2'),
        ({"finetune.epochs": {"low": 0, "high": 2, "log": True}}, "low is 0, and log = true needs one above 0"),
        ({"finetune.epochs": {"low": 1}}, 'of "finetune.epochs", high is missing'),
        ({"finetune.epochs": {"low": 1, "hihg": 2}}, "(high is missing|hihg is not known)"),
        ({"finetune.lora.targets": [["q"], ["k"]]}, "neither a number nor a text"),
    ],
)
def test_spaces_that_make_no_sense_are_refused_with_the_recipe(section: Any, paragraph: str) -> None:
    with pytest.raises(RecipeError, match=paragraph):
        recipe(section)


@pytest.mark.parametrize(
    ("section", "base", "paragraph"),
    [
        (
            {"finetune.learning_rat": [1, 2]},
            BASE,
            'r, .tune.: "finetune.learning_rat" is no setting. Did you mean "finetune.learning_rate"',
        ),
        ({"finetun.epochs": [1, 2]}, BASE, 'Did you mean "finetune"'),
        ({"finetune.epochs.most": [1, 2]}, BASE, "epochs is a value"),
        ({"finetune": [1, 2]}, BASE, '"finetune" is a section'),
        ({"finetune.epochs": [1, 0]}, BASE, r"\[finetune\] epochs is 0"),
        ({"finetune.batch_rows": {"low": 1.0, "high": 9.0}}, BASE, r"\[finetune\] batch_rows is 3.96"),
        ({"data.text": ["a", "b"]}, BASE, "cannot be searched: it decides what trials are compared by"),
        ({"model.family": ["lstm", "brt"]}, BASE, 'r, .tune.: .model. family is "brt".*Did you mean "bert"'),
        ({"seed": [0, 1]}, BASE, "cannot be searched"),
        ({"evaluate.resamples": [100, 200]}, BASE, "changes nothing before the test"),
        ({"tokenizer.vocab_size": [400, 500]}, WRITING, "a loss by token can only be compared"),
        ({"model.size": ["tiny", "mini"]}, WRITING, "a loss by token can only be compared"),
        ({"finetune.preference.beta": [0.05, 0.5]}, PREFERRING, "what the loss is made of"),
        ({"finetune.preference.loss": ["dpo", "ipo"]}, PREFERRING, "what the loss is made of"),
        ({"finetune.preference.likelihood": [0.0, 1.0]}, PREFERRING, "what the loss is made of"),
        ({"finetune.preference.label_smoothing": [0.0, 0.1]}, PREFERRING, "what the loss is made of"),
        ({"render.max_tokens": [128, 384]}, ANSWERING, "a loss by window can only be compared"),
        ({"render.max_question_tokens": [32, 64]}, ANSWERING, "a loss by window can only be compared"),
        ({"render.overlap_tokens": [32, 128]}, ANSWERING, "a loss by window can only be compared"),
        ({"tokenizer.vocab_size": [400, 500]}, ANSWERING, "a loss by window can only be compared"),
        ({"names.template": ["{text}: {label}", "{text} is {label}"]}, NAMING, "the same tokens"),
        ({"names.prior": ["none", "empty"]}, NAMING, "changes nothing before the test"),
        ({"names.by_length": [True, False]}, NAMING, "changes nothing before the test"),
        ({"tokenizer.vocab_size": [400, 500]}, NAMING, "the same tokens"),
        ({"model.size": ["tiny", "mini"]}, NAMING, "the same tokens"),
    ],
)
def test_settings_that_cannot_be_searched_are_refused(section: Any, base: dict[str, Any], paragraph: str) -> None:
    with pytest.raises(RecipeError, match=paragraph):
        space_of(recipe(section, base))


def test_sizes_of_models_that_write_are_searched_where_the_vocabulary_is_the_same(tmp_path: Path) -> None:
    for tokenizer in ({"kind": "bpe", "vocab_size": 400}, {"start": str(tmp_path)}):
        found = space_of(recipe({"model.size": ["tiny", "mini"]}, {**WRITING, "tokenizer": tokenizer}))
        assert found == {"model.size": ("tiny", "mini")}


def test_recipe_without_rows_is_refused() -> None:
    document = {"name": "r", "corpus": {"path": "x"}, "pretrain": {}, "model": {"family": "llama"}}
    with pytest.raises(RecipeError, match=r"there is no \[data\]"):
        space_of(check_recipe(document, "r"))


@pytest.mark.parametrize("family", ["bert", "llama", "lstm", "t5"])
@pytest.mark.parametrize("lora", [None, {"rank": 4}])
@pytest.mark.parametrize("base", [BASE, WRITING])
def test_usual_settings_of_each_family_are_allowed(family: str, lora: Any, base: dict[str, Any]) -> None:
    made = recipe(
        None, base, model={"family": family}, finetune={"learning_rate": 3e-4, **({"lora": lora} if lora else {})}
    )
    space = space_of(made)
    assert space == default_space(made)
    rates = space["finetune.learning_rate"]
    assert rates == Range(low=3e-5, high=3e-3, log=True)
    assert ("finetune.lora.rank" in space) == (lora is not None)


@given(st.floats(1e-6, 1), st.sampled_from([16, 32]), st.integers(1, 5))
def test_recipe_with_settings_has_them_and_all_else_as_before(rate: float, rows: int, rank: int) -> None:
    values = {"finetune.learning_rate": rate, "finetune.batch_rows": rows, "finetune.lora.rank": rank}
    before = recipe({"seed": [1, 2]}, finetune={"epochs": 2, "batch_rows": 7})
    made = recipe_with(before, values)
    finetune = {"epochs": 2, "batch_rows": rows, "learning_rate": rate, "lora": {"rank": rank}}
    assert made == recipe(finetune=finetune)
    assert recipe_with(made, {}) == made
    assert document_of(made)["finetune"] == finetune
