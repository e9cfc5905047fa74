"""What decides the rows of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.stages.data import DATA
from penjing.pipeline.store import Store


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with four tables, where paths begin."""
    for name in "abcd":
        (tmp_path / f"{name}.csv").write_text(f"text,label,target\n{name},1,x\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def key(folder: Path, **document: Any) -> str:
    """Returns the name of the folder that the rows of a recipe stand in."""
    store = Store(folder / "out", check_recipe({"model": {"family": "lstm"}, **document}, "r"))
    return store._target(DATA, store._ingredients(DATA, {})).name


def test_which_files_are_for_what_decides_the_rows(folder: Path) -> None:
    sections: list[dict[str, Any]] = [
        {"path": "[abc].csv"},
        {"path": "[ab].csv", "validation": "c.csv"},
        {"path": "[ab].csv", "test": "c.csv"},
        {"path": "a.csv", "validation": "[bc].csv"},
        {"path": "a.csv", "validation": "b.csv", "test": "c.csv"},
        {"path": "a.csv", "validation": "c.csv", "test": "b.csv"},
    ]
    assert len({key(folder, data=section) for section in sections}) == len(sections)


def test_which_file_is_beside_which_decides_the_rows(folder: Path) -> None:
    addresses: list[Any] = ["[ab].csv", ["a.csv", "b.csv"], ["b.csv", "a.csv"]]
    model = {"family": "llama"}
    keys = {key(folder, task="translate", model=model, data={"path": address}) for address in addresses}
    assert len(keys) == len(addresses)


def test_which_files_hold_items_decides_the_rows(folder: Path) -> None:
    sections = [{"path": "[ab].csv", "items": "c.csv"}, {"path": "a.csv", "items": "[bc].csv"}]
    keys = {key(folder, task="recommend", model={"family": "sasrec"}, data=section) for section in sections}
    assert len(keys) == len(sections)


def test_which_part_has_which_file_decides_the_rows(folder: Path) -> None:
    def parts(**files: str) -> str:
        sections = {
            name: {"task": "translate", "template": f"{name}: {{text}}", "data": {"path": path}}
            for name, path in files.items()
        }
        return key(folder, task="multi", model={"family": "t5"}, parts=sections)

    assert parts(one="a.csv", two="b.csv") == parts(two="b.csv", one="a.csv")
    different = [
        parts(one="a.csv", two="b.csv"),
        parts(two="a.csv", one="b.csv"),
        parts(one="[ab].csv", two="c.csv"),
        parts(one="a.csv", two="[bc].csv"),
    ]
    assert len(set(different)) == len(different)


def test_runs_of_one_address_are_those_of_before(folder: Path) -> None:
    def settings(**document: Any) -> Any:
        return DATA.settings(check_recipe({"model": {"family": "lstm"}, **document}, "r"))

    assert "roles" not in settings(data={"path": "[abc].csv"})
    assert "roles" not in settings(data={"path": "a.csv", "labels": {"0": "bad", "1": "good"}})
    items = {"path": "a.csv", "items": "b.csv"}
    assert "roles" not in settings(task="recommend", model={"family": "sasrec"}, data=items)


def test_the_order_of_names_decides_labels_in_order(folder: Path) -> None:
    names = {"0": "bad", "2": "good", "1": "fair"}
    orders: list[Any] = [names, dict(sorted(names.items())), list(names), sorted(names)]
    keys = {key(folder, task="ordinal", data={"path": "a.csv", "labels": order}) for order in orders}
    assert len(keys) == len(orders)


@pytest.mark.parametrize(
    ("document", "is_grouped"),
    [
        ({"data": {"path": "a.csv"}}, False),
        ({"task": "generate", "data": {"path": "a.csv"}}, False),
        ({"task": "generate", "data": {"path": "a.csv", "continuation": "target"}}, True),
        ({"task": "summarize", "data": {"path": "a.csv"}}, True),
        ({"task": "chat", "data": {"path": "a.csv", "text": "text", "target": "target"}}, True),
        ({"task": "prefer", "data": {"path": "a.csv"}, "model": {"start": "m"}}, True),
    ],
)
def test_rows_are_read_anew_only_where_they_are_divided_anew(
    folder: Path, document: dict[str, Any], is_grouped: bool
) -> None:
    settings = DATA.settings(check_recipe({"model": {"family": "llama"}, **document}, "r"))
    assert ("grouped" in settings) == is_grouped
