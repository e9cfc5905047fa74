"""What files of several tasks are for is told from their columns, and the recipe for one model of all of them holds."""

from __future__ import annotations

import csv
import gzip
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from penjing.errors import UsageError
from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe_file import check_recipe, load_recipe
from penjing.pipeline.starting.looking import Found
from penjing.pipeline.starting.parts import look_at_parts, propose_parts, split_address
from penjing.pipeline.starting.recipe_text import write_recipe
from penjing.pipeline.starting.wanted import Document, Wanted
from penjing.progress import Silent


@pytest.fixture
def files(shared_data: Path, tmp_path: Path) -> dict[str, str]:
    """The addresses of a few real rows of four tasks."""
    hotels = [
        line.split("\t", 1)
        for line in (shared_data / "chnsenticorp" / "dev.tsv").read_text(encoding="utf-8").splitlines()[1:61]
    ]
    news = [
        line.split("\t")
        for line in (shared_data / "thucnews" / "dev.txt").read_text(encoding="utf-8").splitlines()[:300]
    ]
    sides = [
        gzip.decompress((shared_data / "multi30k" / f"val.{code}.gz").read_bytes()).decode().splitlines()[:60]
        for code in ("en", "de")
    ]
    with gzip.open(shared_data / "dialogsum" / "dev.jsonl.gz", "rt", encoding="utf-8") as file:
        sums = [json.loads(line) for line in itertools.islice(file, 40)]
    with gzip.open(shared_data / "cmrc2018" / "trial.json.gz", "rt", encoding="utf-8") as file:
        asked = json.load(file)
    write = {
        "hotels": [("label", "review"), *hotels],
        "news": [("title", "topic"), *news],
        "captions": [("en", "de"), *zip(*sides, strict=True)],
        "sums": [("id", "dialogue", "summary"), *((n, row["dialogue"], row["summary"]) for n, row in enumerate(sums))],
    }
    for name, rows in write.items():
        with (tmp_path / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
    (tmp_path / "asked.json").write_text(json.dumps({**asked, "data": asked["data"][:20]}), encoding="utf-8")
    return {**{name: str(tmp_path / f"{name}.csv") for name in write}, "asked": str(tmp_path / "asked.json")}


def propose(found: Found, *, start: str | None = None) -> list[Document]:
    wanted = Wanted("several", "multi", ("a", "b"), None, start, 5, "zh")
    return [document for _, document in propose_parts(wanted, found)]


def test_tasks_are_told_from_the_columns_of_real_files(files: dict[str, str]) -> None:
    found = look_at_parts(list(files.values()))
    assert {name: part.task for name, part in found.parts.items()} == {
        "sentiment": "sentiment",
        "classify": "classify",
        "translate": "translate",
        "summarize": "summarize",
        "answer": "answer",
    }
    assert found.rows == sum(part.found.rows for part in found.parts.values())
    assert found.parts["summarize"].found.target == "summary"


@pytest.mark.parametrize(
    ("labels", "task"),
    [(("0.0", "1.0"), "sentiment"), (("-1", "0", "1"), "classify"), (("-1.0", "0", "1"), "classify")],
)
def test_the_task_of_labels_is_told_from_all_of_them(tmp_path: Path, labels: tuple[str, ...], task: str) -> None:
    rows = [f"a film of number {n} that was seen,{labels[n % len(labels)]}" for n in range(60)]
    (tmp_path / "moods.csv").write_text("\n".join(["review,label", *rows]), encoding="utf-8")
    address = str(tmp_path / "moods.csv")
    assert [part.task for part in look_at_parts([address, f"classify={address}"]).parts.values()] == [task, "classify"]


def test_the_recipe_says_the_same_as_a_file_and_plans(files: dict[str, str], tmp_path: Path) -> None:
    found = look_at_parts([files["hotels"], files["captions"], files["asked"]])
    wide, narrow = propose(found)
    assert wide["parts"]["translate"]["template"] == "translate English to German: {text}"
    assert wide["parts"]["sentiment"]["data"]["text"] == "review"
    assert wide["model"]["shape"]["max_position_embeddings"] == sum(
        wide["render"][key] for key in ("max_tokens", "max_target_tokens")
    )
    file = tmp_path / "several.toml"
    file.write_text(write_recipe(wide, ["heading"], "zh"), encoding="utf-8")
    assert load_recipe(file) == check_recipe(wide, "several")
    assert 'text = "review"'.ljust(34) + " # 文本所在的列" in file.read_text(encoding="utf-8")
    plan = make_plan(check_recipe(narrow, "several"), tmp_path / "out", Silent())
    assert "finetune" in {stage.name for stage in plan.stages}


def test_parts_of_one_task_are_told_apart_by_their_files(files: dict[str, str]) -> None:
    found = look_at_parts([files["hotels"], f"classify={files['hotels']}", files["news"], files["captions"]])
    assert list(found.parts) == ["sentiment", "hotels", "news", "translate"]
    document = propose(found, start="somewhere")[0]
    templates = [part["template"] for part in document["parts"].values()]
    assert templates[1:3] == ["hotels, classify: {text}", "news, classify: {text}"]
    assert document["model"] == {"start": "somewhere"}
    check_recipe(document, "several")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["hotels"], "the files of two tasks or more"),
        (["hotels", "recommend=captions"], "the answers of recommend are not written"),
        (["hotels", "lines"], "cannot be told from their columns"),
        (["hotels", "answer=captions"], "Columns of parts are found by their names"),
    ],
)
def test_what_cannot_be_a_part_is_refused(files: dict[str, str], tmp_path: Path, given: list[str], words: str) -> None:
    (tmp_path / "lines.txt").write_text("some words\n" * 20, encoding="utf-8")
    known: dict[str, Any] = {**files, "lines": str(tmp_path / "lines.txt")}
    addresses = ["=".join(known.get(part, part) for part in item.split("=")) for item in given]
    with pytest.raises(UsageError) as caught:
        look_at_parts(addresses)
    assert words in str(caught.value)


def test_an_address_may_have_a_sign_of_equality_in_it() -> None:
    assert split_address("translate=a=b.csv") == ("translate", "a=b.csv")
    assert split_address("year=2020/rows.csv") == (None, "year=2020/rows.csv")
