"""What decides the tokens that rows become."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.stages.examples import EXAMPLES


def recipe_of(folder: Path, family: str, **document: Any) -> Recipe:
    (folder / "texts.csv").write_text("text,label\na,1\n", encoding="utf-8")
    given = {"data": {"path": str(folder / "texts.csv")}, "model": {"family": family}, **document}
    return check_recipe(given, "r")


@pytest.mark.parametrize(
    ("document", "is_same"),
    [
        ({"task": "generate"}, False),
        ({"task": "classify", "names": {"template": "{text}\nLabel: {label}"}}, False),
        ({"task": "translate"}, True),
    ],
    ids=["generate", "names", "translate"],
)
def test_a_network_that_reads_a_text_apart_has_examples_of_its_own(
    tmp_path: Path, document: dict[str, Any], is_same: bool
) -> None:
    decoder, apart = (recipe_of(tmp_path, family, **document) for family in ("llama", "t5"))
    assert EXAMPLES.settings(decoder) == decoder.layout  # runs of before stay
    assert (EXAMPLES.settings(apart) == EXAMPLES.settings(decoder)) is is_same
