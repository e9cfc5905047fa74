from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from penjing.errors import UsageError
from penjing.models.lstm import (
    LstmConfig,
    LstmForCausalLM,
    LstmForSequenceClassification,
    LstmModel,
    LstmStack,
    LstmStates,
    initialize,
)
from penjing.models.pooling import AttentionPooling

SHAPE: dict[str, Any] = {"vocab_size": 50, "embedding_size": 6, "hidden_size": 8, "num_hidden_layers": 2}


def make(builder: Any, seed: int = 0, **more: Any) -> Any:
    config = LstmConfig(**{**SHAPE, **more})
    network = builder(config).eval()
    initialize(network, config, seed)
    return network


def make_classifier(**more: Any) -> Any:
    return make(lambda config: LstmForSequenceClassification(config, 3), **more)


def pad(rows: list[list[int]], filler: int = 0) -> tuple[Tensor, Tensor]:
    time = max(map(len, rows))
    ids = torch.tensor([row + [filler] * (time - len(row)) for row in rows])
    return ids, torch.arange(time) < torch.tensor([[len(row)] for row in rows])


def step_through(layer: nn.LSTM, vectors: Tensor) -> Tensor:
    """An LSTM layer by its equations, one token at a time; vectors [time, dim] to states [time, hidden]."""
    weights = dict(layer.named_parameters())
    hidden = cell = torch.zeros(layer.hidden_size)
    states = []
    for vector in vectors:
        gates = weights["weight_ih_l0"] @ vector + weights["bias_ih_l0"]
        gates = gates + weights["weight_hh_l0"] @ hidden + weights["bias_hh_l0"]
        enter, forget, new, leave = gates.chunk(4)
        cell = forget.sigmoid() * cell + enter.sigmoid() * new.tanh()
        hidden = leave.sigmoid() * cell.tanh()
        states.append(hidden)
    return torch.stack(states)


def test_one_long_document_does_not_make_rows_of_all_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    network = make(LstmForCausalLM)
    short = torch.arange(1, 7 * 24 + 1).view(7, 24).repeat_interleave(4, dim=1)  # of four tokens each
    documents = torch.cat([torch.zeros_like(short[:1]), short])
    read: list[int] = []
    whole = network.lstm.forward
    monkeypatch.setattr(network.lstm, "forward", lambda ids, mask: read.append(ids.numel()) or whole(ids, mask))
    network.encode(torch.ones_like(documents), documents=documents)
    assert documents.numel() <= sum(read) < 2 * documents.numel()


@pytest.mark.parametrize("bidirectional", [False, True])
def test_documents_end_to_end_are_read_as_if_each_stood_alone(bidirectional: bool) -> None:
    network = make(LstmForCausalLM, bidirectional=bidirectional)
    ids = torch.randint(1, 50, (3, 9), generator=torch.Generator().manual_seed(0))
    documents = torch.tensor([[4] * 9, [4] * 2 + [5] * 3 + [6] * 4, [6] + [7] * 8])
    found = network.encode(ids, documents=documents)
    pairs, _ = network.next_token_pairs(ids, documents=documents)
    for row, numbers in enumerate(documents):
        for number in numbers.unique():
            own = numbers == number
            alone = network.encode(ids[row, own][None])[0]
            torch.testing.assert_close(found[row, own], alone, atol=1e-6, rtol=0)
    assert len(pairs) == 3 * 8 * (2 if bidirectional else 1)
    read_on = network.encode(ids)
    torch.testing.assert_close(found[0], read_on[0], atol=1e-6, rtol=0)
    assert not torch.allclose(found[1, 2:], read_on[1, 2:], atol=1e-3)


@torch.no_grad()
def test_hidden_states_follow_the_equations_in_both_directions() -> None:
    network = make(LstmModel)
    rows = [[3, 4, 5, 6, 7], [8, 9]]
    ids, mask = pad(rows)
    hidden = network(ids, mask)
    for i, row in enumerate(rows):
        forward = backward = network.embeddings(torch.tensor(row))
        for layer in network.left_to_right.layers:
            forward = step_through(layer, forward)
        backward = backward.flip(0)
        for layer in network.right_to_left.layers:
            backward = step_through(layer, backward)
        expected = torch.cat([forward, backward.flip(0)], dim=-1)
        torch.testing.assert_close(hidden[i, : len(row)], expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "mean_max", "attention"])
