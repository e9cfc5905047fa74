"""Training only the rows that occur gives the network that training all of them gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from penjing.errors import Interrupted
from penjing.models.bert import BERT
from penjing.models.llama import LLAMA
from penjing.models.lstm import LSTM
from penjing.models.t5 import T5
from penjing.progress import Silent
from penjing.text.renderer import Rendered
from penjing.text.shards import TokenShard, write_shard
from penjing.train import used_rows
from penjing.train.adamw import OnePassAdamW, adamw_library
from penjing.train.batches import RowBatches
from penjing.train.job import TrainingJob
from penjing.train.objectives.classification import ClassificationObjective
from penjing.train.settings import FinetuneSettings
from penjing.train.trainer import Trainer

VOCABULARY = 500
SHAPES: dict[str, dict[str, Any]] = {
    "bert": {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32},
    "llama": {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32},
    "lstm": {"embedding_size": 16, "hidden_size": 16},
    # Its decoder begins with a token that is in no row.
    "t5": {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2, "decoder_start_token_id": 300},
}


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TokenShard]:
    """Training rows of ids below 100, validation rows of ids up to 150: most of the vocabulary never occurs."""
    rng, found = np.random.default_rng(0), {}
    for name, rows, highest in (("train", 64, 100), ("validation", 16, 150)):
        texts = [
            Rendered([2, *rng.integers(10, highest, size=rng.integers(3, 9)).tolist(), 3], [], 0) for _ in range(rows)
        ]
        labels = rng.integers(2, size=rows).tolist()
        folder = tmp_path_factory.mktemp(name)
        found[name] = write_shard(folder, [(texts, labels)], vocab_size=VOCABULARY, unknown_id=1, fingerprint="f")
    return found


def build(family: str, shards: dict[str, TokenShard], **changes: Any) -> TrainingJob:
    architecture = {"bert": BERT, "llama": LLAMA, "lstm": LSTM, "t5": T5}[family]
    config = architecture.config_from_dict({**SHAPES[family], "vocab_size": VOCABULARY, "pad_token_id": 0})
    network = architecture.classifier(config, 2)
    architecture.initialize(network, config, 0)
    known = {
        "epochs": 2,
        "batch_rows": 16,
        "precision": "fp32",
        "weight_decay": 0,
        "average": 0.9,
        "evaluations": 2,
        "device": "cpu",
    }
    settings = FinetuneSettings.model_validate({**known, **changes})
    objective = ClassificationObjective(token_dropout=0.2, mask_id=4, special_ids=frozenset(range(5)))
    batches = RowBatches(shards["train"], 0, 8192, 16, 0)
    validation = RowBatches(shards["validation"], 0, 8192, 16, 0, shuffled=False)
    return TrainingJob("train", network, objective, batches, validation, settings, 1e-2, 0)


@pytest.mark.parametrize("family", ["bert", "llama", "lstm", "t5"])
def test_narrowed_training_ends_in_the_same_weights_as_whole_training(
    family: str, shards: dict[str, TokenShard], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow, whole = build(family, shards), build(family, shards)
    (tmp_path / "narrow").mkdir(), (tmp_path / "whole").mkdir()
    Trainer(narrow, tmp_path / "narrow", Silent()).run()
    monkeypatch.setattr(used_rows, "_WORTH_IT", 0.0)
    Trainer(whole, tmp_path / "whole", Silent()).run()
    expected = dict(whole.network.named_parameters())
    for name, parameter in narrow.network.named_parameters():
        torch.testing.assert_close(
            parameter, expected[name], atol=1e-5, rtol=1e-4, msg=lambda text, n=name: f"{n}: {text}"
        )


def test_rows_that_never_occur_stay_as_they_were(shards: dict[str, TokenShard], tmp_path: Path) -> None:
    job = build("lstm", shards, weight_decay=0.5)
    words: Any = job.network
    before = words.input_embeddings.weight.detach().clone()
    Trainer(job, tmp_path, Silent()).run()
    after = words.input_embeddings.weight
    assert after.shape == before.shape
    assert torch.equal(after[200:], before[200:])
    assert not torch.equal(after[10:100], before[10:100])


def test_only_used_rows_are_trained(shards: dict[str, TokenShard], tmp_path: Path) -> None:
    job = build("lstm", shards)
    trainer = Trainer(job, tmp_path, Silent())
    used = len(set(shards["train"].tokens) | set(shards["validation"].tokens) | {0, 4})
    words: Any = job.network
    assert words.input_embeddings.weight.shape == (used, 16)
    trainer.run()
    assert words.input_embeddings.weight.shape == (VOCABULARY, 16)


class _StopAtOnce(Silent):
    def should_stop(self) -> bool:
        return True


def test_network_is_whole_again_after_an_interruption(shards: dict[str, TokenShard], tmp_path: Path) -> None:
    job = build("lstm", shards)
    with pytest.raises(Interrupted):
        Trainer(job, tmp_path, _StopAtOnce()).run()
    words: Any = job.network
    assert words.input_embeddings.weight.shape == (VOCABULARY, 16)


def test_id_that_was_not_announced_is_an_error_and_not_another_word(
    shards: dict[str, TokenShard], tmp_path: Path
) -> None:
    job = build("lstm", shards)
    Trainer(job, tmp_path, Silent())
    with pytest.raises(IndexError):
        job.network(torch.tensor([[2, 400, 3]]), None)


@pytest.mark.parametrize("family", ["bert", "llama", "lstm", "t5"])
@pytest.mark.parametrize("worth_it", [0.0, 0.75])
def test_gradients_of_rows_alone_change_no_bit(
    family: str, worth_it: float, shards: dict[str, TokenShard], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With clipping, for which all gradients are summed up; T5 looks words up twice in a step."""
    if adamw_library() is None:
        pytest.skip("no C++ compiler here")
    monkeypatch.setattr(used_rows, "_WORTH_IT", worth_it)
    found, by_rows = [], []
    for is_on in (True, False):
        if not is_on:
            monkeypatch.setattr(used_rows, "_learns_by_rows", lambda *_: False)
        job, folder = build(family, shards, clip_norm=0.05, weight_decay=0.1), tmp_path / str(is_on)
        folder.mkdir()
        trainer = Trainer(job, folder, Silent())
        by_rows.append(getattr(job.network.input_embeddings, "by_rows", False))  # type: ignore[union-attr]
        trainer.run()
        found.append((folder / "history.jsonl").read_text().replace(" ", ""))
        found.append({name: weight.detach().clone() for name, weight in job.network.named_parameters()})
    assert by_rows == [True, False]
    assert [line.split('"seconds"')[0] for line in found[0].splitlines()] == [
        line.split('"seconds"')[0] for line in found[2].splitlines()
    ]
    for name, weight in found[1].items():
        assert torch.equal(weight, found[3][name]), name


