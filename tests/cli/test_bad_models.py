"""Model folders that are damaged, incomplete or dangerous: refused in one paragraph that names the file."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


class _Trap:
    """An object whose loading makes the file ``sprung``."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, ("sprung",)


def _torch_file() -> bytes:
    torch = pytest.importorskip("torch")
    file = io.BytesIO()
    torch.save({"weight": _Trap()}, file)
    return file.getvalue()


def _without(name: str) -> Callable[[Path], None]:
    return lambda model: (model / name).unlink()


def _holding(name: str, content: str | bytes) -> Callable[[Path], None]:
    data = content.encode() if isinstance(content, str) else content
    return lambda model: (model / name).write_bytes(data) and None


def _cut(name: str, size: int) -> Callable[[Path], None]:
    return lambda model: os.truncate(model / name, size)


def _with(name: str, **entries: Any) -> Callable[[Path], None]:
    def spoil(model: Path) -> None:
        document = json.loads((model / name).read_text(encoding="utf-8"))
        (model / name).write_text(json.dumps({**document, **entries}), encoding="utf-8")

    return spoil


def _swap_vocabulary(model: Path) -> None:
    document = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = document["model"]["vocab"]
    vocabulary["lovely"], vocabulary["dull"] = vocabulary["dull"], vocabulary["lovely"]
    (model / "tokenizer.json").write_text(json.dumps(document), encoding="utf-8")


def _only_pickles(model: Path) -> None:
    (model / "model.safetensors").unlink()
    (model / "pytorch_model.bin").write_bytes(pickle.dumps(_Trap()))


def _break_a_weight(model: Path) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    tensors = safetensors.load_file(model / "model.safetensors")
    tensors["classifier.weight"][0, 0] = float("nan")
    safetensors.save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})


#: How a model folder is spoiled, and what the paragraph must say.
FAULTS: dict[str, tuple[Callable[[Path], None], list[str]]] = {
    "no config": (_without("config.json"), ["model: there is no config.json", "Copy it"]),
    "no weights": (_without("model.safetensors"), ["model: there is no model.safetensors", "whole model"]),
    "no tokenizer": (_without("tokenizer.json"), ["model: there is no tokenizer.json"]),
    "no card": (_without("penjing.json"), ["model: there is no penjing.json", "finished run"]),
    "changed tokenizer": (_swap_vocabulary, ["is not the one the model was trained with", "Restore tokenizer.json"]),
    "config of the tokenizer that is no JSON": (
        _holding("tokenizer_config.json", "{"),
        ["model/tokenizer_config.json: this is not the config of a tokenizer"],
    ),
    "weights cut off": (_cut("model.safetensors", 9000), ["model/model.safetensors: the file is cut off", "again"]),
    "weights that torch.save wrote": (
        lambda model: _holding("model.safetensors", _torch_file())(model),
        ["model/model.safetensors: this is a pickle", "never opened"],
    ),
    "weight that is not a number": (_break_a_weight, ["the tensor classifier.weight holds", "train it again"]),
    "pickles only": (_only_pickles, ["pytorch_model.bin", "a pickle is never opened", "save_pretrained"]),
    "card that is no JSON": (_holding("penjing.json", "{"), ["model/penjing.json: this is not JSON"]),
    "card that is a list": (_holding("penjing.json", "[]"), ["model/penjing.json: this is not a JSON object"]),
    "card without its entries": (
        _holding("penjing.json", '{"task": "classify", "labels": ["a", "b"]}'),
        ["model/penjing.json: the entries render, fingerprint are missing"],
    ),
    "card with labels of a wrong type": (_with("penjing.json", labels=3), ["the entry labels", "Copy the file"]),
    "card with a task that is not known": (
        _with("penjing.json", task="tag"),
        ['model/penjing.json: "tag"', "Known are: answer, chat, classify"],
    ),
    "card with a task of another kind": (
        _with("penjing.json", task="translate"),
        ["model/penjing.json: the entry write is missing"],
    ),
    "config of another shape": (
        _with("config.json", hidden_size=32),
        ["the weights do not fit the network", "classifier.weight is [2, 64] there and [2, 128] here", "config.json"],
    ),
    "config of an impossible shape": (
        _with("config.json", hidden_size="wide"),
        ["model/config.json: hidden_size is 'wide'", "a whole number"],
    ),
}
_LINEAGES = {
    "lineage without a card": FAULTS["no card"],
    "lineage from a card that is no JSON": FAULTS["card that is no JSON"],
    "lineage of a wrong type": (_with("penjing.json", lineage=[3]), ["model/penjing.json: the entry lineage"]),
}


