"""``penjing data check`` on files, folders and recipes, in both languages."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from penjing.data.labels.checking import CHECKS
from penjing.pipeline.report.strings import STRINGS

RECIPE = """
name = "mine"
[data]
path = "rows.csv"
text = "review"
label = "kind"
labels = { 0 = "bad", 1 = "good" }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a recipe, ``rows.csv`` with a conflict and a gap, and splits with a leak."""
    rows = [f"a text of number {n},{n % 2}" for n in range(12)]
    rows += ["the same text,0", "The same text!,1", "no label at all,"]
    (tmp_path / "rows.csv").write_text("\n".join(["review,kind", *rows, ""]), encoding="utf-8")
    (tmp_path / "mine.toml").write_text(RECIPE, encoding="utf-8")
    split = tmp_path / "split"
    split.mkdir()
    (split / "train.tsv").write_text("first <b>text</b>\tx\nsecond text\ty\n", encoding="utf-8")
    (split / "test.tsv").write_text("First <b>Text</b>\ty\nthird text\tX\n", encoding="utf-8")
    return tmp_path


def counts(document: dict[str, Any]) -> dict[str, dict[str, int]]:
    return {finding["check"]: finding["counts"] for finding in document["findings"] if not finding["skipped"]}


def test_whole_numbers_written_as_floats_are_whole_numbers_to_a_recipe_of_numbers(cli: Any, folder: Path) -> None:
    rows = [f"a text of number {n},{('4.0', '5', '5.0')[n % 3]}" for n in range(12)]
    (folder / "rows.csv").write_text("\n".join(["review,kind", *rows, ""]), encoding="utf-8")
    tasks = {"named": RECIPE.replace("0 =", "4 =").replace("1 =", "5 =")}
    tasks |= {name: f'task = "{name}"\n{RECIPE.split("labels")[0]}' for name in ("stars", "classify")}
    for name, recipe in tasks.items():
        (folder / f"{name}.toml").write_text(recipe, encoding="utf-8")
    done = cli.run_all({name: cli.call(folder, ["data", "check", f"{name}.toml", "--json"]) for name in tasks})
    shown = {name: json.loads(found.out)["balance"]["labels"] for name, found in done.items()}
    labels = {name: {row["label"]: row["rows"] for row in found} for name, found in shown.items()}
    assert labels["stars"] == {"4": 4, "5": 8}
    assert labels["named"] == {"bad": 4, "good": 8}
    assert labels["classify"] == {"4.0": 4, "5": 4, "5.0": 4}


@pytest.mark.parametrize(
    ("settings", "rows", "labels"),
    [
        ('task = "classify" | labels = ["1", "2"]', ["1", "1.0", "2.0"], {"1": 8, "2": 4}),
        ('task = "classify" | labels = ["1", "1.0"]', ["1", "1.0", "2.0"], {"1": 4, "1.0": 4, "2.0": 4}),
        (
            'task = "classify" | labels = { 4 = "bad", 6 = "good" }',
            ["4.0", "5.0", "6"],
            {"bad": 4, "5.0": 4, "good": 4},
        ),
        ('task = "ordinal" | labels = ["4", "6"]', ["4.0", "5.0", "6"], {"4": 4, "5.0": 4, "6": 4}),
        ('task = "ordinal" | ', ["4.0", "4", "9.0"], {"4": 8, "9": 4}),
        ('task = "stars" | ', ["4.0", "4", "9.0"], {"4": 8, "9.0": 4}),
        (
            'task = "multilabel" | separator = ";"\nlabels = ["1", "2"]',
            ["1.0", "2;1.0", "1;2"],
            {"1": 12, "2": 8},
        ),
    ],
)
def test_a_recipe_is_checked_by_the_labels_that_its_run_reads(
    cli: Any, folder: Path, settings: str, rows: list[str], labels: dict[str, int]
) -> None:
    lines = [f"a text of number {n},{rows[n % 3]}" for n in range(12)]
    (folder / "rows.csv").write_text("\n".join(["review,kind", *lines, ""]), encoding="utf-8")
    task, data = settings.split(" | ")
    (folder / "mine.toml").write_text(f"{task}\n{RECIPE.split('labels')[0]}{data}\n", encoding="utf-8")
    done = cli.run("data", "check", "mine.toml", "--json", cwd=folder)
    found = json.loads(done.out)["balance"]["labels"]
    assert {row["label"]: row["rows"] for row in found} == labels, done.err


def test_a_file_and_a_recipe_of_it_have_the_same_findings(cli: Any, folder: Path) -> None:
    by_file = cli.run("data", "check", "rows.csv", "--text", "review", "--label", "kind", "--json", cwd=folder)
    by_recipe = cli.run("data", "check", "mine.toml", "--json", cwd=folder)
    assert (by_file.code, by_recipe.code) == (0, 0), by_file.err + by_recipe.err
    ours, theirs = json.loads(by_file.out), json.loads(by_recipe.out)
    assert counts(ours) == counts(theirs)
    assert counts(ours)["conflicts"] == {"texts": 1, "rows": 2}
    assert counts(ours)["missing"] == {"rows": 1, "no_text": 0, "no_label": 1}
    assert [row["label"] for row in theirs["balance"]["labels"]] == ["bad", "good"]
    assert ours["findings"][2]["cases"][0]["rows"][1] | {"id": ""} == {
        "id": "",
        "file": "rows.csv",
        "row": 15,
        "split": "all",
        "label": "1",
        "text": "The same text!",
    }


def test_the_page_is_whole_and_in_the_language_asked_for(cli: Any, folder: Path) -> None:
    for language, words in (("en", "Rows with a text of an earlier split"), ("zh", "文本与前面划分相同的行")):
        done = cli.run(
            *("data", "check", "split", "--columns", "text,label", "--html", "page.html", "--lang", language),
            cwd=folder,
        )
        assert done.code == 0, done.err
        page = (folder / "page.html").read_text(encoding="utf-8")
        for text in (done.out, page):
            assert words in text
            assert "test.tsv:1" in text
        assert "First &lt;b&gt;Text&lt;/b&gt;" in page
        assert "<script" not in page
        assert "<b>Text" not in page


def test_what_is_shown_is_counted_and_the_rest_is_said(cli: Any, folder: Path) -> None:
    rows = "".join(f"text {n // 2},x\n" for n in range(20))
    (folder / "many.csv").write_text(f"text,label\n{rows}", encoding="utf-8")
    shown = cli.run("data", "check", "many.csv", "--rows", "3", cwd=folder).out
    assert re.search(r"Rows that repeat another +10", shown)
    assert len(re.findall(r"^  many.csv:\d+  x$", shown, flags=re.MULTILINE)) == 6
    assert "7 more" in shown
    assert "All rows have one label" in shown
    (folder / "ids.csv").write_text("text,label\n" + "".join(f"t{n},l{n}\n" for n in range(99)), encoding="utf-8")
    assert "59 more labels" in cli.run("data", "check", "ids.csv", cwd=folder).out


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["rows.csv"], 2, ['no column "text"', "looks like the text (--text review)", "(--label kind)"]),
        (["split"], 2, ['no column "text"', "--columns text,label"]),
        (["mine.toml", "--text", "review"], 2, ["a recipe says them in [data]"]),
        (["reviews-lm"], 2, ["the recipe has no [data]"]),
        (["nowhere.csv"], 2, ["there is no such file"]),
        (["rows.csv", "--where", "kind"], 2, ['"kind" is no condition', "--where column=value"]),
        (["rows.csv", "--text", "review", "--label", "kind", "--where", "kind=7"], 1, ["no row with kind = '7'"]),
        (["rows.csv", "--text", "review", "--label", "kind", "--time", "day"], 2, ['no column "day"']),
        (["empty.csv"], 1, ["empty.csv: the file is empty"]),
        (["mac.csv"], 1, ["mac.csv, row 1: there is a carriage return outside quotes"]),
    ],
)
def test_wrong_calls_are_refused(cli: Any, folder: Path, args: list[str], code: int, said: list[str]) -> None:
    (folder / "empty.csv").write_text("", encoding="utf-8")
    (folder / "mac.csv").write_bytes(b"text,label\ra film,good\ra play,bad\r")
    cli.run("data", "check", *args, cwd=folder).assert_refused(code, *said)


def test_one_row_is_no_fault(cli: Any, folder: Path) -> None:
    (folder / "one.csv").write_text("text,label\nalone,x\n", encoding="utf-8")
    done = cli.run("data", "check", "one.csv", cwd=folder)
    assert done.code == 0, done.err
    assert "there is one split only" in done.out


def test_checks_know_no_torch(folder: Path) -> None:
    program = (
        "import atexit, sys; from penjing.cli.main import main; "
        "atexit.register(lambda: print('torch' in sys.modules, file=sys.stderr)); main()"
    )
    command = [sys.executable, "-c", program, "data", "check", "split", "--columns", "text,label"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == "False"


def test_every_check_has_its_words() -> None:
    names = [check.__name__.removeprefix("find_") for check in CHECKS]
    for language in STRINGS.values():
        for name in names:
            assert f"check.{name}" in language
            assert f"check_note.{name}" in language


def test_several_labels_a_row_are_noticed_and_counted_apart(cli: Any, folder: Path) -> None:
    rows = [f"a text of number {n},{('film', 'film|plot', 'plot')[n % 3]}" for n in range(12)]
    (folder / "sets.csv").write_text("\n".join(["text,label", *rows, ""]), encoding="utf-8")
    recipe = 'name = "sets"\ntask = "multilabel"\n[data]\npath = "sets.csv"\nlabel = "label"\nseparator = "|"\n'
    (folder / "sets.toml").write_text(recipe, encoding="utf-8")
    whole = cli.run("data", "check", "sets.csv", cwd=folder)
    assert '--separator "|" takes them apart' in whole.out
    apart = [
        json.loads(cli.run("data", "check", *asked, "--json", cwd=folder).out)["balance"]
        for asked in (["sets.csv", "--separator", "|"], ["sets.toml"])
    ]
    assert apart[0] == apart[1]
    assert {count["label"]: count["rows"] for count in apart[0]["labels"]} == {"film": 8, "plot": 8}