@pytest.mark.parametrize("bidirectional", [False, True])
@settings(max_examples=15)
@given(rows=st.lists(st.lists(st.integers(1, 49), min_size=1, max_size=9), min_size=1, max_size=5))
@torch.no_grad()
def test_padding_changes_no_logit(pooling: str, bidirectional: bool, rows: list[list[int]]) -> None:
    network = make_classifier(pooling=pooling, bidirectional=bidirectional)
    ids, mask = pad([*rows, [1] * 11], filler=13)
    logits = network(ids, mask)
    for i, row in enumerate(rows):
        torch.testing.assert_close(network(torch.tensor([row]))[0], logits[i], atol=1e-6, rtol=0)


@torch.no_grad()
def test_last_is_the_last_real_token_forward_and_the_first_backward() -> None:
    network = make_classifier(pooling="last")
    ids, mask = pad([[3, 4, 5, 6, 7], [8, 9]])
    hidden = network.backbone(ids, mask)
    ends = torch.stack(
        [torch.cat([hidden[0, 4, :8], hidden[0, 0, 8:]]), torch.cat([hidden[1, 1, :8], hidden[1, 0, 8:]])]
    )
    torch.testing.assert_close(network(ids, mask), network.classifier(ends))


@torch.no_grad()
def test_changing_a_token_changes_no_score_before_it_nor_backward_after_it() -> None:
    network = make(LstmForCausalLM)
    ids, mask = pad([[3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 5]])
    before = network.encode(ids, mask)
    for place in range(5):
        changed = ids.clone()
        changed[:, place] = 33
        after = network.encode(changed, mask)
        differs = (after != before).any(-1)
        forward, backward = (after != before).split(8, dim=-1)
        assert not forward[:, :place].any()
        assert not backward[:, place + 1 :][mask[:, place + 1 :]].any()
        assert forward[:, place].any(-1).all()
        assert backward[:, place].any(-1).all()
        assert differs[:, place].all()


@torch.no_grad()
def test_no_pair_sees_the_token_it_should_guess() -> None:
    network = make(LstmForCausalLM)
    ids = torch.randint(1, 50, (1, 8))
    hidden, targets = network.next_token_pairs(ids)
    assert targets.tolist() == ids[0, 1:].tolist() + ids[0, :-1].tolist()
    for place in range(8):
        changed = ids.clone()
        changed[0, place] = (ids[0, place] + 1) % 49 + 1
        other, _ = network.next_token_pairs(changed)
        guesses_place = [place - 1] * (place > 0) + [7 + place] * (place < 7)
        for pair in guesses_place:
            assert torch.equal(hidden[pair], other[pair])


@torch.no_grad()
def test_pairs_of_a_padded_batch_are_those_of_its_rows() -> None:
    network = make(LstmForCausalLM, tie_embeddings=False)
    rows = [[3, 4, 5, 6, 7], [8, 9], [10]]
    hidden, targets = network.next_token_pairs(*pad(rows))
    alone = [network.next_token_pairs(torch.tensor([row])) for row in rows]
    expected = torch.cat([states.chunk(2)[side] for side in (0, 1) for states, _ in alone if len(states)])
    expected_targets = [id for side in (0, 1) for row in rows for id in (row[1:], row[:-1])[side]]
    assert targets.tolist() == expected_targets
    assert len(targets) == 2 * sum(len(row) - 1 for row in rows)
    torch.testing.assert_close(hidden, expected, atol=1e-6, rtol=0)
    assert network.score(hidden).shape == (len(targets), 50)


@torch.no_grad()
def test_one_direction_gives_the_first_half_of_two() -> None:
    two, one = make(LstmModel), make(LstmModel, bidirectional=False)
    one.load_state_dict(two.state_dict(), strict=False)
    ids, mask = pad([[3, 4, 5], [6, 7]])
    torch.testing.assert_close(one(ids, mask), two(ids, mask)[..., :8])


def test_gradient_of_attention_pooling_agrees_with_finite_differences() -> None:
    pooling = AttentionPooling(5).double()
    hidden = torch.randn(3, 4, 5, dtype=torch.double, requires_grad=True)
    mask = torch.arange(4) < torch.tensor([[4], [2], [1]])
    assert torch.autograd.gradcheck(lambda states: pooling(states, mask), [hidden])
    assert torch.autograd.gradcheck(lambda states: pooling(states, None), [hidden])
    parameters = tuple(parameter.detach().clone().requires_grad_() for parameter in pooling.parameters())
    names = [name for name, _ in pooling.named_parameters()]

    def pooled(*values: Tensor) -> Any:
        return torch.func.functional_call(pooling, dict(zip(names, values, strict=True)), (hidden.detach(), mask))

    assert torch.autograd.gradcheck(pooled, parameters)


