"""Tensors of a Llama and its relatives under llama.cpp's names, and the other way round.

Queries and keys of the architecture that llama.cpp calls ``llama`` are turned in neighboring pairs there, and halves
apart here (`penjing.models.rotary`), so their rows change places; those of Qwen stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from penjing.models.llama_config import LlamaConfig

#: Our family → llama.cpp's architecture.
ARCHITECTURES: Mapping[str, str] = {"llama": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3"}
_WHOLE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
_IN_LAYER = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_THEIRS = {theirs: ours for ours, theirs in {**_WHOLE, **_IN_LAYER}.items()}


def gguf_name(name: str) -> str:
    """Returns llama.cpp's name of a tensor.

    >>> gguf_name("model.layers.3.self_attn.q_proj.weight")
    'blk.3.attn_q.weight'
    """
    stem, _, end = name.rpartition(".")
    layer = re.fullmatch(r"model\.layers\.(\d+)\.(.+)", stem)
    return f"blk.{layer[1]}.{_IN_LAYER[layer[2]]}.{end}" if layer else f"{_WHOLE[stem]}.{end}"


def own_name(name: str) -> str | None:
    """Returns our name of a tensor of llama.cpp's; None: we have none for it.

    >>> own_name("blk.3.attn_q.weight")
    'model.layers.3.self_attn.q_proj.weight'
    """
    stem, _, end = name.rpartition(".")
    layer = re.fullmatch(r"blk\.(\d+)\.(.+)", stem)
    found = _THEIRS.get(layer[2] if layer else stem)
    if found is None:
        return None
    return f"model.layers.{layer[1]}.{found}.{end}" if layer else f"{found}.{end}"


def to_pairs(name: str, tensor: Tensor, config: LlamaConfig) -> Tensor:
    """Returns a tensor with the rows of queries and keys as llama.cpp turns them; others are returned as they are."""
    heads = _turned_heads(name, config)
    if heads is None:
        return tensor
    return tensor.view(heads, 2, config.width // 2, *tensor.shape[1:]).swapaxes(1, 2).reshape(tensor.shape)


def from_pairs(name: str, tensor: Tensor, config: LlamaConfig) -> Tensor:
    """Returns what `to_pairs` was given."""
    heads = _turned_heads(name, config)
    if heads is None:
        return tensor
    return tensor.view(heads, config.width // 2, 2, *tensor.shape[1:]).swapaxes(1, 2).reshape(tensor.shape)


def _turned_heads(name: str, config: Any) -> int | None:
    if ARCHITECTURES[config.model_type] != "llama":
        return None
    stem = name.rpartition(".")[0]
    if stem.endswith("q_proj"):
        return int(config.num_attention_heads)
    return int(config.groups) if stem.endswith("k_proj") else None
