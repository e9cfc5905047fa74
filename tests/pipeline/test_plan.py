from __future__ import annotations

import copy
import multiprocessing
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from penjing.pipeline import plan as planning
from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import run_recipe
from penjing.progress import Silent


def pretrained(document: dict[str, Any], corpus: Path) -> Recipe:
    """Returns a recipe with all nine stages."""
    document["corpus"] = {"path": str(corpus)}
    document["vectors"] = {"epochs": 1}
    settings = {"window_tokens": 8, "batch_tokens": 256, "epochs": 1, "device": "cpu", "compile": "off"}
    document["pretrain"] = {"objective": "masked", **settings}
    return check_recipe(document, "test")


def test_plan_counts_what_the_run_then_finds(tmp_path: Path, small_recipe: Any) -> None:
    pytest.importorskip("gensim")
    recipe, out = pretrained(small_recipe(tmp_path, "bert"), tmp_path / "reviews.csv"), tmp_path / "out"
    plan = make_plan(recipe, out, Silent())
    done = run_recipe(recipe, out, Silent(), ["test"]).artifacts
    assert [stage.name for stage in plan.stages] == list(done)
    for name in ("data", "corpus", "tokenizer", "shards", "examples"):
        assert plan.facts(name) == done[name].facts
    assert plan.facts("examples")["splits"]["train"]["cut_tokens"] > 0
    for name in ("pretrain", "finetune"):
        for fact in ("steps", "parameters"):
            assert plan.facts(name)[fact] == done[name].facts[fact]
    assert plan.corpus_share == 1
    assert plan.seconds > 0
    assert plan.peak_memory_mb > 50


@pytest.mark.slow
def test_plan_reckons_memory_within_15_percent_where_weights_take_most(
    tmp_path: Path, language_recipe: Callable[[Path], dict[str, Any]]
) -> None:
    document = language_recipe(tmp_path)
    shape = {"hidden_size": 768, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 2048}
    document["model"] = {"family": "llama", "shape": shape}
    document["pretrain"] |= {"window_tokens": 16, "batch_tokens": 256, "epochs": 0.5, "recompute": True}
    document["pretrain"] |= {"precision": "fp32", "compile": "off", "device": "cpu", "evaluations": 2}
    recipe, out = check_recipe(document, "test"), tmp_path / "out"
    # Each in a process of its own: what this one has freed is not given back.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as processes:
        planned = processes.submit(planned_mb, recipe, out).result()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as processes:
        taken = processes.submit(taken_mb, recipe, out).result()
    assert planned["pretrain"] > 1000
    for name, memory in taken.items():
        assert planned[name] == pytest.approx(memory, rel=0.15), name


def planned_mb(recipe: Recipe, out: Path) -> dict[str, int]:
    """Returns what a plan says of each stage."""
    return {stage.name: stage.peak_memory_mb for stage in make_plan(recipe, out, Silent()).stages}


def taken_mb(recipe: Recipe, out: Path) -> dict[str, int]:
    """Returns what each stage of a run took."""
    done = run_recipe(recipe, out, Silent(), ["test"]).artifacts
    return {name: artifact.record["peak_memory_mb"] for name, artifact in done.items()}


def test_plan_leaves_nothing_behind(tmp_path: Path, small_recipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    make_plan(check_recipe(small_recipe(tmp_path), "test"), tmp_path / "out", Silent())
    assert not (tmp_path / "out").exists()
    assert list((tmp_path / "temporary").iterdir()) == []


def test_plan_finds_what_is_done_and_knows_what_a_change_brings(small_run: Any, small_recipe: Any) -> None:
    document = copy.deepcopy(small_recipe(small_run.out.parent))
    plan = make_plan(check_recipe(document, "test"), small_run.out, Silent())
    assert all(stage.is_done for stage in plan.stages)
    assert plan.seconds == plan.peak_memory_mb == 0
    assert plan.facts("finetune") == small_run.artifacts["finetune"].facts
    document["finetune"]["epochs"] = 1
    plan = make_plan(check_recipe(document, "test"), small_run.out, Silent())
    assert [stage.name for stage in plan.stages if not stage.is_done] == ["finetune", "evaluate"]


def test_large_corpus_is_reckoned_from_its_beginning(
    tmp_path: Path, small_recipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("gensim")
    (tmp_path / "corpus").mkdir()
    for part in range(10):
        lines = "".join(f"a film about the number {1000 * part + n} and the plot of it\n" for n in range(1000))
        (tmp_path / "corpus" / f"{part}.txt").write_text(lines)
    recipe = pretrained(small_recipe(tmp_path, "bert"), tmp_path / "corpus")
    whole = make_plan(recipe, tmp_path / "out", Silent())
    monkeypatch.setattr(planning, "_SAMPLE_BYTES", 10 * len(lines) // 3)
    part = make_plan(recipe, tmp_path / "out", Silent())
    assert whole.corpus_share == 1
    assert part.corpus_share == pytest.approx(0.4, abs=0.01)  # files are read in blocks
    for stage, fact in (("corpus", "documents"), ("shards", "tokens"), ("pretrain", "steps"), ("pretrain", "tokens")):
        assert part.facts(stage)[fact] == pytest.approx(whole.facts(stage)[fact], rel=0.1)