@pytest.fixture(scope="module")
def answers(cli: Any, trained: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What was said of every fault, and whether loading a pickle has made its file."""
    calls = {}
    for number, (name, (spoil, _)) in enumerate({**FAULTS, **_LINEAGES}.items()):
        folder = tmp_path_factory.mktemp(f"model-{number}")
        shutil.copytree(trained[0].model, folder / "model")
        spoil(folder / "model")
        calls[name] = cli.call(folder, ["predict", "model", "x"] if name in FAULTS else ["lineage", "model"])
    finished = cli.run_all(calls)
    return {name: (finished[name], (call.cwd / "sprung").exists()) for name, call in calls.items()}


@pytest.mark.parametrize("fault", FAULTS)
def test_model_that_cannot_be_trusted_is_refused_and_no_pickle_is_opened(fault: str, answers: dict[str, Any]) -> None:
    finished, is_sprung = answers[fault]
    finished.assert_refused(1, *FAULTS[fault][1])
    assert not is_sprung


@pytest.mark.parametrize("fault", _LINEAGES)
def test_lineage_that_cannot_be_read_is_refused(fault: str, answers: dict[str, Any]) -> None:
    answers[fault][0].assert_refused(1, *_LINEAGES[fault][1])


def test_the_trap_would_have_sprung(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pickle.loads(pickle.dumps(_Trap()))
    assert (tmp_path / "sprung").is_dir()


_CALLS = {
    **{name: [name, "{}", "a film"] for name in ("predict", "explain", "generate")},
    **{name: [name, "{}"] for name in ("lineage", "serve", "chat")},
    "answer": ["answer", "{}", "documents", "who?"],
    "evaluate": ["evaluate", "{}", "rows.csv"],
    "export": ["export", "{}", "out", "--to", "int8"],
    "predict --file": ["predict", "{}", "--file", "rows.csv", "--out", "out.csv"],
    "serve --draft": ["serve", "model", "--draft", "{}"],
    "tokenizer": ["tokenizer", "{}", "rows.csv"],
}


@pytest.fixture(scope="module")
def wrong_calls(cli: Any, trained: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What commands say of a folder that is not there, and of one of notes and rows."""
    place = tmp_path_factory.mktemp("wrong")
    shutil.copytree(trained[0].model, place / "model")
    for name in ("notes", "documents"):
        (place / name).mkdir()
        (place / name / "notes.txt").write_text("film", encoding="utf-8")
    (place / "rows.csv").write_text("text,label\na film,positive\n", encoding="utf-8")
    calls = {
        f"{name}, {folder}": cli.call(place, [part.format(folder) for part in call])
        for name, call in _CALLS.items()
        for folder in ("nowhere", "notes")
    }
    return dict(cli.run_all(calls))


@pytest.mark.parametrize("command", _CALLS)
def test_folder_that_is_none_of_a_model_is_a_wrong_call(command: str, wrong_calls: dict[str, Any]) -> None:
    wrong_calls[f"{command}, nowhere"].assert_refused(2, "nowhere: there is no such folder")
    wrong_calls[f"{command}, notes"].assert_refused(2, "notes: there is no model in this folder", "finished run")


def test_server_says_of_a_damaged_model_what_other_commands_say(cli: Any, trained: Any, tmp_path: Path) -> None:
    shutil.copytree(trained[0].model, tmp_path / "model")
    (tmp_path / "model" / "config.json").unlink()
    cli.run("serve", "model", cwd=tmp_path).assert_refused(1, *FAULTS["no config"][1])
