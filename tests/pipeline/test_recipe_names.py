from __future__ import annotations

import doctest
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from penjing.pipeline import recipe_names
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.recipe_names import as_name, is_name


def test_examples_hold() -> None:
    assert doctest.testmod(recipe_names).failed == 0


@given(st.text(max_size=12))
def test_name_of_a_file_may_be_that_of_a_recipe_and_keeps_all_that_may_stand_in_one(text: str) -> None:
    name = as_name(text)
    if name:
        assert is_name(name)
        assert check_recipe({"name": name, "data": {"path": "x.csv"}}, "r").name == name
        assert as_name(name) == name
    composed = unicodedata.normalize("NFC", text)
    if is_name(composed):
        assert name == composed.strip("-.")


def test_numbers_of_every_kind_are_kept() -> None:
    assert as_name("影评²-Ⅳ ½") == "影评²-Ⅳ-½"
