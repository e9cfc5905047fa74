from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from torch import Tensor

from penjing.models.relative import relative_bias
from penjing.models.t5 import T5ForConditionalGeneration, initialize
from penjing.models.t5_config import T5Config
from penjing.models.t5_layers import T5Block, T5Stack

VOCABULARY, TIME = 400, 40


def shares() -> Tensor:
    counts = 1.0 / torch.arange(1, VOCABULARY + 1)
    return counts / counts.sum()


def begun(found: float = 1.0, **more: Any) -> T5ForConditionalGeneration:
    shape = {"d_model": 128, "d_kv": 32, "d_ff": 96, "num_layers": 3, "num_heads": 4, **more}
    config = T5Config(vocab_size=VOCABULARY, feed_forward_proj="gated-gelu", tie_word_embeddings=False, **shape)
    network = T5ForConditionalGeneration(config)
    initialize(network, config, 0)
    network.begin(shares(), found)
    return network.eval()


@pytest.fixture
def ids() -> Tensor:
    """No token twice in a row."""
    generator = torch.Generator().manual_seed(1)
    return torch.stack([torch.randperm(VOCABULARY, generator=generator)[:TIME] for _ in range(8)])


@torch.no_grad()
def first_weights(network: T5ForConditionalGeneration, stack: T5Stack, ids: Tensor) -> Tensor:
    """How much each token looks at each in a stack's first layer, [batch, heads, time, time]."""
    block = cast("T5Block", stack.block[0])
    layer = cast("Any", block.layer[0])
    normed = layer.layer_norm(network.shared(ids))
    query, key = (
        part(normed).view(*ids.shape, -1, network.config.d_kv).transpose(1, 2)
        for part in (layer.SelfAttention.q, layer.SelfAttention.k)
    )
    scores = query @ key.transpose(2, 3) + relative_bias(
        block.position_numbers, time=TIME, keys=TIME, before=0, longest=128, looks_ahead=not stack.is_decoder
    )
    if stack.is_decoder:
        scores = scores.masked_fill(torch.ones(TIME, TIME).triu(1).bool(), -torch.inf)
    return scores.softmax(-1)


@pytest.mark.parametrize("side", ["encoder", "decoder"])
def test_half_of_the_heads_look_at_a_neighbour_each_and_the_others_at_all(side: str, ids: Tensor) -> None:
    network = begun()
    weights = first_weights(network, getattr(network, side), ids)
    for head, offset in enumerate((-1, 1) if side == "encoder" else (-1, -2)):
        row = slice(2, TIME - 2)  # which have neighbours on both sides
        found = weights[:, head, row].argmax(-1) - torch.arange(2, TIME - 2)
        assert (found == offset).float().mean() > 0.85
    for head in (2, 3):
        for offset in (-2, -1, 0, 1) if side == "encoder" else (-2, -1, 0):
            assert weights[:, head].diagonal(offset, dim1=1, dim2=2).mean() < 0.2


@torch.no_grad()
def test_every_layer_of_the_decoder_finds_what_was_written_last_in_what_was_read(ids: Tensor) -> None:
    network = begun()
    found: list[Tensor] = []

    def look(layer: Any, read: tuple[Any, ...]) -> None:
        hidden, (key, _), _ = read
        query = layer.EncDecAttention.q(layer.layer_norm(hidden)).view(*ids.shape, 4, -1).transpose(1, 2)
        found.append((query @ key.transpose(2, 3)).argmax(-1))  # [batch, heads, time]

    for block in network.decoder.block:
        cast("Any", block).layer[1].register_forward_pre_hook(look)
    network(ids, None, ids)
    assert len(found) == 3
    for places, least in zip(found, (0.9, 0.75, 0.75), strict=True):
        assert (places == torch.arange(TIME)).float().mean() > least


@pytest.mark.parametrize(("found", "heads"), [(0.0, 0), (0.2, 0), (0.8, 3), (1.0, 4)])
def test_as_many_heads_find_it_as_tokens_are_found(found: float, heads: int) -> None:
    network = begun(found)
    drawn = T5ForConditionalGeneration(network.config)
    initialize(drawn, network.config, 0)
    for ours, theirs in zip(network.decoder.block, drawn.decoder.block, strict=True):
        attention, random = (cast("Any", block).layer[1].EncDecAttention for block in (ours, theirs))
        for head in range(4):
            of_head = slice(32 * head, 32 * head + 32)
            query, key = attention.q.weight[of_head], attention.k.weight[of_head]
            if head < heads:
                assert torch.equal(query, key * (4 / 32**0.5))
            else:
                assert torch.equal(query, random.q.weight[of_head])


@torch.no_grad()
def test_fresh_network_guesses_every_token_as_often_as_it_comes(ids: Tensor) -> None:
    """Nearly: where attention passes on much, the states are normalized to a little less of the first dimension."""
    network = begun()
    drawn = T5ForConditionalGeneration(network.config)
    initialize(drawn, network.config, 0)
    above, before = (
        (shares() * (shares().log() - each.eval()(ids, None, ids).log_softmax(-1))).sum(-1).mean().item()
        for each in (network, drawn)
    )  # nats above the entropy of the shares
    assert above < 0.2
    assert before > 1


@torch.no_grad()
@pytest.mark.parametrize("more", [{"tie_word_embeddings": True}, {"initializer_factor": 0.5}])
def test_words_that_are_their_own_scores_or_have_another_spread_begin_as_they_are_drawn(more: dict[str, Any]) -> None:
    shape = {"vocab_size": VOCABULARY, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 1, "num_heads": 2}
    config = T5Config(**{**shape, "tie_word_embeddings": False, **more})
    network = T5ForConditionalGeneration(config)
    initialize(network, config, 0)
    before = {name: weight.clone() for name, weight in network.named_parameters()}
    network.begin(shares(), 1.0)
    for name, weight in network.named_parameters():
        assert torch.equal(weight, before[name]), name


@torch.no_grad()
def test_states_that_are_scaled_before_they_are_scored_guess_so_too(ids: Tensor) -> None:
    network = begun(scale_decoder_outputs=True)
    assert network.config.scales_output
    above = (shares() * (shares().log() - network(ids, None, ids).log_softmax(-1))).sum(-1).mean()
    assert above < 0.2


def test_one_head_looks_at_the_token_before(ids: Tensor) -> None:
    network = begun(num_heads=1, d_kv=64)
    for stack in (network.encoder, network.decoder):
        found = first_weights(network, stack, ids)[:, 0, 2:].argmax(-1) - torch.arange(2, TIME)
        assert (found == -1).float().mean() > 0.85


@torch.no_grad()
def test_layers_begin_a_tenth_as_large_but_for_what_carries_neighbours_to_the_decoder() -> None:
    network, drawn = begun(), T5ForConditionalGeneration(begun().config)
    initialize(drawn, drawn.config, 0)
    loud = {
        "encoder.block.0.layer.0.SelfAttention.o.weight",
        "decoder.block.0.layer.1.EncDecAttention.o.weight",
    }
    outputs = 0
    for name, weight in network.named_parameters():
        if name.endswith((".o.weight", ".wo.weight")):
            share = 1.0 if name in loud else 0.1
            assert torch.allclose(weight[1:], drawn.get_parameter(name)[1:] * share), name
            outputs += 1
    assert outputs == 3 * (2 + 3)
