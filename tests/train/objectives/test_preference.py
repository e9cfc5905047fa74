"""Preferences are learned by the published formulas, to the gradient, and nothing of the batch decides the numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from penjing.models.interface import Architecture, OutputLayer
from penjing.registry import load_registered
from penjing.text.renderer import Rendered
from penjing.text.shards import TokenShard, write_shard
from penjing.train.cross_entropy import target_log_probabilities
from penjing.train.objectives.preference import PreferenceObjective, preference_loss, reader_of
from penjing.train.pair_batches import PairLimits
from penjing.train.preference_batches import PreferenceBatches
from penjing.train.preference_settings import PreferenceSettings

MARGINS = [-3.0, -0.2, 0.0, 1.5, 40.0]
SIZES = {
    "llama": {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2},
    "lstm": {"hidden_size": 16, "embedding_size": 16, "bidirectional": False},
    "t5": {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2, "dropout_rate": 0.0},
}


def written_out(margin: float, loss: str, beta: float, smoothing: float) -> float:
    """The formulas, number by number, with the sigmoid as it is defined."""
    if loss == "ipo":
        return (margin - 1 / (2 * beta)) ** 2
    likely, unlikely = (1 / (1 + np.exp(-sign * beta * np.longdouble(margin))) for sign in (1, -1))
    return float(-(1 - smoothing) * np.log(likely) - smoothing * np.log(unlikely))


@pytest.mark.parametrize(("loss", "smoothing"), [("dpo", 0.0), ("dpo", 0.2), ("ipo", 0.0)])
def test_losses_and_gradients_are_those_of_the_papers_in_float64(loss: Any, smoothing: float) -> None:
    settings = PreferenceSettings(loss=loss, beta=0.3, label_smoothing=smoothing)
    margins = torch.tensor(MARGINS, dtype=torch.float64, requires_grad=True)
    found = preference_loss(margins, settings)
    assert found.tolist() == pytest.approx([written_out(h, loss, 0.3, smoothing) for h in MARGINS], rel=1e-12)
    assert torch.autograd.gradcheck(lambda h: preference_loss(h, settings), (margins,))


def test_log_probabilities_have_the_gradient_of_a_plain_softmax() -> None:
    torch.manual_seed(0)
    states, weight, bias = (
        torch.randn(size, dtype=torch.float64, requires_grad=True) for size in ((7, 5), (11, 5), (11,))
    )
    targets, weights = torch.arange(7), torch.randn(7, dtype=torch.float64)
    found = target_log_probabilities(OutputLayer(states, weight, bias), targets)
    expected = (states @ weight.T + bias).log_softmax(dim=-1)[torch.arange(7), targets]
    assert torch.allclose(found, expected, rtol=1e-12)
    grads = (torch.autograd.grad((sums * weights).sum(), (states, weight, bias)) for sums in (found, expected))
    for ours, plain in zip(*grads, strict=True):
        assert torch.allclose(ours, plain, rtol=1e-10, atol=1e-12)


def network_of(family: str) -> Any:
    architecture: Architecture = load_registered("models", family)
    values = {**architecture.fresh_shape, **SIZES[family], "vocab_size": 40, "pad_token_id": 0, "eos_token_id": 3}
    config = architecture.config_from_dict(values)
    network = architecture.language_model(config)
    architecture.initialize(network, config, 0)
    return network


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> TokenShard:
    """Three pairs of answers to prompts of several lengths."""
    rows, borders = [], []
    for prompt, answers in (([5, 6], ([7, 3], [8, 9, 3])), ([5], ([9, 3], [7, 3])), ([6, 6, 7], ([8, 8, 3], [9, 3]))):
        for answer in answers:
            rows.append(Rendered([*prompt, *answer], [True] * (len(prompt) + len(answer)), 0))
            borders.append(len(prompt))
    folder = tmp_path_factory.mktemp("shard")
    return write_shard(folder, [(rows, borders)], vocab_size=40, unknown_id=-1, fingerprint="")


def batches_of(shard: TokenShard, network: Any, reference: np.ndarray | None = None) -> PreferenceBatches:
    return PreferenceBatches(
        shard,
        np.zeros(shard.rows) if reference is None else reference,
        0,
        PairLimits(1000, 10),
        0,
        reads_first=reader_of(network).reads_first,
        shuffled=False,
    )


@pytest.mark.parametrize("family", ["llama", "lstm", "t5"])
def test_an_answer_is_measured_alike_alone_and_padded_among_others(shard: TokenShard, family: str) -> None:
    network = network_of(family).eval()
    reader, batches = reader_of(network), batches_of(shard, network)
    together = reader.measure(network, *reader.prepare(batches.load(np.arange(3)))[0])
    alone = [reader.measure(network, *reader.prepare(batches.load(np.array([pair])))[0]) for pair in range(3)]
    assert torch.allclose(together.reshape(2, 3).T.flatten(), torch.cat(alone), atol=1e-5)
    assert (together < 0).all()


@pytest.mark.parametrize("family", ["llama", "t5"])
def test_the_whole_loss_is_that_of_its_parts(shard: TokenShard, family: str) -> None:
    network = network_of(family).eval()
    reference = np.linspace(-6, -3, shard.rows)
    settings = PreferenceSettings(beta=0.5, likelihood=0.7)
    objective = PreferenceObjective(reader_of(network), settings)
    batch = batches_of(shard, network, reference).load(np.arange(3))
    prepared = objective.prepare(batch, torch.Generator(), 0.0)
    loss, right = objective.loss(network, *prepared.tensors)
    reader = reader_of(network)
    own = reader.measure(network, *reader.prepare(batch)[0]).double()
    grown = own - torch.from_numpy(reference[[0, 2, 4, 1, 3, 5]])
    margin = grown[:3] - grown[3:]
    lengths = torch.tensor([2, 2, 3])
    expected = preference_loss(margin, settings).sum() - 0.7 * (own[:3] / lengths).sum()
    assert prepared.targets == 3
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert right.item() == (margin > 0).sum().item()
