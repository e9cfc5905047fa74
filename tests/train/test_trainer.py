from __future__ import annotations

import json
import shutil
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from penjing import sitting
from penjing.errors import Interrupted, TrainingError
from penjing.files import read_json, write_beside, write_json
from penjing.models.native.training import training_library
from penjing.progress import Silent
from penjing.text.renderer import Rendered
from penjing.text.shards import TokenShard, write_shard
from penjing.train import adamw, trainer
from penjing.train.adamw import adamw_library
from penjing.train.batches import RowBatches
from penjing.train.checkpoint import list_checkpoints
from penjing.train.history import read_history
from penjing.train.job import TrainingJob
from penjing.train.measuring import measure
from penjing.train.objectives.classification import ClassificationObjective
from penjing.train.settings import FinetuneSettings
from penjing.train.state import TrainingResult
from penjing.train.trainer import Trainer

VOCABULARY = 40


class BagOfWords(nn.Module):
    """The smallest real classifier: mean of embeddings, dropout, a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.embeddings = nn.Embedding(VOCABULARY, 16)
        self.dropout = nn.Dropout(0.2)
        self.classifier = nn.Linear(16, 2)

    @property
    def input_embeddings(self) -> nn.Embedding:
        return self.embeddings

    def forward(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        weights = torch.ones_like(ids, dtype=torch.float32) if mask is None else mask.float()
        summed = (self.embeddings(ids) * weights[..., None]).sum(1)
        return self.classifier(self.dropout(summed / weights.sum(1, keepdim=True)))


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> TokenShard:
    """Rows whose label says whether token 7 is in them."""
    rng = np.random.default_rng(0)
    rows, labels = [], []
    for _ in range(300):
        ids = rng.integers(10, VOCABULARY, size=rng.integers(3, 12)).tolist()
        label = int(rng.integers(2))
        rows.append(Rendered([2, *ids, 7, 3] if label else [2, *ids, 3], [], 0))
        labels.append(label)
    folder = tmp_path_factory.mktemp("shard")
    return write_shard(folder, [(rows, labels)], vocab_size=VOCABULARY, unknown_id=1, fingerprint="f")


class StopAfter(Silent):
    """Asks to stop after so many steps."""

    def __init__(self, steps: int) -> None:
        self._left = steps
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def should_stop(self) -> bool:
        self._left -= 1
        return self._left <= 0


def train(shard: TokenShard, folder: Path, progress: Any = None, seed: int = 0, **changes: Any) -> TrainingResult:
    folder.mkdir(exist_ok=True)
    settings = FinetuneSettings(
        **{"epochs": 3, "learning_rate": 3e-3, "batch_rows": 16, "precision": "fp32", "device": "cpu", **changes}
    )
    torch.manual_seed(seed)
    job = TrainingJob(
        "train",
        BagOfWords(),
        ClassificationObjective(),
        RowBatches(shard, 0, settings.batch_tokens, settings.batch_rows, seed),
        RowBatches(shard, 0, settings.batch_tokens, 64, seed, shuffled=False),
        settings,
        settings.learning_rate or 0.0,
        seed,
    )
    return Trainer(job, folder, progress or Silent()).run()


def losses(folder: Path) -> list[tuple[int, float]]:
    return [(row["step"], row["loss"]) for row in read_history(folder / "history.jsonl") if "loss" in row]


def test_training_learns_and_keeps_the_best_weights(shard: TokenShard, tmp_path: Path) -> None:
    result = train(shard, tmp_path, epochs=10, learning_rate=3e-2)
    assert result.best["validation_accuracy"] > 0.95
    evaluated = [row for row in read_history(tmp_path / "history.jsonl") if "validation_loss" in row]
    assert result.best["validation_accuracy"] == max(row["validation_accuracy"] for row in evaluated)
    network = BagOfWords()
    network.load_state_dict(load_file(tmp_path / "best.safetensors"))
    rows = RowBatches(shard, 0, 8192, 64, 0, shuffled=False)  # as in training: sums depend on it
    again = measure(network, ClassificationObjective(), rows, torch.device("cpu"), torch.float32, 0)
    assert again == {key: result.best[key] for key in again}


@pytest.mark.parametrize("changes", [{}, {"accumulate": 3}, {"average": 0.9}, {"precision": "bf16"}])
def test_stopped_run_resumes_to_the_same_losses_to_the_bit(
    shard: TokenShard, tmp_path: Path, changes: dict[str, Any]
) -> None:
    whole = train(shard, tmp_path / "whole", **changes)
    for steps in (5, 4, 1):
        with pytest.raises(Interrupted) as stopped:
            train(shard, tmp_path / "parts", StopAfter(steps), **changes)
        assert stopped.value.exit_code == 130
    parts = train(shard, tmp_path / "parts", **changes)
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    assert parts.best == whole.best
    first, second = ((tmp_path / name / "best.safetensors").read_bytes() for name in ("whole", "parts"))
    assert first == second


def test_a_young_average_follows_faster_and_then_as_it_was_told(shard: TokenShard, tmp_path: Path) -> None:
    def weights(name: str, epochs: float, average: float) -> tuple[Tensor, Tensor]:
        folder = tmp_path / f"{name}-{average}"
        train(shard, folder, epochs=epochs, average=average, warmup=0, schedule="wsd", decay=1e-9, weight_decay=0)
        (last,) = (folder / "checkpoints").iterdir()
        kept = load_file(last / "optimizer.safetensors").get("average.classifier.weight", torch.empty(0))
        return load_file(last / "network.safetensors")["classifier.weight"], kept

    torch.manual_seed(0)
    expected = BagOfWords().classifier.weight.detach()
    batches = len(RowBatches(shard, 0, 8192, 16, 0).plan(0))
    for step in range(3):
        now, average = weights(f"{step}", (step + 1) / batches, 0.15)
        expected = expected.lerp(now, 1 - min(0.15, (1 + step) / (10 + step)))
        torch.testing.assert_close(average, expected)


def test_a_full_card_is_named_and_the_last_checkpoint_stays(
    shard: TokenShard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Interrupted):
        train(shard, tmp_path, StopAfter(3))
    before = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())

    def fill(*_: Any) -> None:  # there is no card here to fill
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(ClassificationObjective, "loss", fill)
    with pytest.raises(TrainingError, match=r"memory is full.*2\.00 GiB") as raised:
        train(shard, tmp_path)
    assert "recompute = true" in str(raised.value)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == before


def test_a_resumed_run_counts_the_energy_of_all_sittings(
    shard: TokenShard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = count()  # a joule at every reading; this machine may have no counter
    monkeypatch.setattr(sitting, "read_energy_j", lambda: float(next(readings)))
    whole = train(shard, tmp_path / "whole")
    with pytest.raises(Interrupted):
        train(shard, tmp_path / "parts", StopAfter(5))
    assert train(shard, tmp_path / "parts").energy_j == whole.energy_j == whole.steps


def test_going_on_in_another_precision_is_said(shard: TokenShard, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        train(shard, tmp_path, StopAfter(5))
    listener = StopAfter(10**9)
    train(shard, tmp_path, listener, precision="bf16")
    assert listener.said == [
        "train: going on from step 5; no longer the same to the bit as without the stop: "
        "changed: the precision (fp32, now bf16)"
    ]


def test_going_on_where_another_compiler_was_is_said(shard: TokenShard, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        train(shard, tmp_path, StopAfter(5))
    (state,) = tmp_path.glob("checkpoints/*/state.json")
    write_json(state, {**read_json(state), "compiling": "PyTorch 2.0"})
    listener = StopAfter(10**9)
    train(shard, tmp_path, listener)
    assert listener.said[0].endswith("changed: what compiles a step (PyTorch 2.0, now nothing)")


def test_going_on_without_the_compiler_that_was_there_is_said(
    shard: TokenShard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if training_library() is None:
        pytest.skip("no C++ compiler here")
    with pytest.raises(Interrupted):
        train(shard, tmp_path, StopAfter(5), precision="bf16")
    listener = StopAfter(10**9)
    monkeypatch.setattr(trainer, "training_library", lambda: None)
    train(shard, tmp_path, listener, precision="bf16")
    assert listener.said[0].endswith("changed: by what a layer's steps are computed (compiled, now PyTorch)")


def test_going_on_from_weights_that_pytorch_changed_is_said(
    shard: TokenShard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if adamw_library() is None:
        pytest.skip("no C++ compiler here")
    with monkeypatch.context() as without:
        without.setattr(adamw, "adamw_library", lambda: None)
        with pytest.raises(Interrupted):
            train(shard, tmp_path, StopAfter(5))
    (checkpoint,) = (tmp_path / "checkpoints").iterdir()
    state = json.loads((checkpoint / "state.json").read_text())
    del state["stepping"]  # older versions had no other
    (checkpoint / "state.json").write_text(json.dumps(state))
    listener = StopAfter(10**9)
    train(shard, tmp_path, listener)
    assert listener.said[0].endswith("changed: by what weights are changed (PyTorch, now compiled)")


def test_going_on_with_another_number_of_threads_is_allowed_and_said(shard: TokenShard, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    with pytest.raises(Interrupted):
        train(shard, tmp_path, StopAfter(5))
    listener = StopAfter(10**9)
    try:
        torch.set_num_threads(before + 1)
        result = train(shard, tmp_path, listener)
    finally:
        torch.set_num_threads(before)
    assert result.steps > 5
    assert listener.said[0].endswith(f"changed: the number of threads ({before}, now {before + 1})")


def test_best_weights_newer_than_the_checkpoint_are_put_back(shard: TokenShard, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        train(shard, tmp_path, StopAfter(30), evaluations=6)
    best = tmp_path / "best.safetensors"
    before = best.read_bytes()
    with write_beside(best) as beside:
        save_file({name: torch.zeros_like(tensor) for name, tensor in load_file(best).items()}, beside)
    with pytest.raises(Interrupted):
        train(shard, tmp_path, StopAfter(1), evaluations=6)
    assert best.read_bytes() == before


def test_accumulated_gradients_equal_those_of_one_large_batch(shard: TokenShard, tmp_path: Path) -> None:
    class Plain(RowBatches):
        def plan(self, epoch: int) -> list[Any]:
            rows = np.arange(64)
            return [rows] if self.whole else [rows[:40], rows[40:50], rows[50:]]

    weights = {}
    for whole in (True, False):
        torch.manual_seed(0)
        network = BagOfWords()
        network.dropout.p = 0.0
        batches = Plain(shard, 0, 10_000, 64, 0)
        batches.whole = whole  # type: ignore[attr-defined]
        settings = FinetuneSettings(epochs=1, accumulate=1 if whole else 3, precision="fp32", device="cpu")
        folder = tmp_path / str(whole)
        folder.mkdir()
        job = TrainingJob("train", network, ClassificationObjective(), batches, None, settings, 5e-4, 0)
        Trainer(job, folder, Silent()).run()
        weights[whole] = network.classifier.weight.detach().clone()
    torch.testing.assert_close(weights[True], weights[False], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("accumulate", [1, 8, 100])
def test_run_of_a_part_of_an_epoch_reads_no_more_and_learns_in_every_step(
    shard: TokenShard, tmp_path: Path, accumulate: int
) -> None:
    batches = RowBatches(shard, 0, 8192, 16, 0)
    plan = batches.plan(0)
    epochs = 9.5 / len(plan)  # of which the last batch is read whole
    result = train(shard, tmp_path, epochs=epochs, accumulate=accumulate)
    read = [batches.load(rows) for rows in plan[:10]]
    assert result.tokens == sum(batch.ids.numel() if batch.mask is None else int(batch.mask.sum()) for batch in read)
    assert result.steps == -(-10 // accumulate)
    assert min(row["learning_rate"] for row in read_history(tmp_path / "history.jsonl") if "loss" in row) > 0


def test_patience_stops_early(shard: TokenShard, tmp_path: Path) -> None:
    result = train(shard, tmp_path, epochs=40, evaluations=80, patience=3)
    assert result.stopped_early
    assert result.steps < 40 * 19


def test_loss_that_is_not_a_number_stops_with_what_to_do(shard: TokenShard, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"step \d+: the (loss|gradient) is not a number.*learning_rate"):
        train(shard, tmp_path, learning_rate=1e30, warmup=0, clip_norm=1e30)


def test_history_drops_what_a_killed_run_wrote_after_its_checkpoint(shard: TokenShard, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        train(shard, tmp_path, StopAfter(4))
    with (tmp_path / "history.jsonl").open("a") as file:
        file.write('{"step": 5, "loss": 123.0}\n{"step": 6, "lo')
    train(shard, tmp_path)
    assert [step for step, _ in losses(tmp_path)] == list(range(1, len(losses(tmp_path)) + 1))
    assert all(loss < 100 for _, loss in losses(tmp_path))


def test_broken_checkpoint_is_refused_with_its_folder(shard: TokenShard, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        train(shard, tmp_path, StopAfter(3))
    weights = next((tmp_path / "checkpoints").glob("step-*/network.safetensors"))
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(TrainingError, match=r"step-00000003.*cannot be read"):
        train(shard, tmp_path)


def test_checkpoint_that_is_half_removed_is_none(
    shard: TokenShard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remove_one(folder: Path, **options: Any) -> None:
        for file in sorted(folder.glob("network.*")) if folder.is_dir() else ():
            file.unlink()
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", remove_one)
        with pytest.raises(KeyboardInterrupt):
            train(shard, tmp_path, checkpoint_every_s=0)
    kept = list_checkpoints(tmp_path / "checkpoints")
    assert kept
    assert all((checkpoint / "network.safetensors").is_file() for checkpoint in kept)
    (kept[-1] / "state.json").unlink()
    assert list_checkpoints(tmp_path / "checkpoints") == kept[:-1]
