"""A run learns from no text that contains one it is measured on: not from rows, a corpus, or texts without labels."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penjing.data.reading import iter_texts, read_split
from penjing.files import read_json
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import RunResult, run_recipe
from penjing.progress import Silent


def write_around(path: Path, rows: list[list[str]], *, with_label: bool) -> str:
    """Writes each row's text with words before and after it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"] if with_label else ["text"])
        for text, label in rows:
            writer.writerow([f"{path.stem}: {text.upper()} ! he said", label][: 1 + with_label])
    return str(path)


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory, small_recipe: Callable[..., dict[str, Any]], small_bert_run: Any
) -> tuple[dict[str, Any], RunResult]:
    """A recipe whose texts contain its rows, and its finished run."""
    folder = tmp_path_factory.mktemp("measured")
    recipe = small_recipe(folder)
    rows = list(csv.reader((folder / "reviews.csv").read_text(encoding="utf-8").splitlines()))[1:]
    around = write_around(folder / "rows.csv", rows, with_label=True)
    with (folder / "reviews.csv").open("a", encoding="utf-8") as file:
        file.writelines(Path(around).read_text(encoding="utf-8").splitlines(keepends=True)[1:])
    recipe["corpus"] = {"path": write_around(folder / "corpus.csv", rows, with_label=False), "held_out": 0.1}
    texts = write_around(folder / "texts.csv", rows, with_label=False)
    recipe["finetune"] |= {
        "epochs": 1,
        "distill": {"teacher": str(small_bert_run.model), "unlabelled": {"path": texts}},
    }
    recipe["explain"] = {}
    return recipe, run_recipe(check_recipe(recipe, "measured"), folder / "out", Silent(), ["test"])


def test_no_text_that_contains_a_measured_one_is_learned(run: tuple[dict[str, Any], RunResult]) -> None:
    done = run[1].artifacts
    measured = [
        text.lower() for split in ("validation", "test") for text in read_split(done["data"].folder, split).texts
    ]
    measured = [text for text in measured if len(text.split()) >= 5]
    files = {
        "data": ("train.parquet",),
        "corpus": ("texts.parquet", "held_out.parquet"),
        "unlabelled": ("texts.parquet",),
    }
    for stage, names in files.items():
        texts = [
            f" {text.lower()} " for name in names for batch in iter_texts(done[stage].folder / name) for text in batch
        ]
        assert texts
        assert not [text for text in measured for other in texts if f" {text} " in other], stage
    assert done["data"].facts["containing"]["train"] > 0
    assert done["corpus"].facts["containing_evaluation"] > 0
    assert done["unlabelled"].facts["containing_evaluation"] > 0


def test_the_report_and_the_card_say_how_many_were_left_out(
    run: tuple[dict[str, Any], RunResult], read_page: Any
) -> None:
    done = run[1].artifacts
    rows = sum(done["data"].facts["containing"].values())
    texts = done["unlabelled"].facts["containing_evaluation"]
    page = read_page(run[1].report.read_text(encoding="utf-8")).text
    assert f"{rows} that contain a validation or test text" in page
    assert "Left out because they contain a validation or test text" in page
    assert f"{texts} left out that contain a validation or test text" in page
    card = read_json(run[1].model / "penjing.json")
    assert card["distill"]["unlabelled"]["containing_evaluation"] == texts
    assert read_json(done["corpus"].folder / "counts.json")["containing_evaluation"] > 0
