"""What the commands print: one JSON document where it was asked for, nothing to a reader who left, no network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_MODEL = "runs/small/model"


@pytest.mark.parametrize(
    ("encoding", "shown"), [("gbk", "好电影 \\U0001f600"), ("latin-1", r"\u597d\u7535\u5f71 \U0001f600")]
)
def test_what_the_encoding_of_a_terminal_lacks_is_spelled_out_and_json_is_utf8(
    encoding: str, shown: str, cli: Any, trained: Any
) -> None:
    text = "好电影 😀"

    def run(*args: str) -> subprocess.CompletedProcess[bytes]:
        environment = {**cli.environment, "PYTHONIOENCODING": encoding}
        return subprocess.run(
            cli.command(*args), cwd=trained[0].folder, env=environment, capture_output=True, check=False
        )

    plain, as_json, refused = run("predict", _MODEL, text), run("predict", _MODEL, text, "--json"), run("predict", text)
    assert (plain.returncode, plain.stderr) == (0, b"")
    assert plain.stdout.decode(encoding).rstrip("\n").split("\t")[-1] == shown
    assert json.loads(as_json.stdout.decode("utf-8"))[0]["text"] == text
    assert shown in refused.stderr.decode(encoding)


def test_a_file_whose_name_is_no_utf8_is_told_in_json(cli: Any, tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9.csv"
    with open(name, "w", encoding="utf-8") as file:
        file.write("text,label\na lovely film,good\na dull plot,bad\n")
    asked = subprocess.run(
        [*map(os.fsencode, cli.command("data", "check")), name, b"--json"],
        env={**cli.environment, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        check=False,
    )
    assert asked.stderr.decode("utf-8", "replace").count("fault in Penjing") == 0
    assert "caf\udce9.csv" in json.dumps(json.loads(asked.stdout.decode("utf-8")), ensure_ascii=False)


def test_run_prints_one_json_document(trained: Any) -> None:
    place, finished = trained
    document = json.loads(finished.out)
    assert document["model"] == _MODEL
    assert set(document["scores"]) == {"loss", "accuracy", "macro_f1", "auroc", "ece"}
    assert [stage["name"] for stage in document["stages"]] == ["data", "tokenizer", "examples", "finetune", "evaluate"]
    assert (place.folder / document["report"]).is_file()


def test_files_of_a_model_are_all_readable_by_the_same_people(trained: Any) -> None:
    assert len({file.stat().st_mode for file in trained[0].model.iterdir()}) == 1


def test_every_command_that_prints_a_result_prints_one_json_document(cli: Any, workplace: Any) -> None:
    calls = {
        "plan": ["plan", "small.toml", "--json", "--out", "elsewhere"],
        "predict": ["predict", _MODEL, "A lovely film", "A dull plot", "--json"],
        "evaluate": ["evaluate", _MODEL, "rows.csv", "--json", "--resamples", "100"],
        "lineage": ["lineage", _MODEL, "--json"],
    }
    finished = cli.run_all({name: cli.call(workplace.folder, args) for name, args in calls.items()})
    assert {name: done.code for name, done in finished.items()} == dict.fromkeys(calls, 0)
    documents = {name: json.loads(done.out) for name, done in finished.items()}
    assert documents["plan"]["rows"] == {"train": 48, "validation": 6, "test": 6}
    assert [answer["text"] for answer in documents["predict"]] == ["A lovely film", "A dull plot"]
    assert documents["evaluate"]["rows"] == 60
    assert documents["lineage"][0]["stage"] == "data"
    assert not (workplace.folder / "elsewhere").exists()


def test_file_and_standard_input_are_answered_line_by_line(cli: Any, trained: Any) -> None:
    finished = cli.run("predict", _MODEL, cwd=trained[0].folder, stdin="\ufeff好电影\n\nfine\r\n".encode())
    assert finished.code == 0, finished.err
    assert [line.split("\t")[-1] for line in finished.out.splitlines()] == ["好电影", "", "fine"]


@pytest.mark.parametrize("more", [(), ("--sentences",)])
def test_empty_lines_of_standard_input_have_empty_answers_in_their_place(
    more: tuple[str, ...], cli: Any, trained: Any
) -> None:
    given = b"\n \t\nA lovely film\n\nA dull plot\n\n"
    texts = [None, None, "A lovely film", None, "A dull plot", None]
    call = ("predict", _MODEL, *more)
    shown, as_json = (cli.run(*call, *asked, cwd=trained[0].folder, stdin=given) for asked in ((), ("--json",)))
    assert [row and row["text"] for row in json.loads(as_json.out)] == texts
    assert shown.err == as_json.err == "standard input: 4 empty lines have no answer\n"
    if not more:
        assert [line.split("\t")[-1] or None for line in shown.out.splitlines()] == texts
    for asked in (("--file", "rows.csv"), ("A lovely film",)):
        assert "empty" not in cli.run("predict", _MODEL, *asked, cwd=trained[0].folder).err


@pytest.mark.parametrize("args", [["predict", _MODEL, "--file", "many.txt"], ["lineage", _MODEL], ["--help"]])
def test_reader_who_leaves_early_sees_no_complaint(args: list[str], cli: Any, workplace: Any) -> None:
    (workplace.folder / "many.txt").write_text("A lovely film\n" * 5000, encoding="utf-8")
    process = cli.start(*args, cwd=workplace.folder)
    if args[0] == "predict":
        assert process.stdout.readline().endswith("\tA lovely film\n")
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 0


def test_log_that_nobody_reads_does_not_stop_a_run(cli: Any, workplace: Any) -> None:
    process = cli.start("run", "small.toml", "--json", cwd=workplace.folder)
    process.stderr.close()
    assert json.loads(process.stdout.read())["model"] == _MODEL
    assert process.wait(timeout=60) == 0


@pytest.mark.parametrize(
    "args",
    [["--help"], ["run", "--help"], ["lineage", _MODEL], ["run", "nope.toml"], ["evaluate", _MODEL, "nope.csv"]],
)
def test_what_needs_no_torch_does_not_wait_for_it(args: list[str], trained: Any) -> None:
    program = (
        "import atexit, sys; from penjing.cli.main import main; "
        "atexit.register(lambda: print('torch' in sys.modules, file=sys.stderr)); main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *args], cwd=trained[0].folder, capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1] == "False"


def test_run_predict_and_evaluate_work_with_the_network_cut(cli: Any, workplace: Any) -> None:
    prefix = ("unshare", "--map-root-user", "--net")
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode:
        pytest.skip("cutting the network off needs user namespaces")
    finished = {"run": cli.run("run", "small.toml", "--set", "seed=2", cwd=workplace.folder, prefix=prefix)}
    questions = {
        "predict": ["predict", _MODEL, "A lovely film"],
        "evaluate": ["evaluate", _MODEL, "rows.csv", "--resamples", "100"],
    }
    finished |= cli.run_all({name: cli.call(workplace.folder, args, prefix=prefix) for name, args in questions.items()})
    assert {name: done.code for name, done in finished.items()} == dict.fromkeys(finished, 0)
    assert all(done.out for done in finished.values())
