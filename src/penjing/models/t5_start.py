"""What a T5 begins with that is to learn to write: how often tokens come, and where to look."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from penjing.models.relative import relative_buckets

if TYPE_CHECKING:
    from penjing.models.t5_config import T5Config
    from penjing.models.t5_layers import T5Block, T5LayerCrossAttention, T5LayerSelfAttention, T5Stack

_QUIET = 0.1  # what is left of the outputs of layers, and of the random part of the scores of words
_NEAR = 6.0  # nats that a neighbour is above other tokens
_EQUAL = 4.0  # times the root of d_kv: nats that an equal token is above others


@torch.no_grad()
def look_where_to_learn(encoder: T5Stack, decoder: T5Stack, config: T5Config, found: float) -> None:
    """Has a fresh network look at neighbours and for what it wrote last, and listen to its layers later.

    Where weights begin at random, what layers add is as large as the words, and says nothing. Here it begins a tenth
    as large, but for two of them. Half of the encoder's heads, at least one, in every layer look mostly at a neighbour,
    the first at the token before, the second at the one after, then two tokens away, the less so the longer the row is;
    what those of the first layer pass on stays as large as it was. In each attention to the encoder a share of the
    heads begins with queries that are keys, and so finds the token that was written last, a sentinel for instance, in
    what was read; what the first one passes on stays too. Half of the decoder's heads look one token back, two, and so
    on. All of it is learned from there.

    Args:
        encoder: its layers, normal with the spreads of `penjing.models.t5.initialize`.
        decoder: likewise.
        config: the network's numbers.
        found: share of those heads, from 0 to 1, rounded down.
    """
    first = cast("T5LayerSelfAttention", _blocks(encoder)[0].layer[0]).SelfAttention
    across = [cast("T5LayerCrossAttention", block.layer[1]).EncDecAttention for block in _blocks(decoder)]
    for stack in (encoder, decoder):
        for part in _outputs(stack):
            if part is not first.o and part is not across[0].o:
                part.weight *= _QUIET
    for stack, looks_ahead in ((encoder, True), (decoder, False)):
        _look_near(stack, config, looks_ahead=looks_ahead)
    finding = int(found * config.num_heads) * config.d_kv
    for attention in across:
        attention.q.weight[:finding] = attention.k.weight[:finding] * (_EQUAL / math.sqrt(config.d_kv))


@torch.no_grad()
def guess_shares(shared: nn.Embedding, head: nn.Linear, decoder: T5Stack, shares: Tensor, scale: float) -> None:
    """Has a fresh network guess every token as often as it comes, by a dimension that is the same for all words.

    A T5 has no bias at its output. The first dimension of its words becomes one, no layer of the decoder adds to it,
    and each word is scored by the logarithm of its share there; what words score by the other dimensions begins a
    tenth as large.

    Args:
        shared: the embeddings, normal with a spread of 1.
        head: scores the words; not the same matrix.
        decoder: its layers.
        shares: of the tokens in what is written, [vocab], positive.
        scale: what the decoder's states are multiplied by before they are scored.
    """
    logarithms = shares.log()
    head.weight *= _QUIET
    head.weight[:, 0] = (logarithms - logarithms @ shares) / scale
    shared.weight[:, 0] = 1.0
    for part in _outputs(decoder):
        part.weight[0] = 0.0


def _blocks(stack: T5Stack) -> list[T5Block]:
    return [cast("T5Block", block) for block in stack.block]


def _outputs(stack: T5Stack) -> list[nn.Linear]:
    """Returns what adds to the states of a stack, layer by layer."""
    return [cast("nn.Linear", part) for name, part in stack.named_modules() if name.endswith((".o", ".wo"))]


def _look_near(stack: T5Stack, config: T5Config, *, looks_ahead: bool) -> None:
    numbers = _blocks(stack)[0].position_numbers  # [buckets, heads]
    buckets, heads = numbers.shape
    for head in range(max(1, heads // 2)):
        offset = (head // 2 + 1) * (1 if head % 2 else -1) if looks_ahead else -head - 1
        bucket = relative_buckets(
            torch.tensor(offset),
            buckets=buckets,
            longest=config.relative_attention_max_distance,
            looks_ahead=looks_ahead,
        )
        numbers[bucket, head] += _NEAR
