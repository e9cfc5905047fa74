"""What is learned from pairs is what Transformers learns from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from penjing.models.interface import Architecture, OutputLayer
from penjing.models.weights import save_network
from penjing.registry import load_registered
from penjing.train.batches import Batch
from penjing.train.cross_entropy import IGNORED, output_cross_entropy, score_piece
from penjing.train.objectives.writing import AnswerObjective, ContinuationObjective

PAD, END, VOCABULARY = 0, 3, 60
READ = torch.tensor([[7, 8, 9, END], [11, END, PAD, PAD]])
MASK = READ != PAD
WRITTEN = torch.tensor([[20, 21, END], [22, END, IGNORED]])


def network_of(family: str) -> tuple[Architecture, Any, Any]:
    architecture: Architecture = load_registered("models", family)
    sizes = {
        "t5": {"d_model": 32, "d_kv": 16, "d_ff": 48, "num_layers": 2, "num_heads": 2, "dropout_rate": 0.0},
        "llama": {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2},
    }[family]
    values = {**architecture.fresh_shape, **sizes, "vocab_size": VOCABULARY, "pad_token_id": PAD, "eos_token_id": END}
    config = architecture.config_from_dict(values)
    network = architecture.language_model(config)
    architecture.initialize(network, config, 0)
    return architecture, config, network


def test_answers_have_the_loss_and_gradients_of_transformers(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    architecture, config, network = network_of("t5")
    save_network(tmp_path, network, architecture.config_to_dict(config, head="language"))
    theirs = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path)
    expected = theirs(input_ids=READ, attention_mask=MASK.long(), labels=WRITTEN).loss
    expected.backward()
    objective = AnswerObjective(network.decoder_start_id)
    prepared = objective.prepare(Batch(READ, MASK, None, written=WRITTEN), torch.Generator(), 0.0)
    assert (prepared.targets, prepared.tokens) == (5, 6 + 5)
    loss, _ = objective.loss(network, *prepared.tensors)
    (loss / prepared.targets).backward()
    torch.testing.assert_close(loss / 5, expected)
    wanted = dict(theirs.named_parameters())["encoder.block.0.layer.0.SelfAttention.q.weight"].grad
    found = dict(network.named_parameters())["encoder.block.0.layer.0.SelfAttention.q.weight"].grad
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-6)


def test_what_stands_beside_a_pair_in_its_batch_does_not_change_its_loss() -> None:
    _, _, network = network_of("t5")
    objective = AnswerObjective(network.decoder_start_id)

    def loss(rows: slice, read: int, written: int) -> torch.Tensor:
        batch = Batch(READ[rows, :read], MASK[rows, :read], None, written=WRITTEN[rows, :written])
        return objective.loss(network, *objective.prepare(batch, torch.Generator(), 0.0).tensors)[0]

    together = loss(slice(0, 2), 4, 3)
    torch.testing.assert_close(together, loss(slice(0, 1), 4, 3) + loss(slice(1, 2), 2, 2))


def test_a_decoder_learns_what_is_written_and_nothing_of_what_is_read() -> None:
    transformers = pytest.importorskip("transformers")
    architecture, config, network = network_of("llama")
    theirs = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(**architecture.config_to_dict(config, head="language"))
    )
    theirs.load_state_dict(network.state_dict())
    row = torch.tensor([[7, 8, END, 20, 21, END]])
    labels = torch.tensor([[IGNORED, IGNORED, IGNORED, 20, 21, END]])
    expected = theirs(input_ids=row, labels=labels).loss
    objective = ContinuationObjective()
    batch = Batch(row[:, :-1], None, None, written=labels[:, 1:])
    prepared = objective.prepare(batch, torch.Generator(), 0.0)
    assert prepared.targets == 3
    torch.testing.assert_close(objective.loss(network, *prepared.tensors)[0] / 3, expected)


def test_what_a_decoder_learns_of_a_row_does_not_depend_on_the_padding_behind_it() -> None:
    _, _, network = network_of("llama")
    row = torch.tensor([[7, 8, END, 20, 21]])
    labels = torch.tensor([[IGNORED, IGNORED, 20, 21, END]])
    objective = ContinuationObjective()

    def learn(padding: int) -> list[torch.Tensor]:
        ids, written = F.pad(row, (0, padding)), F.pad(labels, (0, padding), value=IGNORED)
        batch = Batch(ids, F.pad(torch.ones_like(row, dtype=torch.bool), (0, padding)), None, written=written)
        loss, _ = objective.loss(network, *objective.prepare(batch, torch.Generator(), 0.0).tensors)
        return [loss, *torch.autograd.grad(loss, list(network.parameters()))]

    for found, alone in zip(learn(3), learn(0), strict=True):
        torch.testing.assert_close(found, alone)


@pytest.mark.parametrize("smoothing", [0.1, 0.5])
@pytest.mark.parametrize("has_bias", [False, True])
def test_smoothed_loss_and_gradients_are_those_of_pytorch(smoothing: float, has_bias: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    targets = torch.tensor([1, 5, IGNORED, 2])
    parts = [torch.randn(shape, generator=generator) for shape in ((4, 6), (9, 6), (9,))]
    states, weight, bias = (part.requires_grad_() for part in parts)
    layer = OutputLayer(states, weight, bias if has_bias else None)
    expected = F.cross_entropy(
        F.linear(states, weight, bias if has_bias else None),
        targets,
        reduction="sum",
        label_smoothing=smoothing,
        ignore_index=IGNORED,
    )
    inputs = [states, weight, *([bias] if has_bias else [])]
    wanted = torch.autograd.grad(expected, inputs)

    def score(*piece: Any) -> Any:
        return score_piece(*piece, smoothing=smoothing)

    loss, right = output_cross_entropy(layer, targets, score)
    torch.testing.assert_close(loss, expected)
    for found, gradient in zip(torch.autograd.grad(loss, inputs), wanted, strict=True):
        torch.testing.assert_close(found, gradient)
    assert int(right) == int((F.linear(*layer).argmax(-1) == targets).sum())


def test_smoothing_is_for_training_alone() -> None:
    _, _, network = network_of("t5")
    plain, smoothed = AnswerObjective(network.decoder_start_id), AnswerObjective(network.decoder_start_id, 0.3)
    tensors = plain.prepare(Batch(READ, MASK, None, written=WRITTEN), torch.Generator(), 0.0).tensors
    assert smoothed.loss(network, *tensors)[0] > plain.loss(network, *tensors)[0]
    with torch.no_grad():
        torch.testing.assert_close(smoothed.loss(network, *tensors)[0], plain.loss(network, *tensors)[0])