def test_lookup_has_the_gradient_of_pytorch() -> None:
    """Ids that come often, padding among them and not, and rows of other widths."""
    draw = torch.Generator().manual_seed(0)
    for padding in (None, 0, 7):
        embeddings = nn.Embedding(20, 24, padding_idx=padding)
        rows = used_rows.UsedRows(embeddings, None, by_rows=True)
        for high in (8, 5):  # of the second, none is 7
            ids = torch.randint(high, (6, 9), generator=draw)
            slope = torch.randn(6, 9, 24, generator=draw)
            (expected,) = torch.autograd.grad(embeddings(ids), embeddings.weight, slope)
            (found,) = torch.autograd.grad(rows(ids), rows.weight, slope)
            assert found.is_sparse
            assert found._nnz() == len(ids.unique())
            assert torch.equal(found.to_dense(), expected)


def test_rows_are_for_an_optimizer_that_takes_them_and_embeddings_that_nothing_else_has(
    shards: dict[str, TokenShard], tmp_path: Path
) -> None:
    job = build("lstm", shards, optimizer="muon")
    words: Any = job.network
    trainer = Trainer(job, tmp_path, Silent())
    assert not words.input_embeddings.by_rows
    trainer.run()
    job = build("lstm", shards)
    words = job.network
    assert used_rows._learns_by_rows(job, words.input_embeddings) == (adamw_library() is not None)
    words.tied = nn.Linear(16, VOCABULARY)
    words.tied.weight = words.input_embeddings.weight
    assert not used_rows._learns_by_rows(job, words.input_embeddings)


def test_a_step_without_any_words_is_a_step_along_zeros() -> None:
    library = adamw_library()
    if library is None:
        pytest.skip("no C++ compiler here")
    rows = used_rows.UsedRows(nn.Embedding(20, 32), None, by_rows=True)
    before = rows.weight.detach().clone()
    rows(torch.zeros(0, 3, dtype=torch.int64)).sum().backward()
    optimizer = OnePassAdamW(
        [{"params": [rows.weight], "lr": 0.1, "weight_decay": 0.0}], (0.9, 0.99), 1e-8, {}, library
    )
    assert optimizer.gradient_norm() == 0
    optimizer.step()
    assert torch.equal(rows.weight, before)
