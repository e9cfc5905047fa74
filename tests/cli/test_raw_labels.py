"""Labels that a recipe names are known to the folder of its model: its raw file is measured as it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penjing.errors import DataError
from penjing.files import read_json
from penjing.pipeline.exporting.sample import LabelSample, SampleData, read_sample
from penjing.pipeline.exporting.source import open_source
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import run_recipe
from penjing.progress import Silent

NAMES = {"不满意": "negative", "满意": "positive"}


@pytest.fixture(scope="module")
def place(small_recipe: Callable[..., dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model whose recipe names raw labels, its rows, and rows that will not do."""
    folder = tmp_path_factory.mktemp("raw-labels")
    recipe = small_recipe(folder)
    rows = (
        (folder / "reviews.csv")
        .read_text(encoding="utf-8")
        .replace(",negative", ",不满意")
        .replace(",positive", ",满意")
    )
    (folder / "reviews.csv").write_text(rows, encoding="utf-8")
    recipe["data"]["labels"] = NAMES
    run = run_recipe(check_recipe(recipe, "named"), folder / "out", Silent(), ["test"])
    (folder / "model").symlink_to(run.model)
    for name, labels in {"odd": ("满意", "一般"), "scale": ("1", "0", "-1")}.items():
        lines = [f"a text of number {n},{label}" for n, label in enumerate(labels)]
        (folder / f"{name}.csv").write_text("\n".join(["text,label", *lines]), encoding="utf-8")
    return folder


def test_the_raw_file_is_measured_as_the_renamed_one(cli: Any, place: Path) -> None:
    assert read_json(place / "model" / "penjing.json")["raw_labels"] == NAMES
    raw = (place / "reviews.csv").read_text(encoding="utf-8")
    assert ",不满意" in raw
    renamed = raw.replace(",不满意", ",negative").replace(",满意", ",positive")
    (place / "renamed.csv").write_text(renamed, encoding="utf-8")
    calls = {
        name: ["evaluate", "model", f"{name}.csv", "--resamples", "100", "--json"] for name in ("reviews", "renamed")
    }
    done = cli.run_all({name: cli.call(place, call) for name, call in calls.items()})
    assert [found.code for found in done.values()] == [0, 0], done["reviews"].err
    scores = {name: json.loads(found.out)["scores"] for name, found in done.items()}
    assert scores["reviews"] == scores["renamed"]


def test_other_labels_are_refused_with_those_that_are_known(cli: Any, place: Path) -> None:
    done = cli.run_all({name: cli.call(place, ["evaluate", "model", f"{name}.csv"]) for name in ("odd", "scale")})
    done["odd"].assert_refused(1, "odd.csv, row 3", '"一般"', "negative, positive", "不满意, 满意")
    done["scale"].assert_refused(1, "scale.csv, row 4", '"-1" stands beside "0"', "negative, positive")


def test_an_export_is_scored_on_raw_labels_and_refuses_the_same(place: Path) -> None:
    source = open_source(place / "model")
    sample = read_sample(source, SampleData(str(place / "reviews.csv")))
    assert isinstance(sample, LabelSample)
    assert set(sample.labels) == {"negative", "positive"}
    with pytest.raises(DataError, match='"-1" stands beside "0"'):
        read_sample(source, SampleData(str(place / "scale.csv")))
