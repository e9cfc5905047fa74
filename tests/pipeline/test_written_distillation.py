"""A model learns to write what a teacher writes: what that is, where it lies, what is left out, what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import penjing
from penjing.data.reading import iter_texts, read_pairs
from penjing.errors import DataError, Interrupted, RecipeError
from penjing.files import read_json, write_json
from penjing.hashing import hash_file
from penjing.pipeline.check import check_runnable
from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import run_recipe
from penjing.progress import Silent
from penjing.text.shards import open_shard
from penjing.text.tokenizer import load_tokenizer

Make = Callable[..., dict[str, Any]]
FAMILIES = {"t5": "llama", "llama": "t5"}  # teacher → student


def student(folder: Path, pair_recipe: Make, family: str, teacher: Path, **more: Any) -> dict[str, Any]:
    """Writes texts without targets, one of which is a training text, and returns the recipe of a student."""
    recipe = pair_recipe(folder, family)
    known = (folder / "pairs.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[0]
    texts = ["text", known, *(f"{n} one {m}" for n in ("two", "three", "four") for m in ("five", "six", "seven"))]
    (folder / "texts.csv").write_text("\n".join(texts), encoding="utf-8")
    distill = {"teacher": str(teacher), "unlabelled": {"path": str(folder / "texts.csv")}, **more}
    recipe["finetune"] |= {"epochs": 1, "distill": distill}
    return {**recipe, "name": "student"}


def run(recipe: dict[str, Any], out: Path) -> Any:
    return run_recipe(check_recipe(recipe, recipe["name"]), out, Silent(), ["test"])


@pytest.fixture(scope="module", params=["t5", "llama"])
def taught(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    pair_recipe: Make,
    pair_run_of: Callable[[str], Any],
) -> tuple[Any, Any]:
    """A teacher's and its student's finished run; nobody may change them."""
    folder, teacher = tmp_path_factory.mktemp("written"), pair_run_of(request.param)
    return teacher, run(student(folder, pair_recipe, FAMILIES[request.param], teacher.model), folder / "out")


def lessons(folder: Path, tokenizer: Path) -> list[str]:
    """Returns the rows of a shard as texts."""
    shard, known = open_shard(folder), load_tokenizer(tokenizer)
    return [known.decode(shard.row(row).tolist()) for row in range(shard.rows)]


def test_the_student_learns_what_the_teacher_writes_to_rows_and_other_texts(taught: tuple[Any, Any]) -> None:
    teacher, done = taught[0], taught[1].artifacts
    texts = read_pairs(done["data"].folder, "train").texts
    more = [text for batch in iter_texts(done["unlabelled"].folder / "texts.parquet") for text in batch]
    model: Any = penjing.load(teacher.model, "cpu")
    answers = model.write([*texts, *more])
    kept = [item for item in answers if item.is_complete and item.written.strip()]
    facts = done["teach"].facts
    assert facts["targets"]["learned"] == len(kept) > 0
    assert sum(facts["targets"].values()) == len(texts) + len(more)
    others = [text for split in ("validation", "test") for text in read_pairs(done["data"].folder, split).texts]
    assert facts["rows"] == len(answers) + len(others)
    learned = lessons(done["teach"].folder / "train", done["tokenizer"].folder)
    for row, item in zip(learned, kept, strict=True):
        assert item.text in row
        assert item.written in row


def test_the_teacher_is_in_card_lineage_and_report_with_its_scores(taught: tuple[Any, Any], read_page: Any) -> None:
    teacher, done = taught
    theirs = done.evaluation["teachers"]["1"]
    assert theirs["scores"]["bleu"] == teacher.evaluation["scores"]["bleu"]
    card = read_json(done.model / "penjing.json")
    entry = next(entry for entry in card["lineage"] if entry["stage"] == "teach")
    assert ["model.safetensors", hash_file(teacher.model / "model.safetensors")] in entry["files"]
    assert card["distill"]["targets"] == done.artifacts["teach"].facts["targets"]
    assert (card["distill"]["truth"], card["distill"]["beams"]) == (False, None)
    text = read_page(done.report.read_text(encoding="utf-8")).text
    for words in ("Teacher 1", "Targets that the teacher wrote", f"{card['distill']['targets']['learned']} learned"):
        assert words in text


def test_the_true_targets_are_learned_too_where_that_is_asked_for(
    tmp_path: Path, pair_recipe: Make, pair_run_of: Callable[[str], Any]
) -> None:
    steps = {}
    for truth in (False, True):
        recipe = student(tmp_path, pair_recipe, "t5", pair_run_of("t5").model, truth=truth)
        recipe["report"] = {"language": "zh"}
        done = run(recipe, tmp_path / "out")
        assert done.artifacts["teach"].skipped == truth  # what is learned of it changes none of its answers
        steps[truth] = done.artifacts["finetune"].facts["steps"]
        assert ("与真实的目标一起学" if truth else "代替真实的目标") in done.report.read_text(encoding="utf-8")
    assert steps[True] > steps[False]
    again = run(student(tmp_path, pair_recipe, "t5", pair_run_of("t5").model, beams=1), tmp_path / "out")
    assert not again.artifacts["teach"].skipped


def test_a_stopped_stage_goes_on_after_the_texts_that_were_answered(
    tmp_path: Path, pair_recipe: Make, pair_run_of: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penjing.pipeline.kinds.written_targets._PART_ROWS", 50)
    recipe = student(tmp_path, pair_recipe, "t5", pair_run_of("t5").model)
    whole = run(recipe, tmp_path / "whole")

    def stopped(out: Path) -> Path:
        """Stops a run after the first part, and returns what was written down of that."""

        class StopLate(Silent):
            def should_stop(self) -> bool:
                return any(out.glob("stages/teach-*.part/parts/train-000000.json"))

        with pytest.raises(Interrupted):
            run_recipe(check_recipe(recipe, "student"), out, StopLate(), ["test"])
        (left,) = out.glob("stages/teach-*.part/parts/*.json")
        return left

    stopped(tmp_path / "out")
    resumed = run(recipe, tmp_path / "out")
    for stage in ("teach", "finetune"):
        assert resumed.artifacts[stage].content == whole.artifacts[stage].content  # to the bit
    left = stopped(tmp_path / "changed")
    rows = read_json(left)
    write_json(left, [[text, "eins", True] for text, *_ in rows])  # it is seen below that this was not asked again
    done = run(recipe, tmp_path / "changed").artifacts
    found = lessons(done["teach"].folder / "train", done["tokenizer"].folder)
    assert all("eins" in row for row in found[: len(rows)])


def test_a_plan_counts_the_teacher_and_leaves_nothing(
    tmp_path: Path, pair_recipe: Make, pair_run_of: Callable[[str], Any]
) -> None:
    recipe = check_recipe(student(tmp_path, pair_recipe, "llama", pair_run_of("t5").model), "student")
    stages = {stage.name: stage for stage in make_plan(recipe, tmp_path / "out", Silent()).stages}
    assert stages["teach"].seconds > 0
    splits = stages["examples"].facts["splits"]
    texts = stages["unlabelled"].facts["texts"]
    assert stages["teach"].facts["rows"] == sum(split["rows"] for split in splits.values()) + texts
    assert not (tmp_path / "out").exists()


def test_what_cannot_teach_is_refused(
    tmp_path: Path, pair_recipe: Make, pair_run_of: Callable[[str], Any], small_bert_run: Any
) -> None:
    with pytest.raises(RecipeError, match="its answers are not those of the task translate"):
        check_runnable(check_recipe(student(tmp_path, pair_recipe, "t5", small_bert_run.model), "student"))
    summary = {**student(tmp_path, pair_recipe, "t5", pair_run_of("t5").model), "task": "summarize"}
    with pytest.raises(RecipeError, match="it is for the task translate"):
        check_runnable(check_recipe(summary, "student"))
    untaught = pair_recipe(tmp_path, "t5")
    untaught["finetune"] |= {"epochs": 0.05}
    untaught["write"] = {"max_tokens": 1, "beams": 1}  # no text with its end has room
    teacher = run(untaught, tmp_path / "untaught")
    with pytest.raises(DataError, match="none can be learned"):
        run(student(tmp_path, pair_recipe, "t5", teacher.model), tmp_path / "out")
