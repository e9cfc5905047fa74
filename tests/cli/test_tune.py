from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from penjing.pipeline.recipe_file import load_recipe

pytest.importorskip("optuna", reason="Optuna is not installed")
pytest.importorskip("tomli_w", reason="tomli-w is not installed")
COMMAND = ("tune", "small.toml", "--out", "out", "--trials")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, small_recipe: Any) -> Path:
    import tomli_w

    folder = tmp_path_factory.mktemp("tune")
    values = small_recipe(folder)
    values["finetune"]["compile"] = "off"
    values["tune"] = {"finetune.learning_rate": {"low": 1e-3, "high": 3e-2, "log": True}}
    (folder / "small.toml").write_text(tomli_w.dumps(values), encoding="utf-8")
    return folder


def test_killed_search_goes_on_and_tells_what_it_found(cli: Any, folder: Path) -> None:
    process = cli.start(*COMMAND, "3", cwd=folder)
    assert any(line.startswith("trial 2/3: finetune.learning_rate = ") for line in process.stderr)
    process.kill()
    process.communicate()
    done = cli.run(*COMMAND, "3", "--json", "--lang", "zh", cwd=folder)
    assert done.code == 0, done.err
    assert "trial 1/3" not in done.err
    found = json.loads(done.out)
    assert [trial["number"] for trial in found["trials"]] == [1, 2, 3]
    assert sum(found["counts"].values()) == 3
    assert found["counts"]["waiting"] == 0
    best = load_recipe(folder / found["recipe"])
    assert best.finetune.learning_rate == found["best"]["settings"]["finetune.learning_rate"]
    assert set(found["scores"]) == {"loss", "accuracy", "macro_f1", "auroc", "ece"}
    assert "调参" in (folder / found["page"]).read_text(encoding="utf-8")
    assert (folder / found["model"]).is_dir()
    again = cli.run(*COMMAND, "3", cwd=folder)
    assert again.code == 0, again.err
    assert "measured once" in again.out
    assert "trial" not in again.err


def test_wrong_spaces_are_one_paragraph(cli: Any, folder: Path) -> None:
    for key, said in (
        ("tune.finetune={learning_rat=[1,2]}", 'Did you mean "finetune.learning_rate"'),
        ("tune={}", "there is nothing to search"),
    ):
        done = cli.run(*COMMAND, "1", "--set", key, cwd=folder)
        assert done.code == 2
        assert done.out == ""
        assert said in done.err
        assert len(done.err.splitlines()) == 1
