from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from penjing.files import read_json
from penjing.hashing import hash_file, hash_folder, hash_json
from penjing.pipeline.recipe_file import check_recipe, load_recipe
from penjing.pipeline.run import RunResult, run_recipe
from penjing.progress import Silent


class Workplace:
    """A folder with reviews and a run of them that may be changed.

    Attributes:
        folder: holds ``reviews.csv`` and ``out``.
        recipe: what was run.
    """

    def __init__(self, folder: Path, recipe: dict[str, Any]) -> None:
        self.folder, self.recipe, self.out = folder, recipe, folder / "out"

    def run(self, **changes: Any) -> RunResult:
        return run_recipe(check_recipe({**self.recipe, **changes}, "test"), self.out, Silent(), ["test"])


@pytest.fixture
def workplace(tmp_path: Path, small_run: Any, small_recipe: Any) -> Workplace:
    shutil.copytree(small_run.out.parent, tmp_path / "work")
    return Workplace(tmp_path / "work", small_recipe(tmp_path / "work"))


def rerun(result: RunResult) -> list[str]:
    return [name for name, artifact in result.artifacts.items() if not artifact.skipped]


def test_run_leaves_model_report_and_lineage(small_run: RunResult) -> None:
    assert {path.name for path in small_run.model.iterdir()} == {
        *("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "penjing.json")
    }
    assert "a lovely film" in small_run.report.read_text(encoding="utf-8")
    assert [entry["stage"] for entry in read_json(small_run.out / "lineage.json")] == list(small_run.artifacts)
    assert [prediction.text for prediction in small_run.predictions] == ["a lovely film"]


def test_lineage_leads_from_the_raw_file_to_the_weights_and_every_hash_is_true(small_run: RunResult) -> None:
    entries = {entry["stage"]: entry for entry in read_json(small_run.out / "lineage.json")}
    assert entries["data"]["files"] == [["reviews.csv", hash_file(small_run.out.parent / "reviews.csv")]]
    for name, entry in entries.items():
        folder = small_run.artifacts[name].folder
        assert entry["content"] == hash_folder(folder, leave_out=frozenset({"lineage.json", "history.jsonl"}))
        assert entry["key"] == hash_json({key: entry[key] for key in ("version", "settings", "files", "inputs")})
        assert all(content == entries[source]["content"] for source, content in entry["inputs"].items())
    card = read_json(small_run.model / "penjing.json")
    assert card["weights"] == hash_file(small_run.model / "model.safetensors")
    assert card["lineage"] == list(entries.values())
    assert card["scores"] == small_run.evaluation["scores"]
    stored = small_run.artifacts["finetune"].folder / "model"
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        assert hash_file(small_run.model / name) == hash_file(stored / name)


def test_second_run_does_nothing_and_touches_no_artifact(workplace: Workplace) -> None:
    def times() -> dict[Path, int]:
        files = [*(workplace.out / "stages").rglob("*"), *(workplace.out / "model").rglob("*")]
        return {path: path.stat().st_mtime_ns for path in files}

    assert rerun(workplace.run()) == []  # the copy's own paths do not count
    before = times()
    assert rerun(workplace.run()) == []
    assert times() == before


def test_only_what_a_setting_decides_runs_again(workplace: Workplace) -> None:
    base = workplace.recipe
    assert rerun(workplace.run(report={"language": "zh"})) == []
    assert rerun(workplace.run(evaluate={"resamples": 200})) == ["evaluate"]
    assert rerun(workplace.run(finetune={**base["finetune"], "epochs": 1})) == ["finetune", "evaluate"]
    assert rerun(workplace.run(render={"max_tokens": 12})) == ["examples", "finetune", "evaluate"]
    assert rerun(workplace.run()) == []
    assert rerun(workplace.run(finetune={**base["finetune"], "checkpoint_every_s": 1})) == []


def test_changed_row_runs_everything_again(workplace: Workplace) -> None:
    reviews = workplace.folder / "reviews.csv"
    reviews.write_text(reviews.read_text(encoding="utf-8").replace(" 17,", " film 17,"), encoding="utf-8")
    assert rerun(workplace.run()) == ["data", "tokenizer", "examples", "finetune", "evaluate"]


def test_going_back_brings_the_earlier_model_back(workplace: Workplace) -> None:
    weights = workplace.out / "model/model.safetensors"
    before = weights.read_bytes()
    workplace.run(finetune={**workplace.recipe["finetune"], "epochs": 1})
    assert weights.read_bytes() != before
    workplace.run()
    assert weights.read_bytes() == before


def test_comment_in_the_recipe_changes_nothing(workplace: Workplace) -> None:
    recipe = workplace.folder / "small.toml"
    text = 'name = "small"\n[data]\npath = "reviews.csv"\n[model]\nfamily = "lstm"\n'
    keys = []
    for written in (text, "# a remark\n\n" + text.replace("[data]", "[data]  # of labelled rows"), text):
        recipe.write_text(written, encoding="utf-8")
        keys.append(load_recipe(recipe))
    assert keys[0] == keys[1] == keys[2]


def test_published_model_that_was_lost_is_published_again(workplace: Workplace) -> None:
    shutil.rmtree(workplace.out / "model")
    (workplace.out / ".model.123.old").mkdir()
    (workplace.out / ".report.html.123.part").touch()
    assert rerun(workplace.run()) == []
    assert (workplace.out / "model/model.safetensors").is_file()
    assert [path.name for path in (workplace.out).glob(".*")] == [".lock"]
