"""Attention, computed in the way that is fastest where it runs."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from penjing.models.dropout import drop
from penjing.models.native.training import attend_fused, can_attend

# PyTorch's fused attention multiplies bf16 slowly on a CPU: up to this many tokens a row, attention written out trains
# the layers of a BERT 1.2 to 1.5 times as fast. In fp32, and for longer rows, the fused one is faster.
_LONGEST_PLAIN = 256
_WIDEST = 256  # heads that FlashAttention knows
# Compiled attention multiplies in fp32: it gains where the steps between the products weigh more than they do.
_LONGEST_COMPILED, _WIDEST_COMPILED = 24, 32


class Borders(NamedTuple):
    """Where documents begin in rows laid end to end, in place of a mask.

    Attributes:
        starts: of each document, and the end of the last as often as is needed, int32 [documents].
        longest: no document is longer.
    """

    starts: Tensor
    longest: int


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    dropout: float,
    *,
    scale: float | None = None,
) -> Tensor:
    """Returns the values mixed for each query, [batch, heads, time, dim].

    Vaswani et al. 2017, arXiv 1706.03762, eq. 1.

    Args:
        query: [batch, heads, time, dim].
        key: [batch, heads, keys, dim].
        value: [batch, heads, keys, dim].
        mask: true where a key may be looked at; or a number that is added to the score, in the precision of the
            queries; broadcast to [batch, heads, time, keys]. None where all may.
        dropout: share of the weights that is dropped; 0 outside of training.
        scale: factor on the product of query and key; None: the root of ``dim``, inverted.
    """
    if _is_faster_compiled(query, key, dropout) and can_attend(query, key, value, mask):
        return attend_fused(query, key, value, mask, dropout, query.shape[-1] ** -0.5 if scale is None else scale)
    if not _is_faster_plain(query, key, mask):
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout, scale=scale)
    return drop(attention_weights(query, key, mask, scale=scale), dropout, is_training=dropout > 0) @ value


def attend_causally(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | Borders | None, dropout: float) -> Tensor:
    """Returns the values mixed for each query from those up to its own position, [batch, heads, time, dim].

    Args:
        query: [batch, heads, time, dim], of the last ``time`` of the keys' positions.
        key: [batch, groups, keys, dim]; each serves heads / groups queries (Ainslie et al. 2023, arXiv 2305.13245).
        value: likewise.
        mask: from `causal_mask`, or the borders of documents; None where every key up to a query's own may be looked
            at.
        dropout: share of the weights that is dropped; 0 outside of training, and with borders.
    """
    shared = query.shape[1] // key.shape[1]
    if shared > 1 and query.shape[2] == 1 and not isinstance(mask, Borders):
        # The last token's queries that share keys are as good as queries of one head, and no key is copied.
        return attend(query.reshape(len(query), key.shape[1], shared, -1), key, value, mask, dropout).reshape(
            query.shape
        )
    if shared > 1:
        key, value = key.repeat_interleave(shared, dim=1), value.repeat_interleave(shared, dim=1)
    if isinstance(mask, Borders):
        return _attend_inside(query, key, value, mask)
    time, keys = query.shape[2], key.shape[2]
    if mask is None and time == keys > 1 and not _is_faster_plain(query, key, None):
        return F.scaled_dot_product_attention(query, key, value, dropout_p=dropout, is_causal=True)
    if mask is None and time > 1:
        mask = causal_mask(time, keys, None, None, query.device)
    return attend(query, key, value, mask, dropout)


def causal_mask(
    time: int, keys: int, attention_mask: Tensor | None, window: int | None, device: torch.device
) -> Tensor:
    """Returns which keys each query may look at, bool [1 or batch, 1, time, keys]; at its own always.

    Args:
        time: queries; they are at the last positions.
        keys: positions in all.
        attention_mask: true where a token is real, bool [batch, keys]; None where nothing is padding.
        window: how many positions back a query sees, its own included; None: all.
        device: where it is made.
    """
    place = torch.arange(keys, device=device)  # [keys]
    own = place[keys - time :, None]  # [time, 1]
    seen = place <= own
    if window is not None:
        seen = seen & (place > own - window)
    if attention_mask is None:
        return seen[None, None]
    return (seen & attention_mask[:, None, None, :]) | (place == own)  # padding sees itself, so that it is a number


def same_document(documents: Tensor) -> Tensor:
    """Returns which keys are of each query's document, bool [batch, 1, time, time], from numbers [batch, time]."""
    return documents[:, None, :, None] == documents[:, None, None, :]


