"""The compiled LSTM: states and gradients against float64, on any number of threads, and where it is not used."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.models.native.test_training import assert_within_rounding, draw
from torch import Tensor, nn

from penjing.models.lstm import _STOPS_IN_BF16, LSTM
from penjing.models.lstm_config import LstmConfig
from penjing.models.native import recurrence
from penjing.models.native.recurrence import can_recur, recur_fused
from penjing.models.native.training import training_library
from penjing.train.recomputing import recompute_layers

pytestmark = pytest.mark.skipif(training_library() is None, reason="no C++ compiler here")
NAMES = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")


def layer_of(width: int, hidden: int, spread: float = 0.3) -> nn.LSTM:
    """Returns an LSTM whose weights are numbers of bf16."""
    layer = nn.LSTM(width, hidden, batch_first=True)
    with torch.no_grad():
        for seed, name in enumerate(NAMES):
            part = getattr(layer, name)
            part.copy_((draw(*part.shape, seed=seed) * spread * hidden**-0.5).bfloat16())
    return layer


def learn(run: Callable[[nn.LSTM, Tensor], Tensor], layer: nn.LSTM, inputs: Tensor) -> list[Tensor]:
    """Returns the states and the gradients of inputs and weights, in float64."""
    probe = inputs.detach().clone().requires_grad_()
    states = run(layer, probe)
    slope = draw(*states.shape, seed=9).bfloat16().to(states.dtype)
    found = torch.autograd.grad(states, [probe, *(getattr(layer, name) for name in NAMES)], slope)
    return [tensor.detach().double() for tensor in (states, *found)]


beside_pytorch = pytest.mark.skipif(_STOPS_IN_BF16, reason="PyTorch has no LSTM in bf16 for this processor")


def in_float64(layer: nn.LSTM, inputs: Tensor) -> list[Tensor]:
    wide = nn.LSTM(layer.input_size, layer.hidden_size, batch_first=True).double()
    wide.load_state_dict({name: part.double() for name, part in layer.state_dict().items()})
    return learn(lambda lstm, probe: lstm(probe)[0], wide, inputs.double())


@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(1, 15), steps=st.integers(1, 12), width=st.integers(1, 40), hidden=st.sampled_from([64, 128, 192])
)
def test_states_and_gradients_are_those_of_float64(rows: int, steps: int, width: int, hidden: int) -> None:
    layer, inputs = layer_of(width, hidden, spread=1.0), draw(rows, steps, width, seed=7).bfloat16().float()
    assert_within_rounding(learn(recur_fused, layer, inputs), in_float64(layer, inputs), units=4.0)


def test_gates_that_are_wide_open_or_shut_keep_their_slopes() -> None:
    """Near 1 a bf16 number is nearest to 1 itself, whose slope would be nothing."""
    layer = layer_of(16, 64)
    with torch.no_grad():
        layer.get_parameter("bias_ih_l0").copy_(torch.tensor([7.0, 7.0, 2.0, 7.0]).repeat_interleave(64))
    inputs = draw(3, 5, 16).bfloat16().float()
    found, expected = learn(recur_fused, layer, inputs), in_float64(layer, inputs)
    assert_within_rounding(found, expected, units=4.0)
    _, _, _, _, to_bias, _ = found
    slopes = to_bias.view(4, 64)
    assert (slopes[1].abs() > 0).all()
    assert torch.allclose(slopes, expected[4].view(4, 64), rtol=0.1, atol=1e-4)


@beside_pytorch
def test_results_are_those_of_pytorch_within_its_own_error() -> None:
    """Beside float64 it is no worse than PyTorch's LSTM in bf16, in each of states and gradients."""
    layer, inputs = layer_of(128, 128, spread=1.0), draw(32, 20, 128, seed=3).bfloat16().float()

    def by_pytorch(lstm: nn.LSTM, probe: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            states: Tensor = lstm(probe)[0]
        return states

    expected = in_float64(layer, inputs)
    errors = [
        [
            float((one - other).norm() / other.norm())
            for one, other in zip(learn(run, layer, inputs), expected, strict=True)
        ]
        for run in (recur_fused, by_pytorch)
    ]
    assert all(mine <= 1.1 * peers for mine, peers in zip(*errors, strict=True))


@pytest.mark.parametrize("rows", [1, 5, 32])
def test_number_of_threads_changes_nothing(rows: int) -> None:
    layer, inputs = layer_of(24, 64), draw(rows, 9, 24)
    kept, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            hidden = recur_fused(layer, inputs)
            found.append(
                (hidden, torch.autograd.grad(hidden, layer.get_parameter("bias_hh_l0"), torch.ones_like(hidden))[0])
            )
    finally:
        torch.set_num_threads(kept)
    for hidden, to_bias in found[1:]:
        assert torch.equal(hidden, found[0][0])
        assert torch.equal(to_bias, found[0][1])


def test_rows_do_not_meet() -> None:
    layer, inputs = layer_of(24, 64), draw(11, 6, 24)
    together = recur_fused(layer, inputs)
    for row in range(11):
        assert torch.equal(recur_fused(layer, inputs[row : row + 1])[0], together[row])


def test_inputs_may_lie_in_any_order() -> None:
    layer, inputs = layer_of(24, 64), draw(9, 5, 24)
    expected = learn(recur_fused, layer, inputs)
    turned = (
        inputs.transpose(0, 1).contiguous().transpose(0, 1),
        inputs.permute(2, 1, 0).contiguous().permute(2, 1, 0),
    )
    for other in turned:
        assert not other.is_contiguous()
        hidden = recur_fused(layer, other)
        assert torch.equal(hidden.double(), expected[0])
        for one, wanted in zip(learn(recur_fused, layer, other), expected, strict=True):
            assert torch.equal(one, wanted)


@pytest.mark.parametrize("where", [*NAMES, "inputs"])
def test_what_is_no_number_is_not_hidden(where: str) -> None:
    """Else the training's guard would not see it."""
    layer, inputs = layer_of(24, 64), draw(9, 5, 24)
    with torch.no_grad():
        part = inputs if where == "inputs" else layer.get_parameter(where)
        part.flatten()[3] = torch.nan
    hidden, *gradients = learn(recur_fused, layer, inputs)
    assert hidden.isnan().any()
    assert gradients[1].isnan().any()


def test_frozen_weights_and_inputs_that_need_no_gradient() -> None:
    layer, inputs = layer_of(24, 64), draw(3, 6, 24)
    hidden = recur_fused(layer, inputs)
    (found,) = torch.autograd.grad(hidden, layer.get_parameter("weight_hh_l0"), torch.ones_like(hidden))
    assert found.abs().sum() > 0
    layer.requires_grad_(False)
    probe = inputs.clone().requires_grad_()
    hidden = recur_fused(layer, probe)
    hidden.sum().backward()  # type: ignore[no-untyped-call]
    assert probe.grad is not None
    assert layer.weight_hh_l0.grad is None


def test_it_is_used_in_bf16_training_of_plain_layers_alone() -> None:
    layer, inputs = layer_of(24, 64), draw(3, 6, 24)
    assert not can_recur(layer, inputs)  # fp32
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert can_recur(layer, inputs)
        assert not can_recur(nn.LSTM(24, 48, batch_first=True), inputs)
        assert not can_recur(nn.LSTM(24, 64), inputs)
        assert not can_recur(nn.LSTM(24, 64, batch_first=True, bidirectional=True), inputs)
        assert not can_recur(nn.LSTM(24, 64, 2, batch_first=True), inputs)
        assert not can_recur(nn.GRU(24, 64, batch_first=True), inputs)
        assert not can_recur(layer, inputs[:0])
        assert not can_recur(layer, inputs[0])
        assert not can_recur(layer_of(24, 64).bfloat16(), inputs)
        with torch.no_grad():
            assert not can_recur(layer, inputs)
    with torch.autocast("cpu", dtype=torch.float16):
        assert not can_recur(layer, inputs)


def test_a_layer_that_is_recomputed_or_hooked_is_called() -> None:
    config = LSTM.config_from_dict(
        {"vocab_size": 50, "embedding_size": 64, "hidden_size": 64, "num_hidden_layers": 3, "bidirectional": False}
    )
    network = LSTM.language_model(config).train()
    LSTM.initialize(network, config, 0)
    ids = torch.randint(5, 50, (8, 64), generator=torch.Generator().manual_seed(0))

    def kept() -> int:
        """Returns the bytes that are kept for the gradient."""
        found: dict[int, int] = {}

        def keep(tensor: Tensor) -> Tensor:
            found[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with (
            torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
            torch.autocast("cpu", dtype=torch.bfloat16),
        ):
            hidden = network.encode(ids)
        assert hidden.requires_grad  # it is still there, and what it keeps
        return sum(found.values())

    whole = kept()
    restore = recompute_layers(network)
    assert kept() < whole / 2
    restore()
    layer, seen = layer_of(24, 64), []
    with torch.autocast("cpu", dtype=torch.bfloat16):
        handle = layer.register_forward_hook(lambda *_: seen.append(1))
        assert not can_recur(layer, draw(3, 6, 24))
        handle.remove()
        assert can_recur(layer, draw(3, 6, 24))


@beside_pytorch
def test_network_learns_what_it_learns_by_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two layers of both directions with padding: logits and gradients, in bf16."""
    config = LSTM.config_from_dict(
        {"vocab_size": 50, "embedding_size": 32, "hidden_size": 64, "num_hidden_layers": 2, "dropout": 0.0}
    )
    assert isinstance(config, LstmConfig)
    network = LSTM.classifier(config, 3)
    LSTM.initialize(network, config, 0)
    ids, mask = torch.randint(1, 50, (5, 9), generator=torch.Generator().manual_seed(0)), torch.ones(5, 9).bool()
    mask[1, 4:] = mask[3, 1:] = False
    calls = []
    for recur in (recur_fused, None):
        if recur is None:
            monkeypatch.setattr("penjing.models.lstm.can_recur", lambda *_: False)
        network.train()
        for module in network.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        network.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = network(ids, mask)
        logits.float().pow(2).sum().backward()
        calls.append([logits, *(part.grad for part in network.parameters())])
    assert any(not torch.equal(one, other) for one, other in zip(*calls, strict=True))  # the first was compiled
    for one, other in zip(*calls, strict=True):
        assert (one - other).norm() <= 0.03 * other.norm() + 1e-6


def test_without_the_library_pytorch_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurrence, "training_library", lambda: None)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not can_recur(layer_of(24, 64), draw(3, 6, 24))
