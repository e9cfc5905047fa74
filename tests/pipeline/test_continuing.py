"""A run that is made longer goes on from where the shorter one began to decay, and comes to the same, to the bit."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from penjing.errors import Interrupted, RecipeError
from penjing.files import read_json, write_json
from penjing.hashing import hash_file
from penjing.inference.learned import Learned
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import RunResult, run_recipe
from penjing.pipeline.stage import RECORD
from penjing.progress import Silent, SilentBar
from penjing.tasks.card import read_learned
from penjing.train.history import HISTORY, read_history

SHAPE = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}


class Heard(Silent):
    """Remembers what is said, and stops after so many steps of pretraining."""

    def __init__(self, steps: int = 10**9) -> None:
        self.lines: list[str] = []
        self._left, self._is_training = steps, False

    def bar(self, name: str, total: float | None = None, unit: str = "rows") -> SilentBar:
        self._is_training = name == "pretrain"
        return SilentBar()

    def say(self, text: str) -> None:
        self.lines.append(text)

    def should_stop(self) -> bool:
        self._left -= self._is_training
        return self._left < 0


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    rng = random.Random(0)
    words = [f"word{number}" for number in range(60)]
    lines = [" ".join(rng.choices(words, k=rng.randint(10, 30))) for _ in range(300)]
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def recipe(texts: Path, **pretrain: Any) -> Recipe:
    settings = {
        "objective": "causal",
        "window_tokens": 16,
        "batch_tokens": 128,
        "schedule": "wsd",
        "checkpoint_every_s": 60,
        "dropout": 0.1,
        "optimizer": "muon",
        "device": "cpu",
        **pretrain,
    }
    document: dict[str, Any] = {
        "corpus": {"path": str(texts), "held_out": 0.1},
        "tokenizer": {"kind": "word", "vocab_size": 300},
        "model": {"family": "llama", "shape": SHAPE},
        "pretrain": settings,
        "evaluate": {"resamples": 100},
    }
    return check_recipe(document, "test")


def losses(result: RunResult) -> list[dict[str, Any]]:
    records = read_history(result.artifacts["pretrain"].folder / HISTORY)
    return [{key: row[key] for key in row if key != "seconds"} for row in records if "loss" in row]


def test_a_run_made_longer_is_the_same_to_the_bit_as_one_planned_so_long(texts: Path, tmp_path: Path) -> None:
    run_recipe(recipe(texts, epochs=2), tmp_path / "a", Silent(), [])
    heard = Heard()
    longer = run_recipe(recipe(texts, epochs=3), tmp_path / "a", heard, [])
    (going_on,) = (line for line in heard.lines if "going on from step" in line)
    assert "no longer the same" not in going_on
    planned = run_recipe(recipe(texts, epochs=3), tmp_path / "b", Silent(), [])
    assert losses(longer) == losses(planned)
    weights = [hash_file(result.model / "model.safetensors") for result in (longer, planned)]
    assert weights[0] == weights[1]


def test_a_run_made_shorter_decays_from_what_is_there(texts: Path, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        run_recipe(recipe(texts, epochs=4), tmp_path / "a", Heard(100), [])
    heard = Heard()
    shorter = run_recipe(recipe(texts, epochs=3), tmp_path / "a", heard, [])
    assert any("going on from step" in line for line in heard.lines)
    planned = run_recipe(recipe(texts, epochs=3), tmp_path / "b", Silent(), [])
    assert losses(shorter) == losses(planned)


def test_other_settings_begin_anew(texts: Path, tmp_path: Path) -> None:
    run_recipe(recipe(texts, epochs=2), tmp_path / "a", Silent(), [])
    for change in ({"learning_rate": 3e-4}, {"window_tokens": 32}, {"optimizer": "adamw"}, {"schedule": "linear"}):
        heard = Heard()
        run_recipe(recipe(texts, **{"epochs": 3, **change}), tmp_path / "a", heard, [])
        assert not any("going on" in line for line in heard.lines), change


def test_an_interrupted_run_goes_on_with_other_batches_and_says_that_it_is_not_the_same(
    texts: Path, tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        run_recipe(recipe(texts, epochs=2, schedule="linear"), tmp_path / "a", Heard(60), [])
    heard = Heard()
    result = run_recipe(recipe(texts, epochs=2, schedule="linear", batch_tokens=64), tmp_path / "a", heard, [])
    (going_on,) = (line for line in heard.lines if "going on from step" in line)
    assert "no longer the same to the bit" in going_on
    assert "the rows of a batch (8, now 4)" in going_on
    steps = [row["step"] for row in losses(result)]
    assert steps == list(range(1, steps[-1] + 1))
    read = [row["tokens"] for row in losses(result)]
    planned = run_recipe(recipe(texts, epochs=2, schedule="linear", batch_tokens=64), tmp_path / "b", Silent(), [])
    assert abs(read[-1] - losses(planned)[-1]["tokens"]) <= 3 * 128  # each epoch's last batch is filled up
    assert load_file(result.model / "model.safetensors")


def test_a_finished_run_is_not_continued_with_other_batches(texts: Path, tmp_path: Path) -> None:
    run_recipe(recipe(texts, epochs=2), tmp_path / "a", Silent(), [])
    heard = Heard()
    run_recipe(recipe(texts, epochs=2, batch_tokens=64), tmp_path / "a", heard, [])
    assert not any("going on" in line for line in heard.lines)


def test_a_run_of_half_an_epoch_warmed_up_faster_and_the_longer_one_says_that_it_begins_anew(
    texts: Path, tmp_path: Path
) -> None:
    run_recipe(recipe(texts, epochs=0.5), tmp_path / "a", Silent(), [])
    heard = Heard()
    run_recipe(recipe(texts, epochs=1), tmp_path / "a", heard, [])
    assert not any("going on" in line for line in heard.lines)
    assert any("differs in its length alone" in line and "begins anew" in line for line in heard.lines)


def test_a_run_of_one_epoch_that_was_stopped_is_made_shorter(texts: Path, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        run_recipe(recipe(texts, epochs=1), tmp_path / "a", Heard(20), [])
    heard = Heard()
    shorter = run_recipe(recipe(texts, epochs=0.8), tmp_path / "a", heard, [])
    assert any("going on from step 2" in line for line in heard.lines), heard.lines
    planned = run_recipe(recipe(texts, epochs=0.8), tmp_path / "b", Silent(), [])
    assert losses(shorter) == losses(planned)


def test_an_interrupted_run_that_goes_on_with_other_steps_says_so(texts: Path, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        run_recipe(recipe(texts, epochs=2), tmp_path / "a", Heard(20), [])
    heard = Heard()
    run_recipe(recipe(texts, epochs=2, accumulate=2), tmp_path / "a", heard, [])
    (going_on,) = (line for line in heard.lines if "going on from step" in line)
    assert "no longer the same to the bit" in going_on
    assert "the batches of a step (1, now 2)" in going_on


def test_texts_that_fill_no_window_are_no_validation_and_that_is_said(texts: Path, tmp_path: Path) -> None:
    heard = Heard()
    result = run_recipe(recipe(texts, epochs=1, window_tokens=128), tmp_path / "a", heard, [])
    assert not any("held-out texts do not fill" in line for line in heard.lines)
    assert "validation_loss" in result.artifacts["pretrain"].facts["best"]
    few = texts.with_name("few.txt")
    few.write_text("\n".join(texts.read_text(encoding="utf-8").splitlines()[:30]), encoding="utf-8")
    result = run_recipe(recipe(few, epochs=1, window_tokens=128), tmp_path / "b", heard, [])
    assert any("held-out texts do not fill one window of 128 tokens" in line for line in heard.lines)
    assert result.artifacts["pretrain"].facts["best"] == {}


def test_texts_that_fill_no_batch_are_read_whole_in_each_step_and_that_is_said(texts: Path, tmp_path: Path) -> None:
    heard = Heard()
    run_recipe(recipe(texts, epochs=1), tmp_path / "a", heard, [])
    assert not any("fewer tokens than a batch" in line for line in heard.lines)
    result = run_recipe(recipe(texts, epochs=1, batch_tokens=10**6), tmp_path / "b", heard, [])
    assert any("fewer tokens than a batch of 1,000,000" in line for line in heard.lines)
    facts = result.artifacts["pretrain"].facts
    assert (facts["steps"], facts["tokens"], facts["twice_tokens"]) == (1, facts["batch_tokens"], 0)


def test_a_decoder_has_as_many_positions_as_it_saw_and_is_measured_in_them(texts: Path, tmp_path: Path) -> None:
    result = run_recipe(recipe(texts, epochs=1), tmp_path / "a", Silent(), [])
    assert read_json(result.model / "config.json")["max_position_embeddings"] == 16
    assert read_learned(result.model) == Learned("causal", 16)


def test_what_was_taken_over_stands_in_the_record(texts: Path, tmp_path: Path) -> None:
    first = run_recipe(recipe(texts, epochs=2), tmp_path / "a", Silent(), [])
    assert first.artifacts["pretrain"].facts["adopted"] is None
    longer = run_recipe(recipe(texts, epochs=3), tmp_path / "a", Silent(), [])
    adopted = longer.artifacts["pretrain"].facts["adopted"]
    assert adopted["run"] == first.artifacts["pretrain"].folder.name
    assert adopted["changed"] == ["epochs"]
    assert 0 < adopted["step"] < losses(longer)[-1]["step"]


def test_the_record_of_another_version_is_left_alone(texts: Path, tmp_path: Path) -> None:
    folder = run_recipe(recipe(texts, epochs=2), tmp_path / "a", Silent(), []).artifacts["pretrain"].folder
    record = read_json(folder / RECORD)
    del record["settings"][1]["optimizer"]
    write_json(folder / RECORD, record)
    heard = Heard()
    run_recipe(recipe(texts, epochs=3), tmp_path / "a", heard, [])
    assert not any("going on" in line for line in heard.lines)


def test_patience_beside_wsd_is_refused(texts: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="patience, which would end the run before"):
        run_recipe(recipe(texts, patience=3), tmp_path / "a", Silent(), [])
