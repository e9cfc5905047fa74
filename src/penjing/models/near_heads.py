"""Where an encoder looks before it has learned anything: at a token's neighbours."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from penjing.models.bert_layers import BertEmbeddings, BertLayer

#: By how much a head's score of the one token that it looks at would be above the mean score, in nats, if words and
#: positions were all that is added. The segment, which lies in the words' dimensions too, leaves six to nine of them.
_PEAK = 12.0


@torch.no_grad()
def look_at_neighbours(embeddings: BertEmbeddings, first: BertLayer, std: float, generator: torch.Generator) -> None:
    """Has each head of the first layer look at one neighbour: one to the left, one to the right, two to the left, …

    Where weights begin at random, every token looks at all others alike, what it gets says nothing, and a masked
    language model learns first to look away from it: at the hidden token itself, whose score is the same everywhere.
    Then it guesses by frequency for millions of tokens. Here the words begin in some of the dimensions and the
    positions in the others, which are as many as a head is wide, or a quarter of all (an even number): as sines and
    cosines (Vaswani et al. 2017, arXiv 1706.03762, section 3.5), of frequencies for which the product of two
    positions falls off at once, if there are sixteen or more. A query is its key turned by an offset, so that their
    product is highest there. The first position alone begins at zero: a token there looks at all others alike, as one
    does that stands for a text. The matrices of values and outputs are drawn so that what heads pass on is about as
    large as what they read. All of it is learned from there, as ever. A network of under eight dimensions, or with
    heads of one, stays as it is.

    Args:
        embeddings: of words, positions and segments, normal with ``std``.
        first: the layer that reads them, normal with ``std``.
        std: of all these weights.
        generator: decides what is random.
    """
    attention = first.attention.self
    dim, heads = attention.query.weight.shape[0], attention.heads
    width = dim // heads
    own = 2 * (min(width, dim // 4) // 2)  # the positions' dimensions
    if own == 0:
        return
    angles = torch.arange(embeddings.position_embeddings.num_embeddings)[:, None] * _frequencies(own // 2)
    for table in (embeddings.word_embeddings, embeddings.token_type_embeddings):
        table.weight[:, :own] = 0.0
    positions = embeddings.position_embeddings.weight
    positions.zero_()
    positions[1:, :own] = torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)[1:] * (std * math.sqrt(2))
    # Words and positions alone, normalized: a sine has the amplitude sqrt(2), scores reach scale² · own / sqrt(width).
    scale = math.sqrt(_PEAK * math.sqrt(width) / own)
    for head in range(heads):
        offset = (head // 2 + 1) * (1 if head % 2 else -1)
        rows = slice(head * width, head * width + own)
        attention.query.weight[rows, :own] += scale * _turn(offset, own // 2)
        attention.key.weight[rows, :own] += scale * torch.eye(own)
    for linear in (attention.value, first.attention.output.dense):
        linear.weight.normal_(std=1 / math.sqrt(dim), generator=generator)


def _frequencies(count: int) -> Tensor:
    """Returns radians a token, up to π: so spaced that few sums of their cosines are high, at any distance."""
    return math.pi * ((torch.arange(count) + 0.5) / count) ** 1.2


def _turn(offset: int, count: int) -> Tensor:
    """Returns what makes the sines and cosines of a position those of the one at an offset, [2 count, 2 count]."""
    angles = offset * _frequencies(count)
    turned = torch.diag(angles.cos().repeat_interleave(2))
    sines, cosines = torch.arange(0, 2 * count, 2), torch.arange(1, 2 * count, 2)
    turned[sines, cosines], turned[cosines, sines] = angles.sin(), -angles.sin()
    return turned
