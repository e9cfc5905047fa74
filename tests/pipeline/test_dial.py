from __future__ import annotations

from typing import Any

import pytest

from penjing.errors import RecipeError
from penjing.models.interface import count_parameters
from penjing.pipeline.dial import batch_of, turn_dial, vocabulary_of
from penjing.pipeline.recipe import SIZES
from penjing.pipeline.recipe_file import check_recipe
from penjing.registry import load_registered

FAMILIES = ("bert", "llama", "lstm", "t5", "qwen3")


def recipe(family: str = "llama", **sections: dict[str, Any]) -> Any:
    document = {
        "corpus": {"path": "texts.txt"},
        "model": {"family": family, **sections.pop("model", {})},
        "pretrain": {"objective": "causal", **sections.pop("pretrain", {})},
        **sections,
    }
    return check_recipe(document, "r.toml")


def test_without_a_size_nothing_changes() -> None:
    assert turn_dial(recipe()) == recipe()


def test_a_name_is_a_depth() -> None:
    named, counted = turn_dial(recipe(model={"size": "small"})), turn_dial(recipe(model={"size": 6}))
    assert named.model.shape == counted.model.shape
    assert named.model.shape["hidden_size"] == 384
    assert named.tokenizer.vocab_size == counted.tokenizer.vocab_size == 16_384
    assert named.pretrain.batch_tokens == 8192


@pytest.mark.parametrize("family", FAMILIES)
def test_every_size_of_every_family_is_possible_and_larger_than_the_one_before(family: str) -> None:
    import torch

    architecture, before = load_registered("models", family), 0
    for size in SIZES:
        turned = turn_dial(recipe(family, model={"size": size}))
        with torch.device("meta"):
            shape = {**turned.model.shape, "vocab_size": turned.tokenizer.vocab_size}
            parameters = count_parameters(architecture.language_model(architecture.config_from_dict(shape)))
        assert parameters > 2 * before
        before = parameters


def test_a_size_decides_a_schedule_that_can_be_continued_unless_patience_ends_it() -> None:
    schedules = [
        turn_dial(recipe(model={"size": "mini"}, pretrain=said)).pretrain.schedule
        for said in ({}, {"schedule": "cosine"}, {"patience": 2})
    ]
    assert schedules == ["wsd", "cosine", "linear"]


def test_what_a_recipe_names_is_left_as_it_is() -> None:
    turned = turn_dial(
        recipe(
            model={"size": "tiny", "shape": {"num_hidden_layers": 3}},
            tokenizer={"vocab_size": 5000},
            pretrain={"learning_rate": 0.5, "batch_tokens": 640},
        )
    )
    assert turned.model.shape["num_hidden_layers"] == 3
    assert turned.model.shape["hidden_size"] == 128
    assert turned.tokenizer.vocab_size == 5000
    assert (turned.pretrain.learning_rate, turned.pretrain.batch_tokens) == (0.5, 640)


def test_the_learning_rate_falls_as_the_width_rises() -> None:
    rates = [turn_dial(recipe(model={"size": depth})).pretrain.learning_rate for depth in (2, 4, 8)]
    assert rates == [2e-3, 1e-3, 5e-4]
    muon = turn_dial(recipe(model={"size": 8}, pretrain={"optimizer": "muon"}))
    assert muon.pretrain.learning_rate == 2e-3


def test_a_t5_is_pretrained_without_dropout_unless_told_otherwise() -> None:
    family = {"family": "t5", "size": "mini"}
    assert turn_dial(recipe(model=family, pretrain={"objective": "span"})).pretrain.dropout == 0.0
    shaped = {**family, "shape": {"dropout_rate": 0.2}}
    assert turn_dial(recipe(model=shaped, pretrain={"objective": "span"})).pretrain.dropout is None
    assert turn_dial(recipe(model=family, pretrain={"objective": "span", "dropout": 0.1})).pretrain.dropout == 0.1
    assert turn_dial(recipe(model={"size": "mini"})).pretrain.dropout is None


def test_vocabulary_and_batch_grow_in_powers_of_two() -> None:
    assert [vocabulary_of(depth) for depth in (1, 2, 4, 6, 12, 24, 128)] == [
        4096,
        4096,
        8192,
        16384,
        32768,
        65536,
        65536,
    ]
    assert [batch_of(depth) for depth in (1, 4, 6, 12, 24)] == [4096, 4096, 8192, 16384, 32768]


def test_a_size_beside_a_model_to_start_from_is_refused() -> None:
    with pytest.raises(RecipeError, match="size and a start"):
        turn_dial(recipe(model={"size": "tiny", "start": "folder"}))


def test_an_unknown_size_is_refused() -> None:
    for size in ("huge", 0, 200):
        with pytest.raises(RecipeError, match=r"\[model\] size.*a size is tiny, mini, .* layers from 1 to 128"):
            recipe(model={"size": size})
