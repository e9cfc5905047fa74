"""``penjing new``: a recipe for a file, that runs."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

_EVENTS = ("recommend", "--data", "films.csv", "--data", "pairs.tsv")
_GOOD, _BAD = ("动人", "精彩", "温暖", "清新"), ("无聊", "拖沓", "空洞", "吵闹")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    words = [(_GOOD, _BAD)[n % 2][n // 2 % 4] for n in range(80)]
    rows = [f"{n},第 {n} 部电影很{word}，值得一看吗,{('see', 'skip')[n % 2]}" for n, word in enumerate(words)]
    (tmp_path / "films.csv").write_text("\n".join(["id,review,verdict", *rows]) + "\n", encoding="utf-8")
    pairs = [f"the number {n} is here\tdie Zahl {n} ist hier" for n in range(80)]
    (tmp_path / "pairs.tsv").write_text("\n".join(["en\tde", *pairs]) + "\n", encoding="utf-8")
    return tmp_path


def test_recipe_for_labelled_rows_explains_itself_and_can_be_planned(cli: Any, folder: Path) -> None:
    pytest.importorskip("gensim")
    done = cli.run("new", "classify", "--data", "films.csv", "--minutes", "30", "--lang", "zh", cwd=folder)
    assert done.code == 0, done.err
    text = (folder / "films.toml").read_text(encoding="utf-8")
    assert text.startswith("# 由 penjing new classify 写成")
    assert "# 文本所在的列" in text
    assert 'label = "verdict"' in text
    planned = cli.run("plan", "films.toml", "--json", cwd=folder)
    assert planned.code == 0, planned.err
    assert "finetune" in {stage["name"] for stage in json.loads(planned.out)["stages"]}


def test_recipe_for_pairs_runs(cli: Any, folder: Path) -> None:
    pytest.importorskip("sacrebleu")
    asked = ("new", "translate", "--data", "pairs.tsv", "--minutes", "10", "--out", "mine.toml")
    done = cli.run(*asked, "--json", cwd=folder)
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert (document["found"]["text"], document["found"]["target"]) == ("en", "de")
    assert document["document"]["data"] == {"path": "pairs.tsv", "encoding": "auto", "text": "en", "target": "de"}
    ran = cli.run("run", "mine.toml", "--set", "finetune.epochs=1", cwd=folder)
    assert ran.code == 0, ran.err
    assert "bleu" in ran.out.lower()


def write_odd_columns(folder: Path) -> None:
    """Writes questions, events, items and dialogues whose columns are called as nobody would guess."""
    years = [(n, 1800 + n) for n in range(60)]
    towers = [(f"{n} 号塔建于 {year} 年，在河边，常有人来看。", f"{n} 号塔建于哪一年？", year) for n, year in years]
    tables = {
        "towers": [("facts", "asked", "said", "group"), *((*row, f"g{n // 5}") for n, row in enumerate(towers))],
        "bought": [("who", "what", "when"), *((f"u{n % 20}", f"p{n * 7 % 13}", n) for n in range(200))],
        "goods": [("what", "called", "made"), *((f"p{n}", f"the red thing {n}", 1900 + n) for n in range(13))],
        "talks": [("nr", "q1", "q2"), *((n, f"第 {n} 层怎么走？", f"请坐电梯到第 {n} 层。") for n in range(60))],
    }
    for name, rows in tables.items():
        text = "".join(",".join(map(str, row)) + "\n" for row in rows)
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (
            ("answer", "--data", "towers.csv"),
            {"text": "facts", "question": "asked", "answer": "said", "document": "group"},
        ),
        (
            ("recommend", "--data", "bought.csv", "--data", "goods.csv"),
            {"user": "who", "item": "what", "time": "when", "text": "{called} ({made})"},
        ),
        (("chat", "--data", "talks.csv"), {"text": "q1", "target": "q2"}),
    ],
)
def test_columns_that_nobody_would_guess_are_named_and_the_recipe_runs(
    cli: Any, tmp_path: Path, asked: tuple[str, ...], named: dict[str, str]
) -> None:
    write_odd_columns(tmp_path)
    options = [part for key, name in named.items() for part in (f"--{key}", name)]
    done = cli.run("new", *asked, *options, "--out", "mine.toml", "--json", cwd=tmp_path)
    assert done.code == 0, done.err
    assert "in the column text" not in (tmp_path / "mine.toml").read_text(encoding="utf-8")
    data = json.loads(done.out)["document"]["data"]
    assert named.items() <= data.items()
    assert data.get("id") == ("what" if asked[0] == "recommend" else None)  # called so in both tables
    short = ["--set", "finetune.epochs=1", "--set", "finetune.evaluations=1"]
    ran = cli.run("run", "mine.toml", *short, "--set", "evaluate.resamples=100", cwd=tmp_path)
    assert ran.code == 0, ran.err


def test_rows_that_a_setting_leaves_out_or_puts_right_are_named_and_the_recipe_has_the_setting(
    cli: Any, folder: Path
) -> None:
    pytest.importorskip("gensim")
    rows = "".join(f"{row}\n" for row in ("81,,see", "82,第 82 部电影很动人,", "83,第 83 部电影很无聊,Skip"))
    with (folder / "films.csv").open("a", encoding="utf-8") as file:
        file.write(rows)
    done = cli.run("new", "classify", "--data", "films.csv", "--minutes", "30", "--json", cwd=folder)
    assert done.code == 0, done.err
    document = json.loads(done.out)
    settings = {"empty_text": "drop", "empty_label": "drop", "spelling": "repair"}
    assert settings.items() <= document["document"]["data"].items()
    assert {fault["where"].split(", ")[1] for fault in document["faults"]} == {"row 82", "row 83", "row 84"}
    planned = cli.run("plan", "films.toml", cwd=folder)
    assert planned.code == 0, planned.err
    assert "1 without text, 1 without a label" in planned.out
    shown = cli.run("new", "classify", "--data", "films.csv", "--minutes", "30", "--out", "again.toml", cwd=folder)
    assert 'films.csv, row 82: column "review" is empty. The recipe has empty_text = "drop"' in shown.out


def test_rows_of_a_part_that_cannot_be_used_are_left_out_of_it_by_a_setting_of_its_own(cli: Any, folder: Path) -> None:
    lines = [f"A long story of number {n}. It goes on and on as stories do.,number {n}" for n in range(40)]
    lines[30] = "A story without a title.,"
    for name, rows in (("stories", lines), ("more", lines[:25])):
        (folder / f"{name}.csv").write_text("\n".join(["story,summary", *rows]) + "\n", encoding="utf-8")
    asked = ("new", "multi", "--data", "summarize=more.csv", "--data", "summarize=stories.csv", "--out", "both.toml")
    done = cli.run(*asked, "--json", cwd=folder)
    assert done.code == 0, done.err
    (fault,), document = json.loads(done.out)["faults"], json.loads(done.out)["document"]
    assert (fault["where"], fault["section"]) == ("stories.csv, row 32", "parts.stories.data")
    assert document["parts"]["stories"]["data"]["empty_text"] == "drop"
    assert "empty_text" not in document["parts"]["more"]["data"]
    recipe = (folder / "both.toml").read_text(encoding="utf-8").replace('empty_text = "drop"', "")
    (folder / "both.toml").write_text(recipe, encoding="utf-8")
    planned = cli.run("plan", "both.toml", cwd=folder)
    assert planned.code == 1
    assert 'empty_text = "drop" under [parts.stories.data] does so' in " ".join(planned.err.split())


@pytest.mark.parametrize(
    ("data", "out", "recipe", "name"),
    [
        ("评论.csv", None, "评论.toml", "评论"),
        ("评论.csv", "Chinese reviews.v2.toml", "Chinese reviews.v2.toml", "Chinese-reviews.v2"),
        ("评论.csv", "新闻.toml", "新闻.toml", "新闻"),
    ],
)
def test_recipes_of_files_of_other_names_have_other_names_and_so_other_runs(
    cli: Any, folder: Path, data: str, out: str | None, recipe: str, name: str
) -> None:
    (folder / "films.csv").rename(folder / data)
    done = cli.run("new", "classify", "--data", data, *(("--out", out) if out else ()), cwd=folder)
    assert done.code == 0, done.err
    document = tomllib.loads((folder / recipe).read_text(encoding="utf-8"))
    assert (document["name"], document["data"]["path"]) == (name, data)


def test_labels_of_several_lines_and_control_characters_stay_in_their_comment(cli: Any, folder: Path) -> None:
    labels = ('"good\nname = ""taken"""', '"bad\x07\x1b[31m"')
    rows = "".join(f"the number {n} is in the garden,{labels[n % 2]}\n" for n in range(80))
    (folder / "odd.csv").write_text(f"text,label\n{rows}", encoding="utf-8")
    done = cli.run("new", "classify", "--data", "odd.csv", "--minutes", "30", cwd=folder)
    assert done.code == 0, done.err
    text = (folder / "odd.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["name"] == "odd"
    assert 'labels in label (good name = "taken", bad\\x07\\x1b[31m)' in text
    assert not {"\x07", "\x1b"} & {*text, *done.out, *done.err}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["clasify", "--data", "films.csv"], ["no task", "classify"]),
        (["recommend", "--data", "films.csv"], ["the table of the items is missing"]),
        (["answer", "--data", "films.csv"], ["no column is called question", "Name it with --question"]),
        (
            ["answer", "--data", "films.csv", "--question", "asked"],
            ['films.csv: there is no column "asked"', "Its columns are: id, review, verdict."],
        ),
        (
            ["answer", "--data", "films.csv", "--target", "verdict"],
            ["--target is not for answer", "--text, --question, --answer, --answer-start and --document"],
        ),
        (
            ["answer", "--data", "films.csv", "--question", "id", "--answer", "id"],
            ['--question and --answer both name the column "id"'],
        ),
        (["chat", "--data", "films.csv", "--label", "verdict"], ["--label is not for chat", "--text and --target"]),
        (["classify", "--data", "films.csv", "--target", "review"], ["--target is not for classify"]),
        (["classify", "--data", "films.csv", "--user", "id"], ["--user is not for classify", "--text and --label"]),
        (["generate", "--data", "films.csv", "--question", "id"], ["--question is not for generate", "has --text."]),
        (
            ["multi", "--data", "films.csv", "--data", "pairs.tsv", "--label", "verdict"],
            ["--label is not for multi", "[parts.NAME.data]"],
        ),
        (
            [*_EVENTS, "--user", "id", "--time", "review"],
            ["no column is called item", "id, review, verdict", "Name it with --item"],
        ),
        (
            [*_EVENTS, "--user", "id", "--time", "review", "--item", "verdict"],
            ["pairs.tsv: no column is called item", "en, de", "Name it with --id"],
        ),
        (
            [*_EVENTS, "--user", "id", "--time", "review", "--item", "verdict", "--id", "en", "--text", "{de} {it}"],
            ['pairs.tsv: there is no column "it"', "en, de"],
        ),
        (["sentiment", "--data", "films.csv"], ["the labels are", "sentiment knows"]),
        (["classify", "--data", "films.csv", "--data", "pairs.tsv"], ["there are 2 --data"]),
        (["classify", "--data", "nowhere.csv"], ["no such file"]),
        (["classify", "--data", "films.csv", "--out", "films.csv"], ["is there already"]),
        (
            ["classify", "--data", "films.csv", "--out", "films.csv/mine.toml"],
            ["--out films.csv/mine.toml: nothing can be written in", "films.csv (Not a directory)"],
        ),
        (["classify", "--data", "films.csv", "--out", f"{'n' * 300}/mine.toml"], ["nothing can be written in"]),
        (["classify", "--data", "films.csv", "--out", "/proc/mine.toml"], ["nothing can be written in /proc"]),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_written(
    cli: Any, folder: Path, asked: list[str], words: list[str]
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = cli.run("new", *asked, cwd=folder)
    assert (done.code, done.out) == (2, "")
    for word in words:
        assert word in done.err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert ("nothing can be written" in done.err) <= ("looking at" not in done.err)  # that is known before any work
