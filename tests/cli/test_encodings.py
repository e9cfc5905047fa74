"""Files that are not UTF-8 are read by the commands that take an encoding, and the refusal names the option."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROWS = [
    "text,label",
    *(f"{text}，第{n}条,{label}" for n in range(20) for text, label in (("好看", "pos"), ("难看", "neg"))),
]


@pytest.fixture(scope="module")
def place(small_run: Any, pair_run_of: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of labels, one that writes, and rows in two encodings."""
    folder = tmp_path_factory.mktemp("encodings")
    (folder / "model").symlink_to(small_run.model)
    (folder / "writes").symlink_to(pair_run_of("llama").model)
    text = "\n".join([*ROWS, ""])
    (folder / "utf8.csv").write_text(text, encoding="utf-8")
    (folder / "gb.csv").write_text(text, encoding="gb18030")
    (folder / "wide.csv").write_text(text, encoding="utf-16")
    return folder


@pytest.mark.parametrize(
    "command",
    [
        ["evaluate", "model", "{}", "--resamples", "100"],
        ["evaluate", "writes", "{}", "--target", "label", "--resamples", "100"],
        ["predict", "model", "--file", "{}"],
        ["predict", "model", "--sentences", "--file", "{}"],
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


def test_an_encoding_that_is_none_and_one_of_no_file_are_refused(cli: Any, place: Path) -> None:
    done = cli.run_all(
        {
            "unknown": cli.call(place, ["evaluate", "model", "gb.csv", "--encoding", "gb99"]),
            "texts": cli.call(place, ["predict", "model", "好看", "--encoding", "auto"]),
        }
    )
    done["unknown"].assert_refused(2, '"gb99" is no encoding', "gb18030")
    done["texts"].assert_refused(2, "--encoding is for --file")