def of_document(documents: Tensor, others: Tensor) -> Tensor:
    """Returns which keys of another row are of each query's document, bool [batch, 1, time, keys].

    A query of whose document there is no key may look at all of them, so that it has something to look at.

    Args:
        documents: the number of the document of each query, int64 [batch, time].
        others: that of each key, int64 [batch, keys].
    """
    own = documents[:, None, :, None] == others[:, None, None, :]
    return own | ~own.any(dim=-1, keepdim=True)


def find_borders(documents: Tensor, hidden: Tensor, width: int, dropout: float) -> Borders | None:
    """Returns where documents begin, if attention can be computed document by document; None where it needs a mask.

    On a GPU of compute capability 8 or above, in bf16 or fp16, without dropout and for heads of usual widths,
    FlashAttention (Dao 2023, arXiv 2307.08691) does that: it neither makes a mask nor computes what would be hidden.

    Args:
        documents: the number of the document that each token is of, int64 [batch, time].
        hidden: the states that attention is computed of, [batch, time, dim].
        width: of a head.
        dropout: share of the weights of attention that is dropped.
    """
    is_low = product_dtype(hidden) in (torch.bfloat16, torch.float16)
    if documents.device.type != "cuda" or not is_low or dropout > 0 or width % 8 or width > _WIDEST:
        return None
    if torch.cuda.get_device_capability(documents.device) < (8, 0):
        return None
    return Borders(_document_starts(documents), documents.shape[1])


def _document_starts(documents: Tensor) -> Tensor:
    """Returns where each document begins in the rows laid end to end, int32, ending with the number of all tokens.

    That number is repeated until there are a power of two of them, for code is compiled for each length.
    """
    begins = torch.ones_like(documents, dtype=torch.bool)
    begins[:, 1:] = documents[:, 1:] != documents[:, :-1]
    starts = begins.flatten().nonzero()[:, 0]
    length = 1 << len(starts).bit_length()  # at least one more
    return F.pad(starts, (0, length - len(starts)), value=documents.numel()).to(torch.int32)


def _attend_inside(query: Tensor, key: Tensor, value: Tensor, borders: Borders) -> Tensor:
    """Returns the values mixed for each query from those before it in its document, [batch, heads, time, dim]."""
    from torch.nn.attention.varlen import varlen_attn  # it brings the compiler, which takes a second

    # [batch * time, heads, dim], of one type: queries and keys that were turned may be fp32.
    first, second, third = (part.transpose(1, 2).flatten(0, 1).to(value.dtype) for part in (query, key, value))
    starts, longest = borders
    mixed = varlen_attn(first, second, third, starts, starts, longest, longest, window_size=(-1, 0))
    assert isinstance(mixed, Tensor)
    return mixed.view(query.shape[0], -1, *mixed.shape[1:]).transpose(1, 2)


def product_dtype(hidden: Tensor) -> torch.dtype:
    """Returns the precision of the queries and keys that linear layers make of hidden states here and now."""
    kind = hidden.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else hidden.dtype


def _is_faster_compiled(query: Tensor, key: Tensor, dropout: float) -> bool:
    """Whether compiled attention is faster than that written out: in short rows, and in narrow heads with dropout."""
    keys, width = key.shape[-2:]
    return keys <= _LONGEST_COMPILED or (dropout > 0 and width <= _WIDEST_COMPILED and keys <= _LONGEST_PLAIN)


def _is_faster_plain(query: Tensor, key: Tensor, mask: Tensor | None) -> bool:
    """Whether attention written out is faster than the fused one."""
    if query.device.type != "cpu":
        return False
    # What is added and learned sends PyTorch to its own written-out form, which is slower in bf16 at every length.
    is_learned = mask is not None and mask.requires_grad and torch.is_grad_enabled()
    return is_learned or (query.dtype == torch.bfloat16 and key.shape[-2] <= _LONGEST_PLAIN)


def attention_weights(query: Tensor, key: Tensor, mask: Tensor | None, *, scale: float | None = None) -> Tensor:
    """Returns how much each query looks at each key, [batch, heads, time, keys]; arguments as for `attend`."""
    factor = query.shape[-1] ** -0.5 if scale is None else scale
    scores = (query if factor == 1.0 else query * factor) @ key.transpose(-1, -2)  # [batch, heads, time, keys]
    if mask is not None and mask.dtype == torch.bool:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    elif mask is not None:
        scores = scores + mask
    # Told the type, or autocast would make it fp32.
    weights: Tensor = scores.softmax(dim=-1, dtype=scores.dtype)
    return weights