@pytest.mark.parametrize("pooling", ["last", "mean_max", "attention"])
def test_gradient_of_the_classifier_agrees_with_finite_differences(pooling: str) -> None:
    network = make_classifier(pooling=pooling).double()
    _, mask = pad([[1] * 4, [1] * 2])
    words = torch.randn(2, 4, 6, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda vectors: network(None, mask, inputs_embeds=vectors), [words])


@torch.no_grad()
def test_attention_gives_padding_no_weight_even_in_a_row_of_nothing_else() -> None:
    mask = torch.tensor([[True, True, False], [False] * 3])
    weights = AttentionPooling(4).weigh(torch.randn(2, 3, 4), mask)
    torch.testing.assert_close(weights.sum(1), torch.tensor([1.0, 0.0]))
    assert not weights[~mask].any()


def test_a_row_of_padding_alone_gives_finite_numbers() -> None:
    ids, mask = torch.ones(2, 3, dtype=torch.long), torch.tensor([[True, True, False], [False] * 3])
    for pooling in ("last", "mean", "max", "mean_max", "attention"):
        network = make_classifier(pooling=pooling)
        logits = network(ids, mask)
        logits.sum().backward()
        assert logits.isfinite().all()
        assert all(parameter.grad.isfinite().all() for parameter in network.parameters() if parameter.grad is not None)


@torch.no_grad()
def test_bf16_stays_near_fp32() -> None:
    network = make_classifier(hidden_size=64, embedding_size=64)
    ids, mask = pad([[3, 4, 5, 6, 7] * 6, [8, 9, 10, 11] * 3])
    exact = network(ids, mask)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = network(ids, mask).float()
    torch.testing.assert_close(rough, exact, atol=0.02, rtol=0.05)


@pytest.mark.parametrize("hidden", [64, 40])
def test_reading_in_bf16_goes_on_on_every_processor(hidden: int) -> None:
    """PyTorch's LSTM stops in bf16 where the processor has no AVX-512."""
    stack = LstmStack(LstmConfig(vocab_size=20, embedding_size=24, hidden_size=hidden, num_hidden_layers=2)).eval()
    inputs = torch.randn(3, 7, 24, generator=torch.Generator().manual_seed(0))
    exact, states = stack(inputs), LstmStates([None, None])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        parts = [stack.read(part, states) for part in inputs.split(3, dim=1)]
        whole = stack(inputs)
    assert whole.dtype == torch.bfloat16
    torch.testing.assert_close(whole.float(), exact, atol=0.02, rtol=0.05)
    torch.testing.assert_close(torch.cat(parts, dim=1).float(), exact, atol=0.02, rtol=0.05)


def test_the_seed_alone_decides_every_weight() -> None:
    for more in ({}, {"tie_embeddings": False}, {"pooling": "attention"}):
        for builder in (LstmForCausalLM, lambda config: LstmForSequenceClassification(config, 3)):
            states = []
            for global_seed, seed in ((1, 7), (2, 7)):
                torch.manual_seed(global_seed)
                states.append(make(builder, seed, **more).state_dict())
            assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_forget_gates_start_open_and_recurrence_keeps_lengths() -> None:
    layer = make(LstmModel).left_to_right.layers[1]
    assert layer.bias_ih_l0.tolist() == [0.0] * 8 + [1.0] * 8 + [0.0] * 16
    for gate in layer.weight_hh_l0.chunk(4):
        torch.testing.assert_close(gate @ gate.T, torch.eye(8), atol=1e-5, rtol=0)


def test_impossible_numbers_are_refused() -> None:
    with pytest.raises(UsageError, match=r'pooling is "avg".*attention, last, max, mean, mean_max'):
        LstmConfig.from_dict({**SHAPE, "pooling": "avg"})
    with pytest.raises(UsageError, match=r"bidirectional is 1\. Write true or false"):
        LstmConfig.from_dict({**SHAPE, "bidirectional": 1})


def test_config_comes_back_as_it_was_written() -> None:
    config = LstmConfig(**SHAPE, pooling="attention", bidirectional=False)
    assert LstmConfig.from_dict(config.to_dict()) == config
