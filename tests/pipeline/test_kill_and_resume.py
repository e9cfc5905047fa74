"""Kills real runs with SIGKILL, at random moments and in the middle of writing checkpoints, and compares every loss."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
import torch

from penjing.files import read_json
from penjing.hashing import hash_folder
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import run_recipe
from penjing.progress import Silent
from penjing.train.history import read_history
from penjing.train.trainer import Trainer

SHAPE = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}


def make_recipe(folder: Path, **finetune: Any) -> Recipe:
    """Writes rows, and returns a recipe that writes a checkpoint after every step."""
    rng = random.Random(0)
    words = [f"word{number}" for number in range(60)]
    rows = ["text,label"]
    for _ in range(300):
        label = rng.choice(("good", "bad"))
        rows.append(f"{' '.join([*rng.choices(words, k=rng.randint(4, 20)), label])},{label}")
    (folder / "rows.csv").write_text("\n".join(rows), encoding="utf-8")
    common = {"checkpoint_every_s": 0, "evaluations": 12, "device": "cpu", "average": 0.9, "dropout": 0.1}
    document: dict[str, Any] = {
        "data": {"path": str(folder / "rows.csv")},
        "corpus": {"path": str(folder / "rows.csv")},
        "tokenizer": {"kind": "word", "vocab_size": 300},
        "model": {"family": "bert", "shape": SHAPE},
        "render": {"max_tokens": 24},
        "pretrain": {"objective": "masked", "window_tokens": 16, "batch_tokens": 128, "epochs": 2, **common},
        "finetune": {"epochs": 3, "batch_rows": 16, "learning_rate": 1e-3, **common, **finetune},
        "evaluate": {"resamples": 100},
    }
    return check_recipe(document, "test")


def work(recipe: Recipe, out: Path) -> None:
    """What a child process does."""
    torch.set_num_threads(1)
    run_recipe(recipe, out, Silent(), ["test"])


def losses(out: Path) -> dict[str, list[dict[str, Any]]]:
    """Returns every record of each training but for its time."""
    return {
        file.parent.name.partition("-")[0]: [
            {key: row[key] for key in row if key != "seconds"} for row in read_history(file)
        ]
        for file in out.glob("stages/*/history.jsonl")
    }


def weights(out: Path) -> bytes:
    return (out / "model" / "model.safetensors").read_bytes()


def contents(out: Path) -> list[str]:
    """Returns the hash of what each stage wrote."""
    return [entry["content"] for entry in read_json(out / "lineage.json")]


def writes_checkpoint(out: Path, process: BaseProcess) -> bool:
    return any(out.glob(f"stages/*/checkpoints/.step-*.{process.pid}.part"))


def kill(process: BaseProcess, out: Path, after_s: float, *, in_write: bool) -> bool:
    """Kills a process after some seconds, or then at its next checkpoint; returns False if it ended before."""
    moment = time.monotonic() + after_s
    while process.is_alive():
        if time.monotonic() > moment and (not in_write or writes_checkpoint(out, process)):
            process.kill()
            process.join()
            return process.exitcode == -9
        time.sleep(0.0005)
    process.join()
    assert process.exitcode == 0
    return False


@pytest.mark.parametrize(("kills", "in_write"), [(8, 1), pytest.param(20, 3, marks=pytest.mark.slow)])
def test_run_killed_at_random_moments_has_the_losses_of_one_that_was_not(
    kills: int, in_write: int, tmp_path: Path
) -> None:
    assert kill_and_compare(tmp_path, make_recipe(tmp_path), kills, in_write) >= in_write


class Killed(BaseException):
    """Stands for the end of a process."""


def test_run_killed_when_its_model_is_written_trains_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, out = make_recipe(tmp_path), tmp_path / "out"

    def killed_at(name: str) -> None:
        def hash_all(path: Path, **options: Any) -> str:
            if path.name.startswith(name):
                assert (path / "model" / "model.safetensors").is_file()
                raise Killed
            return hash_folder(path, **options)

        with monkeypatch.context() as patch:
            patch.setattr("penjing.pipeline.store.hash_folder", hash_all)
            with pytest.raises(Killed):
                run_recipe(recipe, out, Silent(), ["test"])

    taken, step = [], Trainer._step

    def note_step(trainer: Trainer, bar: Any) -> dict[str, Any]:
        taken.append(trainer._name)
        return step(trainer, bar)

    monkeypatch.setattr(Trainer, "_step", note_step)
    killed_at("pretrain")
    killed_at("finetune")
    run_recipe(recipe, out, Silent(), ["test"])
    for name, records in losses(out).items():
        assert [row["step"] for row in records if "loss" in row] == list(range(1, taken.count(name) + 1))
    assert not [*out.glob("stages/*/checkpoints"), *out.glob("stages/*/best.safetensors"), *out.glob("stages/*/.*")]


@pytest.mark.parametrize("base", [None, pytest.param("int4", marks=pytest.mark.slow)])
def test_killed_run_with_adapters_has_the_losses_and_the_adapter_of_one_that_was_not(
    tmp_path: Path, base: str | None
) -> None:
    kill_and_compare(tmp_path, make_recipe(tmp_path, lora={"rank": 4, "dropout": 0.1, "base": base}), 3)
    whole, *killed = (path.read_bytes() for path in sorted(tmp_path.glob("*/adapter/*.safetensors"), reverse=True))
    assert killed
    assert all(adapter == whole for adapter in killed)


def test_killed_run_that_learns_from_a_teacher_has_the_losses_of_one_that_was_not(
    small_recipe: Callable[..., dict[str, Any]], small_run: Any, tmp_path: Path
) -> None:
    recipe = small_recipe(tmp_path)
    (tmp_path / "texts.txt").write_text("\n".join(f"warm camera {number}" for number in range(60)), encoding="utf-8")
    distill = {"teacher": str(small_run.model), "unlabelled": {"path": str(tmp_path / "texts.txt")}}
    recipe["finetune"] |= {"batch_rows": 8, "epochs": 3, "checkpoint_every_s": 0, "average": 0.9, "distill": distill}
    kill_and_compare(tmp_path, check_recipe(recipe, "student"), 2)


@pytest.mark.parametrize("task", ["generate", "chat"])
def test_killed_run_beside_a_teacher_has_the_losses_of_one_that_was_not(
    teacher_recipe: Callable[..., dict[str, Any]],
    student_recipe: Callable[..., dict[str, Any]],
    tmp_path: Path,
    task: str,
) -> None:
    if task == "chat":
        pytest.importorskip("bm25s", reason="the baseline of dialogues is not installed")
    recipe = teacher_recipe(tmp_path, task)
    teacher = run_recipe(check_recipe(recipe, "teacher"), tmp_path / "teacher", Silent(), ["test"])
    document = student_recipe(recipe, teacher.model, temperature=2.0)
    document["finetune"] |= {"batch_rows": 4, "checkpoint_every_s": 0, "evaluations": 4, "average": 0.9, "epochs": 5}
    kill_and_compare(tmp_path, check_recipe(document, "student"), 2)


@pytest.mark.parametrize("family", ["t5", "llama"])
def test_killed_run_that_learns_to_write_has_the_losses_of_one_that_was_not(
    pair_recipe: Callable[..., dict[str, Any]], tmp_path: Path, family: str
) -> None:
    recipe = pair_recipe(tmp_path, family)
    recipe["finetune"] |= {"epochs": 3, "checkpoint_every_s": 0, "evaluations": 6, "average": 0.9, "dropout": 0.1}
    kill_and_compare(tmp_path, check_recipe(recipe, "numbers"), 3)


def test_killed_run_that_learns_to_answer_has_the_losses_of_one_that_was_not(
    question_recipe: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    recipe = question_recipe(tmp_path)
    recipe["finetune"] |= {"batch_rows": 16, "epochs": 2, "checkpoint_every_s": 0, "evaluations": 6, "average": 0.9}
    recipe["finetune"] |= {"dropout": 0.1}
    kill_and_compare(tmp_path, check_recipe(recipe, "questions"), 3)


@pytest.mark.parametrize("family", ["sasrec", "two_tower"])
def test_killed_run_that_learns_what_comes_next_has_the_losses_of_one_that_was_not(
    event_recipe: Callable[..., dict[str, Any]], tmp_path: Path, family: str
) -> None:
    recipe = event_recipe(tmp_path, family)
    recipe["finetune"] |= {"epochs": 3, "checkpoint_every_s": 0, "evaluations": 6, "average": 0.9}
    kill_and_compare(tmp_path, check_recipe(recipe, "things"), 2)


def test_killed_run_that_learns_preferences_has_the_losses_of_one_that_was_not(
    preference_recipe: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    recipe = preference_recipe(tmp_path)
    recipe["finetune"] |= {"batch_rows": 8, "epochs": 3, "checkpoint_every_s": 0, "evaluations": 4, "dropout": 0.1}
    kill_and_compare(tmp_path, check_recipe(recipe, "backwards"), 2)


def kill_and_compare(tmp_path: Path, recipe: Recipe, most_kills: int, least_in_writes: int = 0) -> int:
    """Compares runs that are killed with one that is not; returns how often a checkpoint was just being written.

    There are up to 40 kills more, until that was so often enough.
    """
    context = multiprocessing.get_context("forkserver")
    late = ("sklearn.linear_model", "sklearn.feature_extraction.text")  # what a run imports on its way
    context.set_forkserver_preload([__name__, "penjing.pipeline.run", *late])

    def start(out: Path) -> BaseProcess:
        process = context.Process(target=work, args=(recipe, out))
        process.start()
        return process

    whole = start(tmp_path / "whole")
    whole.join()
    assert whole.exitcode == 0
    expected = losses(tmp_path / "whole")
    assert min(len(records) for records in expected.values()) > 40

    rng = random.Random(1)
    kills = in_writes = runs = 0

    def is_enough() -> bool:
        return kills >= most_kills and (in_writes >= least_in_writes or kills >= most_kills + 40)

    while not is_enough():
        runs += 1
        out = tmp_path / f"killed-{runs}"
        while not is_enough():
            process = start(out)
            if not kill(process, out, rng.uniform(0.1, 1.5), in_write=kills % 2 == 0):
                break
            kills += 1
            in_writes += writes_checkpoint(out, process)
        last = start(out)
        last.join()
        assert last.exitcode == 0
        assert losses(out) == expected
        assert weights(out) == weights(tmp_path / "whole")
        assert contents(out) == contents(tmp_path / "whole")
        assert [path.name for path in out.glob(".*")] == [".lock"]
    print(f"{kills} kills, {in_writes} of them while a checkpoint was written, in {runs} runs")
    return in_writes
