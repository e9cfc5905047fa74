from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from penjing.data.engine import EngineSettings
from penjing.errors import DataError, UsageError
from penjing.files import write_json
from penjing.hashing import hash_folder
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.stage import Artifact, Stage, StageContext
from penjing.pipeline.stages.corpus import CORPUS
from penjing.pipeline.stages.data import DATA
from penjing.pipeline.stages.evaluate import EVALUATE
from penjing.pipeline.store import Store, locked
from penjing.progress import Silent


def test_which_files_are_evaluation_texts_decides_a_corpus(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.txt").write_text(f"text {name}\n", encoding="utf-8")
    a, b, c = (str(tmp_path / f"{name}.txt") for name in "abc")
    folders = set()
    for path, without in (([a, b], [c]), ([a], [b, c])):
        recipe = check_recipe({"corpus": {"path": path, "without": {"path": without}}, "pretrain": {}}, "r")
        store = Store(tmp_path / "out", recipe)
        folders.add(store._target(CORPUS, store._ingredients(CORPUS, {})))
    assert len(folders) == 2


def test_a_model_in_a_folder_decides_a_corpus_by_its_content_and_not_by_its_place(tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("a text\n", encoding="utf-8")

    def key(model: str, language: str = "en") -> str:
        personal = {"action": "mask", "kinds": ["person"], "models": {language: model}}
        corpus = {"path": str(tmp_path / "texts.txt"), "personal": personal}
        store = Store(tmp_path / "out", check_recipe({"corpus": corpus, "pretrain": {}}, "r"))
        return store._target(CORPUS, store._ingredients(CORPUS, {})).name

    for name, content in (("a", "1"), ("b", "1"), ("c", "2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.cfg").write_text(content, encoding="utf-8")
    a, b, c = (str(tmp_path / name) for name in "abc")
    assert key(a) == key(b) != key(c)
    assert len({key(a), key(a, "de"), key("pytest"), key("hypothesis")}) == 4  # of a package name and version count


def test_engine_reaches_the_stages_and_is_no_part_of_what_is_made(tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_text("".join(f"text number {number}\n" for number in range(40)), encoding="utf-8")
    corpus = {"path": str(path), "normalize": {"mojibake": False}}
    recipe = check_recipe({"corpus": corpus, "pretrain": {"objective": "causal"}}, "r")
    seen: list[EngineSettings] = []

    def noting(context: StageContext) -> dict[str, Any]:
        seen.append(context.engine)
        return CORPUS.run(context)

    stage, two = replace(CORPUS, run=noting), EngineSettings(workers=2)
    made = Store(tmp_path / "out", recipe, two).complete(stage, {}, Silent())
    assert (made.skipped, seen) == (False, [two])
    assert Store(tmp_path / "out", recipe).complete(stage, {}, Silent()).skipped
    alone = Store(tmp_path / "alone", recipe).complete(stage, {}, Silent())
    assert (alone.content, alone.record["key"]) == (made.content, made.record["key"])


class Stages:
    """Three stages that note when they run: the name, its upper case, how many letters that has."""

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.fails = False
        self.first = Stage("first", (), lambda recipe: [recipe.name, recipe.seed], self._first)
        self.second = Stage("second", ("first",), lambda recipe: None, self._second)
        self.third = Stage("third", ("second",), lambda recipe: recipe.task, self._third)

    def _first(self, context: StageContext) -> dict[str, Any]:
        self.runs.append("first")
        (context.folder / "letters").write_text(context.recipe.name, encoding="utf-8")
        return {}

    def _second(self, context: StageContext) -> dict[str, Any]:
        self.runs.append("second")
        assert list(context.folder.iterdir()) == []
        (context.folder / "upper").write_text((context.inputs["first"] / "letters").read_text().upper())
        if self.fails:
            raise DataError("this stage fails")
        return {}

    def _third(self, context: StageContext) -> dict[str, Any]:
        self.runs.append("third")
        (context.folder / "count").write_text(str(len((context.inputs["second"] / "upper").read_text())))
        return {"letters": 1}

    def run(self, out: Path, **changes: Any) -> tuple[list[str], dict[str, Artifact]]:
        """Returns the stages that were run, and all artifacts."""
        self.runs = []
        store, done = Store(out, recipe(**changes)), {}
        for stage in (self.first, self.second, self.third):
            done[stage.name] = store.complete(stage, done, Silent())
        return self.runs, done


def recipe(**changes: Any) -> Recipe:
    return check_recipe({"name": "abc", "data": {"path": "x.csv"}, **changes}, "test")


@pytest.fixture
def path() -> Stages:
    return Stages()


def test_what_is_done_is_not_done_again(path: Stages, tmp_path: Path) -> None:
    assert path.run(tmp_path)[0] == ["first", "second", "third"]
    runs, done = path.run(tmp_path)
    assert runs == []
    assert all(artifact.skipped for artifact in done.values())
    assert done["third"].facts == {"letters": 1}


def test_changed_setting_runs_that_stage_and_those_after_it(path: Stages, tmp_path: Path) -> None:
    path.run(tmp_path)
    assert path.run(tmp_path, task="sentiment")[0] == ["third"]
    assert path.run(tmp_path, name="abcd")[0] == ["first", "second", "third"]


def test_stage_that_comes_to_the_same_again_stops_the_rest_from_running(path: Stages, tmp_path: Path) -> None:
    path.run(tmp_path)
    assert path.run(tmp_path, seed=1)[0] == ["first"]
    assert path.run(tmp_path, name="ABC")[0] == ["first", "second"]


def test_going_back_finds_what_was_there(path: Stages, tmp_path: Path) -> None:
    before = path.run(tmp_path)[1]
    path.run(tmp_path, name="other")
    runs, after = path.run(tmp_path)
    assert runs == []
    assert {name: a.folder for name, a in after.items()} == {name: a.folder for name, a in before.items()}


def test_stage_that_fails_leaves_no_artifact_and_starts_from_an_empty_folder(path: Stages, tmp_path: Path) -> None:
    path.fails = True
    for _ in range(2):
        with pytest.raises(DataError):
            path.run(tmp_path)
        assert sorted(folder.name[:6] for folder in (tmp_path / "stages").iterdir()) == ["first-", "second"]
        assert len(list((tmp_path / "stages").glob("second-*.part"))) == 1
    path.fails = False
    assert path.run(tmp_path)[0] == ["second", "third"]
    assert not list((tmp_path / "stages").glob("*.part"))


def test_resumable_stage_finds_what_it_left(tmp_path: Path) -> None:
    def work(context: StageContext) -> dict[str, Any]:
        mark = context.folder / "mark"
        if not mark.exists():
            mark.touch()
            raise DataError("killed")
        return {"went_on": True}

    stage = Stage("long", (), lambda recipe: None, work, is_resumable=True)
    with pytest.raises(DataError):
        Store(tmp_path, recipe()).complete(stage, {}, Silent())
    assert Store(tmp_path, recipe()).complete(stage, {}, Silent()).facts == {"went_on": True}


class Killed(BaseException):
    """Stands for the end of a process."""


def test_what_a_stage_goes_on_from_is_removed_once_its_folder_is_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked = []

    def work(context: StageContext) -> dict[str, Any]:
        done = context.folder / "steps" / "done"
        if not done.exists():
            worked.append(1)
            done.parent.mkdir()
            done.touch()
        (context.folder / "result").write_text("whole", encoding="utf-8")
        return {}

    stage = Stage("long", (), lambda recipe: None, work, is_resumable=True, scratch=("steps", "gone"))
    for name in ("hash_folder", "replace_folder", "remove_whole"):  # the last: killed when all is in place
        with monkeypatch.context() as patch:
            patch.setattr(f"penjing.pipeline.store.{name}", _kill)
            with pytest.raises(Killed):
                Store(tmp_path, recipe()).complete(stage, {}, Silent())
    found = Store(tmp_path, recipe()).complete(stage, {}, Silent())
    assert (len(worked), found.skipped) == (1, True)
    assert {path.name for path in found.folder.iterdir()} == {"result", "lineage.json"}
    assert found.content == hash_folder(found.folder, leave_out=frozenset({"lineage.json"}))


def test_what_a_killed_write_left_is_no_part_of_what_is_made(tmp_path: Path) -> None:
    def work(context: StageContext) -> dict[str, Any]:
        model = context.folder / "model"
        model.mkdir(exist_ok=True)
        (model / "weights").write_text("whole", encoding="utf-8")
        if context.folder.parent.parent.name == "killed" and not (model / ".weights.999.part").exists():
            (model / ".weights.999.part").write_text("ha", encoding="utf-8")
            (context.folder / ".other.999.part").mkdir()
            raise DataError("killed")
        return {}

    stage = Stage("long", (), lambda recipe: None, work, is_resumable=True)
    clean = Store(tmp_path / "clean", recipe()).complete(stage, {}, Silent())
    with pytest.raises(DataError):
        Store(tmp_path / "killed", recipe()).complete(stage, {}, Silent())
    again = Store(tmp_path / "killed", recipe()).complete(stage, {}, Silent())
    assert again.content == clean.content
    assert [path.name for path in (again.folder / "model").iterdir()] == ["weights"]
    assert {path.name for path in again.folder.iterdir()} == {"model", "lineage.json"}


def _kill(*arguments: Any, **options: Any) -> None:
    raise Killed


def test_changed_source_file_counts_and_its_time_does_not(tmp_path: Path) -> None:
    source = tmp_path / "rows.csv"
    source.write_text("a")
    runs = []

    def work(context: StageContext) -> dict[str, Any]:
        runs.append(source.read_text())
        return {}

    stage = Stage("data", (), lambda recipe: None, work, files=lambda recipe: [source])
    for text in ("a", "b", "b", "a"):
        source.write_text(text)
        Store(tmp_path / "out", recipe()).complete(stage, {}, Silent())
    assert runs == ["a", "b"]


def test_second_process_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from penjing.pipeline.store import locked\n"
        "with locked(Path(sys.argv[1])): print('in', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "in\n"
        with pytest.raises(UsageError, match="another run is working in this folder"), locked(tmp_path):
            pass
        other.stdin.close()
        other.wait(30)
    with locked(tmp_path):
        pass


def test_only_what_writes_chinese_with_wordpiece_is_measured_again_when_its_rules_change(tmp_path: Path) -> None:
    def key(task: str, target: str, decoder: str) -> tuple[str, str]:
        folders = {name: tmp_path / f"{task}-{target}-{decoder}" / name for name in ("data", "finetune")}
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        rows = {"text": [target]} if task == "generate" else {"text": ["中文"], "target": [target]}
        pq.write_table(pa.table({**rows, "source": ["中.csv"]}), folders["data"] / "test.parquet")
        write_json(folders["finetune"] / "model" / "tokenizer.json", {"decoder": {"type": decoder}})
        done = {name: Artifact(name, folder, {"content": "x"}, skipped=True) for name, folder in folders.items()}
        family = "t5" if task != "classify" else "bert"
        recipe = check_recipe({"task": task, "data": {"path": "x.csv"}, "model": {"family": family}}, "r")
        store = Store(tmp_path, recipe)
        before = store._ingredients(replace(EVALUATE, rules=lambda recipe, folders: {}), done)
        assert "rules" not in before
        return store._target(EVALUATE, store._ingredients(EVALUATE, done)).name, store._target(EVALUATE, before).name

    for again in (("summarize", "写中文", "WordPiece"), ("generate", "写 English 和中文", "WordPiece")):
        now, before = key(*again)
        assert now != before
    for kept in (
        ("summarize", "English", "WordPiece"),
        ("summarize", "写中文", "ByteLevel"),
        ("generate", "English", "WordPiece"),
        ("classify", "中文", "WordPiece"),
    ):
        now, before = key(*kept)
        assert now == before


def test_a_key_without_rules_is_the_hash_that_finished_runs_have(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("text,label\na,b\n", encoding="utf-8")
    rows = {"path": str(tmp_path / "x.csv")}
    recipe = check_recipe({"task": "classify", "data": rows, "model": {"family": "bert"}}, "r")
    for stage in (DATA, EVALUATE):
        ingredients = Store(tmp_path, recipe)._ingredients(stage, {})
        assert ingredients.keys() == {"version", "settings", "files", "inputs"}
