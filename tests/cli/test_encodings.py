"""Files that are not UTF-8 are read by the commands that take an encoding, and the refusal names the option."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penjing.data.keys import text_ids
from penjing.pipeline.exporting.sample import SampleData, read_sample
from penjing.pipeline.exporting.source import open_source

#: Rows by the beginning of the names of their files.
ROWS = {
    "": [
        "text,label",
        *(f"{text}，第{n}条,{label}" for n in range(20) for text, label in (("好看", "pos"), ("难看", "neg"))),
    ],
    "pairs-": ["sentence_good,sentence_bad,UID", "他睡了。,睡他了。,order", "很好看,好很看,order"],
    "asked-": ["context,question,answer", "电影 seven plot,how many?,seven", "音乐 two scene,how many?,two"],
    "events-": ["user,item,time", "甲,g1,1", "甲,黄2,2", "甲,g3,3", "乙,黄4,1", "乙,黄5,2"],
    "bought-": ["text", "g1\t黄2", "黄4\t鞋"],
}


@pytest.fixture(scope="module")
def place(
    small_run: Any,
    pair_run_of: Callable[[str], Any],
    writing_start: Callable[[str], Path],
    question_run: Any,
    event_run_of: Callable[[str], Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A folder with models of several kinds, and rows for them, each in three encodings."""
    folder = tmp_path_factory.mktemp("encodings")
    (folder / "model").symlink_to(small_run.model)
    (folder / "writes").symlink_to(pair_run_of("llama").model)
    (folder / "language").symlink_to(writing_start("llama"))
    (folder / "finds").symlink_to(question_run.model)
    (folder / "ranks").symlink_to(event_run_of("sasrec").model)
    for kind, rows in ROWS.items():
        for name, encoding in (("utf8", "utf-8"), ("gb", "gb18030"), ("wide", "utf-16")):
            (folder / f"{kind}{name}.csv").write_text("\n".join([*rows, ""]), encoding=encoding)
    with zipfile.ZipFile(folder / "pairs.zip", "w") as archive:
        archive.writestr("a.jsonl", json.dumps({"sentence_good": "他睡了。", "sentence_bad": "睡他了。"}))
    return folder


@pytest.mark.parametrize(
    "command",
    [
        ["evaluate", "model", "{}", "--resamples", "100"],
        ["evaluate", "writes", "{}", "--target", "label", "--resamples", "100"],
        ["evaluate", "language", "{}", "--train", "{}", "--resamples", "100"],
        ["evaluate", "language", "pairs-{}", "--resamples", "100"],
        ["evaluate", "finds", "asked-{}", "--resamples", "100"],
        ["evaluate", "ranks", "events-{}", "--resamples", "100"],
        ["predict", "model", "--file", "{}"],
        ["predict", "model", "--sentences", "--file", "{}"],
        ["predict", "finds", "--file", "asked-{}"],
        ["predict", "ranks", "--file", "bought-{}"],
        ["explain", "model", "--file", "{}", "--method", "occlusion"],
        ["data", "check", "{}"],
    ],
)
def test_a_file_in_gb18030_is_read_as_the_same_file_in_utf8(cli: Any, place: Path, command: list[str]) -> None:
    def call(file: str, *options: str) -> Any:
        return cli.call(place, [*(word.format(file) for word in command), *options, "--json"])

    done = cli.run_all(
        {
            "utf8": call("utf8.csv"),
            "named": call("gb.csv", "--encoding", "gb18030"),
            "found": call("wide.csv", "--encoding", "auto"),
            "refused": call("gb.csv"),
        }
    )
    done["refused"].assert_refused(1, "gb.csv", "is no UTF-8", "--encoding auto")
    texts = [json.dumps(json.loads(done[name].out), sort_keys=True) for name in ("utf8", "named", "found")]
    plain = [text.replace(f"{name}.csv", "the file") for text, name in zip(texts, ("utf8", "gb", "wide"), strict=True)]
    assert plain[0] == plain[1] == plain[2]


def test_answers_into_a_file_are_of_an_encoding_too(cli: Any, place: Path) -> None:
    for name, options in {"utf8": [], "gb": ["--encoding", "gb18030"]}.items():
        done = cli.run("predict", "model", "--file", f"{name}.csv", "--out", f"{name}.jsonl", *options, cwd=place)
        assert done.code == 0, done.err
    ours, theirs = ((place / f"{name}.jsonl").read_text(encoding="utf-8") for name in ("gb", "utf8"))
    assert ours.replace("gb.csv", "utf8.csv") == theirs


def test_an_export_is_scored_on_rows_of_an_encoding(cli: Any, place: Path) -> None:
    command = ["export", "language", "smaller", "--to", "int8", "--data", "gb.csv"]
    cli.run(*command, cwd=place).assert_refused(1, "gb.csv", "is no UTF-8", "--encoding auto")
    done = cli.run(*command, "--encoding", "gb18030", "--json", cwd=place)
    assert json.loads(done.out)["parity"]["task"]["before"]["texts"] == 40, done.err


@pytest.mark.parametrize(("model", "target"), [("model", ""), ("writes", "label"), ("language", "")])
def test_a_sample_of_rows_is_of_an_encoding(place: Path, model: str, target: str) -> None:
    source = open_source(place / model)
    gb, utf8 = (
        read_sample(source, SampleData(str(place / f"{name}.csv"), target=target, encoding=encoding))
        for name, encoding in (("gb", "gb18030"), ("utf8", None))
    )
    assert gb == utf8


def test_answers_are_put_into_rows_of_an_encoding(cli: Any, place: Path) -> None:
    texts = [row.split(",")[0] for row in ROWS[""][1:]]
    answer = {"id": text_ids(texts)[0], "file": "utf8.csv", "row": 2, "label": "neg", "time": "2026-01-01T00:00:00Z"}
    (place / "answers.jsonl").write_text(json.dumps(answer) + "\n", encoding="utf-8")
    for name, options in {"utf8": [], "gb": ["--encoding", "gb18030"]}.items():
        command = ["data", "label", f"{name}.csv", "--apply", "answers.jsonl", "--to", f"{name}.new.csv"]
        done = cli.run(*command, *options, cwd=place)
        assert done.code == 0, done.err
    assert (place / "gb.new.csv").read_bytes() == (place / "utf8.new.csv").read_bytes()
    assert f"{texts[0]},neg" in (place / "gb.new.csv").read_text(encoding="utf-8")


def test_an_encoding_that_is_none_and_one_of_no_file_are_refused(cli: Any, place: Path) -> None:
    done = cli.run_all(
        {
            "unknown": cli.call(place, ["evaluate", "model", "gb.csv", "--encoding", "gb99"]),
            "texts": cli.call(place, ["predict", "model", "好看", "--encoding", "auto"]),
            "question": cli.call(place, ["predict", "finds", "how?", "--context", "二 two", "--encoding", "auto"]),
            "items": cli.call(place, ["predict", "ranks", "黄4", "--encoding", "auto"]),
            "explained": cli.call(place, ["explain", "model", "好看", "--encoding", "auto"]),
            "exported": cli.call(place, ["export", "language", "x", "--to", "int8", "--encoding", "auto"]),
            "zip": cli.call(place, ["evaluate", "language", "pairs.zip", "--encoding", "auto"]),
        }
    )
    done["unknown"].assert_refused(2, '"gb99" is no encoding', "gb18030")
    for name in ("texts", "question", "items", "explained"):
        done[name].assert_refused(2, "--encoding is for --file")
    done["exported"].assert_refused(2, "--encoding is for --data")
    done["zip"].assert_refused(2, "pairs.zip", "in a zip is read as UTF-8")
