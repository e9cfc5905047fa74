from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.unused import unused_settings
from penjing.progress import Silent

NAMES = {"train": False, "template": "{text} It was {label}", "words": {"good": "good", "bad": "bad"}}


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ({"model": {"start": "m"}, "tokenizer": {"vocab_size": 900, "kind": "bpe"}}, ("tokenizer", "kind vocab_size")),
        ({"model": {"family": "lstm"}, "tokenizer": {"vocab_size": 900}}, None),
        ({"model": {"start": "m"}}, None),
        (
            {"model": {"start": "m"}, "names": NAMES, "finetune": {"epochs": 3, "lora": None}},
            ("finetune", "epochs lora"),
        ),
        ({"model": {"start": "m"}, "names": NAMES, "finetune": {"device": "cpu"}}, None),
        ({"model": {"start": "m"}, "names": {**NAMES, "train": True}, "finetune": {"epochs": 3}}, None),
        ({"model": {"start": "m"}, "corpus": {"path": "x.txt"}}, ("corpus", "path")),
        ({"model": {"start": "m"}, "corpus": {"path": "x.txt"}, "pretrain": {"objective": "masked"}}, None),
        ({"model": {"family": "lstm"}, "corpus": {"path": "x.txt"}}, None),
        ({"model": {"start": "m"}, "finetune": {"head": {"folds": 3}}}, ("finetune.head", "folds")),
        (
            {"model": {"start": "m"}, "finetune": {"head": {"folds": 3}}, "data": {"path": "x.csv", "per_class": 4}},
            None,
        ),
    ],
)
def test_settings_that_something_else_decides_are_found(
    sections: dict[str, Any], expected: tuple[str, str] | None
) -> None:
    found = unused_settings(check_recipe({"data": {"path": "x.csv"}, **sections}, "r"))
    assert [(each.section, " ".join(each.keys)) for each in found] == ([] if expected is None else [expected])


def test_text_encoder_brings_its_own_tokenizer() -> None:
    document = {
        "task": "recommend",
        "data": {"path": "x.csv", "items": "items.csv", "text": "{name}"},
        "model": {"family": "two_tower", "text_encoder": "m"},
        "tokenizer": {"kind": "bpe"},
    }
    (found,) = unused_settings(check_recipe(document, "r"))
    assert (found.section, found.keys) == ("tokenizer", ("kind",))
    assert "text_encoder" in found.why


def test_plan_says_what_a_start_makes_useless(tmp_path: Path, small_recipe: Any, small_run: Any) -> None:
    document = {**small_recipe(tmp_path), "model": {"start": str(small_run.model)}}
    plan = make_plan(check_recipe(document, "r"), tmp_path / "out", Silent())
    assert [(each.section, each.keys) for each in plan.unused] == [("tokenizer", ("kind", "vocab_size"))]
