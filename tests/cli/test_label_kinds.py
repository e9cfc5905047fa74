"""Models of stars and of several labels on the command line: asked, measured, by sentence, planned."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penjing.data.reading import read_label_sets


@pytest.fixture(scope="module")
def place(
    label_kind_run: Callable[[str], Any],
    pair_run_of: Callable[[str], Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A folder with the models ``stars``, ``several`` and ``writes``, test rows as two tables, and a recipe."""
    folder = tmp_path_factory.mktemp("label-kinds")
    run = label_kind_run("multilabel")
    (folder / "stars").symlink_to(label_kind_run("stars").model)
    (folder / "several").symlink_to(run.model)
    (folder / "writes").symlink_to(pair_run_of("llama").model)
    test = read_label_sets(run.artifacts["data"].folder, "test")
    names = ("actor", "film", "music", "plot")
    pairs = list(zip(test.texts, test.labels, strict=True))
    rows = ["text,topics", *(f"{text},{'|'.join(labels)}" for text, labels in pairs)]
    flags = [",".join(("text", *names))] + [
        ",".join((text, *("01"[name in labels] for name in names))) for text, labels in pairs
    ]
    (folder / "test.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "flags.csv").write_text("\n".join(flags) + "\n", encoding="utf-8")
    (folder / "odd.csv").write_text("text,topics\na film,film|pink\n", encoding="utf-8")
    many = [*(f"text number {n},{('good', 'bad')[n % 2]}" for n in range(60)), "again,Good", "nothing,"]
    (folder / "rows.csv").write_text("\n".join(["text,label", *many]) + "\n", encoding="utf-8")
    (folder / "rules.toml").write_text(
        '[data]\npath = "rows.csv"\nspelling = "repair"\nempty_label = "drop"\n[model]\nfamily = "lstm"\n'
        "shape = { embedding_size = 8, hidden_size = 8 }\n[evaluate]\nresamples = 100\n",
        encoding="utf-8",
    )
    return folder


def test_models_of_both_kinds_are_asked_and_measured(
    cli: Any, place: Path, label_kind_run: Callable[[str], Any]
) -> None:
    options, parted = ["--resamples", "100", "--json"], ["--label", "topics", "--separator", "|"]
    calls = {
        "stars": cli.call(place, ["predict", "stars", "lovely warm film", "--json"]),
        "several": cli.call(place, ["predict", "several", "the film and the music"]),
        "sentences": cli.call(place, ["predict", "stars", "--sentences", "音乐精彩。画面无聊！", "--json"]),
        "lines": cli.call(place, ["predict", "several", "--sentences", "A film. 音乐 music。"]),
        "parted": cli.call(place, ["evaluate", "several", "test.csv", *parted, *options]),
        "shown": cli.call(place, ["evaluate", "several", "test.csv", *parted, "--resamples", "100"]),
        "flags": cli.call(place, ["evaluate", "several", "flags.csv", "--label", "actor,film,music,plot", *options]),
        "plan": cli.call(place, ["plan", "rules.toml"]),
    }
    done = cli.run_all(calls)
    assert {name: finished.code for name, finished in done.items()} == dict.fromkeys(calls, 0)
    [answer] = json.loads(done["stars"].out)
    assert 1 <= answer["expected"] <= 5
    labels, chances, text = done["several"].out.rstrip("\n").split("\t")
    assert text == "the film and the music"
    assert len(labels.split("|")) == len(chances.split("|"))
    [found] = json.loads(done["sentences"].out)
    assert [(part["start"], part["end"]) for part in found["sentences"]] == [(0, 5), (5, 10)]
    assert [line.split("\t")[0] for line in done["lines"].out.splitlines()] == ["0-7", "8-17", ""]
    expected = label_kind_run("multilabel").evaluation["scores"]
    assert json.loads(done["parted"].out)["scores"] == expected
    assert json.loads(done["flags"].out)["scores"] == expected
    assert "ece" in expected
    per_label = label_kind_run("multilabel").evaluation["per_label"]
    assert json.loads(done["parted"].out)["per_label"] == per_label
    confusion = done["shown"].out.partition("true positives")[2].splitlines()[1:5]
    assert [line.split()[0] for line in confusion] == sorted(per_label, key=lambda name: -per_label[name]["support"])
    film = next(line.split() for line in confusion if line.split()[0] == "film")
    assert int(film[1]) + int(film[3]) == per_label["film"]["support"]
    assert sum(map(int, film[1:])) == label_kind_run("multilabel").evaluation["rows"]
    assert "Left out 1 without a label" in done["plan"].out
    assert "Labels  1 spelled in another way, taken for the same" in done["plan"].out


def test_calls_that_do_not_fit_the_model_are_refused(cli: Any, place: Path) -> None:
    calls = {
        "unknown": cli.call(place, ["evaluate", "several", "odd.csv", "--label", "topics", "--separator", "|"]),
        "one text": cli.call(place, ["evaluate", "several", "test.csv", "--label", "topics"]),
        "separator": cli.call(place, ["evaluate", "stars", "rows.csv", "--separator", "|"]),
        "writes": cli.call(place, ["predict", "writes", "--sentences", "one"]),
    }
    done = cli.run_all(calls)
    assert 'odd.csv, row 2: the label "pink" is not one of the model\'s' in done["unknown"].err
    assert "nothing says what stands between its labels" in done["one text"].err
    assert "--separator is for models that give several labels" in done["separator"].err
    assert "--sentences is for models that give labels" in done["writes"].err
    assert {name: finished.code for name, finished in done.items()} == {
        "unknown": 1,
        "one text": 1,
        "separator": 2,
        "writes": 2,
    }
