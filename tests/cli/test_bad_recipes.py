"""Wrong calls and wrong recipes: refused with exit code 2 before anything is read or written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

RECIPE = "small.toml"
#: What is called, and what the paragraph must say.
CALLS: dict[str, tuple[list[str], list[str]]] = {
    "unknown key, the nearest named": (
        ["run", RECIPE, "--set", "finetune.epoch=3"],
        ["small.toml: unknown key [finetune] epoch", 'Did you mean "epochs"?'],
    ),
    "unknown section, the nearest named": (
        ["run", RECIPE, "--set", "finetun.epochs=3"],
        ["small.toml: unknown key finetun.", 'Did you mean "finetune"?'],
    ),
    "wrong type": (
        ["run", RECIPE, "--set", "finetune.epochs=many"],
        ["small.toml: [finetune] epochs is 'many'", "a valid number"],
    ),
    "value out of range": (
        ["plan", RECIPE, "--set", "finetune.epochs=-1"],
        ["small.toml: [finetune] epochs is -1", "greater than 0"],
    ),
    "TOML with a fault of syntax": (["run", "broken.toml"], ["broken.toml: this is not TOML", "line 2"]),
    "recipe that is not there": (["run", "nope.toml"], ["nope.toml: there is no such recipe", "quickstart"]),
    "folder in the place of a recipe": (["run", "."], ["this is a folder"]),
    "recipe below a file": (["run", "rows.csv/small.toml"], ["rows.csv/small.toml: it cannot be read"]),
    "setting without a value": (
        ["run", RECIPE, "--set", "finetune"],
        ['"finetune" is no setting', "--set finetune.epochs=5"],
    ),
    "setting inside of a value": (["run", RECIPE, "--set", "name.first=3"], ['"name" is a value, not a section']),
    "language that the report does not have": (["run", RECIPE, "--lang", "fr"], ["language is 'fr'", "'en' or 'zh'"]),
    "family that is not known": (
        ["run", RECIPE, "--set", "model.family=gru"],
        ['"gru"', "Known are: bert, llama, lstm"],
    ),
    "GPU where there is none": (
        ["run", RECIPE, "--set", "finetune.device=cuda"],
        ['"cuda" was asked for, but PyTorch sees no GPU', "auto or cpu"],
    ),
    "start that is not there": (["run", RECIPE, "--set", "model.start=nope"], ["nope: there is no such folder"]),
    "run inside of a file": (
        ["run", RECIPE, "--out", "rows.csv/run"],
        ["--out rows.csv/run", "is a file, not a folder", "another --out"],
    ),
    "command that is not known": (["runn", RECIPE], ["No such command 'runn'", "See penjing --help"]),
    "option that is not known": (["run", RECIPE, "--epochs", "3"], ["No such option: --epochs", "penjing run --help"]),
    "call without its argument": (["predict"], ["Missing argument 'MODEL'", "penjing predict --help"]),
    "option out of range": (
        ["evaluate", "runs/small/model", "rows.csv", "--resamples", "3"],
        ["'--resamples'", "100"],
    ),
}


@pytest.fixture(scope="module")
def place(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    copy = trained[0].copy_to(tmp_path_factory.mktemp("recipes"))
    (copy.folder / "broken.toml").write_text('name = "a"\n[data\n', encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def before(place: Any) -> set[Path]:
    return set(place.folder.rglob("*"))


@pytest.fixture(scope="module")
def answers(cli: Any, place: Any, before: set[Path]) -> dict[str, Any]:
    no_gpu = {"GPU where there is none": ("env", "CUDA_VISIBLE_DEVICES=")}
    return cli.run_all(
        {name: cli.call(place.folder, args, prefix=no_gpu.get(name, ())) for name, (args, _) in CALLS.items()}
    )


@pytest.mark.parametrize("case", CALLS)
def test_wrong_call_or_recipe_ends_with_2_and_one_paragraph(case: str, answers: dict[str, Any]) -> None:
    answers[case].assert_refused(2, *CALLS[case][1])


def test_wrong_calls_write_nothing_and_keep_the_good_run(
    answers: dict[str, Any], before: set[Path], place: Any, trained: Any
) -> None:
    assert place.published() == trained[0].published()
    assert set(place.folder.rglob("*")) == before


def test_call_without_a_command_shows_the_help_and_ends_with_2(cli: Any, tmp_path: Path) -> None:
    finished = cli.run(cwd=tmp_path)
    assert (finished.code, finished.out) == (2, "")
    assert finished.err.startswith("Usage: penjing ")
