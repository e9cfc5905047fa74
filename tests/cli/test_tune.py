from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from penjing.pipeline.recipe_file import load_recipe

pytest.importorskip("optuna", reason="Optuna is not installed")
pytest.importorskip("tomli_w", reason="tomli-w is not installed")
COMMAND = [sys.executable, "-m", "penjing", "tune", "small.toml", "--out", "out", "--trials"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, small_recipe: Any) -> Path:
    import tomli_w

    folder = tmp_path_factory.mktemp("tune")
    values = small_recipe(folder)
    values["finetune"]["compile"] = "off"
    values["tune"] = {"finetune.learning_rate": {"low": 1e-3, "high": 3e-2, "log": True}}
    (folder / "small.toml").write_text(tomli_w.dumps(values), encoding="utf-8")
    return folder


def call(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *more], cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def test_killed_search_goes_on_and_tells_what_it_found(folder: Path) -> None:
    with subprocess.Popen([*COMMAND, "3"], cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert any(line.startswith("trial 2/3: finetune.learning_rate = ") for line in process.stderr)
        os.kill(process.pid, signal.SIGKILL)
    done = call(folder, "3", "--json", "--lang", "zh")
    assert done.returncode == 0, done.stderr
    assert "trial 1/3" not in done.stderr
    found = json.loads(done.stdout)
    assert [trial["number"] for trial in found["trials"]] == [1, 2, 3]
    assert sum(found["counts"].values()) == 3
    assert found["counts"]["waiting"] == 0
    best = load_recipe(folder / found["recipe"])
    assert best.finetune.learning_rate == found["best"]["settings"]["finetune.learning_rate"]
    assert set(found["scores"]) == {"loss", "accuracy", "macro_f1", "auroc", "ece"}
    assert "调参" in (folder / found["page"]).read_text(encoding="utf-8")
    assert (folder / found["model"]).is_dir()
    again = call(folder, "3")
    assert again.returncode == 0, again.stderr
    assert "measured once" in again.stdout
    assert "trial" not in again.stderr


def test_wrong_spaces_are_one_paragraph(folder: Path) -> None:
    for key, said in (
        ("tune.finetune={learning_rat=[1,2]}", 'Did you mean "finetune.learning_rate"'),
        ("tune={}", "there is nothing to search"),
    ):
        done = call(folder, "1", "--set", key)
        assert done.returncode == 2
        assert done.stdout == ""
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1
