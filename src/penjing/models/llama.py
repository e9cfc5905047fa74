"""Llama (Touvron et al. 2023, arXiv 2302.13971) and its relatives Qwen 2, Qwen 3 and Mistral, named as on the hub.

They differ in a few switches of the config: which projections have a bias, whether queries and keys are normalized, how
far back a token sees.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.errors import UsageError
from penjing.models.attention import Borders, attend_causally, causal_mask, find_borders, same_document
from penjing.models.cache import KeyValueCache, LayerCache
from penjing.models.dropout import Dropout
from penjing.models.interface import Architecture, OutputLayer
from penjing.models.llama_config import LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config, shape_of_depth
from penjing.models.rotary import RotaryModule, rotary_angles, rotate
from penjing.models.stored_names import StoredNames

ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu_pytorch_tanh": partial(F.gelu, approximate="tanh"),
}


class LlamaAttention(nn.Module):
    """Every token looks at those before it and at itself."""

    def __init__(self, config: LlamaConfig, layer: int) -> None:
        super().__init__()
        dim, width = config.hidden_size, config.width
        bias = config.attention_bias if config.has_query_bias is None else config.has_query_bias
        self.layer, self.width, self.dropout = layer, width, Dropout(config.attention_dropout)
        self.q_proj = nn.Linear(dim, config.num_attention_heads * width, bias=bias)
        self.k_proj = nn.Linear(dim, config.groups * width, bias=bias)
        self.v_proj = nn.Linear(dim, config.groups * width, bias=bias)
        self.o_proj = nn.Linear(config.num_attention_heads * width, dim, bias=config.attention_bias)
        if config.has_query_norm:
            self.q_norm = nn.RMSNorm(width, eps=config.rms_norm_eps)
            self.k_norm = nn.RMSNorm(width, eps=config.rms_norm_eps)
        self.has_query_norm = config.has_query_norm

    def forward(
        self, hidden: Tensor, angles: tuple[Tensor, Tensor], mask: Tensor | Borders | None, cache: LayerCache | None
    ) -> Tensor:
        query, key, value = (self._split(project(hidden)) for project in (self.q_proj, self.k_proj, self.v_proj))
        if self.has_query_norm:
            query, key = self.q_norm(query), self.k_norm(key)
        query, key, value = (
            rotate(query.transpose(1, 2), *angles),
            rotate(key.transpose(1, 2), *angles),
            value.transpose(1, 2),
        )
        if cache is not None:
            key, value = cache.put(self.layer, key, value)
        mixed = attend_causally(query, key, value, mask, self.dropout.share)
        output: Tensor = self.o_proj(mixed.transpose(1, 2).flatten(2))
        return output

    def _split(self, projected: Tensor) -> Tensor:
        return projected.view(*projected.shape[:-1], -1, self.width)  # [batch, time, heads, width]


class LlamaMLP(nn.Module):
    """A gated feed-forward network (Shazeer 2020, arXiv 2002.05202)."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        dim, inner, bias = config.hidden_size, config.intermediate_size, config.mlp_bias
        self.gate_proj = nn.Linear(dim, inner, bias=bias)
        self.up_proj = nn.Linear(dim, inner, bias=bias)
        self.down_proj = nn.Linear(inner, dim, bias=bias)
        self.activation = ACTIVATIONS[config.hidden_act]

    def forward(self, hidden: Tensor) -> Tensor:
        output: Tensor = self.down_proj(self.activation(self.gate_proj(hidden)) * self.up_proj(hidden))
        return output


class LlamaDecoderLayer(nn.Module):
    """Attention, then the feed-forward network, each on normalized states (Zhang & Sennrich 2019, arXiv 1910.07467)."""

    def __init__(self, config: LlamaConfig, layer: int) -> None:
        super().__init__()
        self.self_attn = LlamaAttention(config, layer)
        self.mlp = LlamaMLP(config)
        self.input_layernorm = nn.RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.post_attention_layernorm = nn.RMSNorm(config.hidden_size, eps=config.rms_norm_eps)

    def forward(
        self, hidden: Tensor, angles: tuple[Tensor, Tensor], mask: Tensor | Borders | None, cache: LayerCache | None
    ) -> Tensor:
        hidden = hidden + self.self_attn(self.input_layernorm(hidden), angles, mask, cache)
        output: Tensor = hidden + self.mlp(self.post_attention_layernorm(hidden))
        return output


class LlamaModel(RotaryModule):
    """The decoder's layers.

    Args:
        config: its numbers.
    """

    stored_names: ClassVar[StoredNames] = StoredNames("", leftovers=(r"rotary_emb\.inv_freq$", r"^lm_head\."))

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__(config.rotary, config.width)
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(LlamaDecoderLayer(config, layer) for layer in range(config.num_hidden_layers))
        self.norm = nn.RMSNorm(config.hidden_size, eps=config.rms_norm_eps)

    def forward(
        self,
        ids: Tensor | None,
        attention_mask: Tensor | None = None,
        *,
        inputs_embeds: Tensor | None = None,
        cache: LayerCache | None = None,
        documents: Tensor | None = None,
    ) -> Tensor:
        """Returns the last hidden states, [batch, time, dim]; those of padding mean nothing.

        Args:
            ids: token ids, int64 [batch, time]; None where ``inputs_embeds`` is given.
            attention_mask: true where a token is real, bool [batch, time], with a cache [batch, cached + time]; None
                where nothing is padding.
            inputs_embeds: word embeddings in place of ids, [batch, time, dim].
            cache: what was read before; takes in what is read now.
            documents: the number of the document that each token is of, int64 [batch, time]; see `LanguageModel`.

        Raises:
            UsageError: a row is longer than the model's positions, or than the cache has room for.
        """
        hidden: Tensor = self.embed_tokens(ids) if inputs_embeds is None else inputs_embeds
        before, time = 0 if cache is None else cache.length, hidden.shape[1]
        if before + time > self.config.max_position_embeddings:
            raise UsageError(
                f"a row of {before + time} tokens does not fit into the {self.config.max_position_embeddings} "
                "positions of this model",
                do="Lower [render] max_tokens, the window of pretraining, or the length of what is asked for.",
            )
        angles = rotary_angles(self.frequencies, before, time)
        mask = self._mask(hidden, before + time, attention_mask, documents)
        for layer in self.layers:
            hidden = layer(hidden, angles, mask, cache)
        if cache is not None:
            cache.advance(time)
        normed: Tensor = self.norm(hidden)
        return normed

    def _mask(
        self, hidden: Tensor, keys: int, attention_mask: Tensor | None, documents: Tensor | None
    ) -> Tensor | Borders | None:
        window, time = self.config.sliding_window, hidden.shape[1]
        if window is not None and window >= keys:
            window = None
        if attention_mask is None and window is None:
            if documents is None:
                return None
            first = self.layers[0]
            assert isinstance(first, LlamaDecoderLayer)
            borders = find_borders(documents, hidden, self.config.width, first.self_attn.dropout.share)
            if borders is not None:
                return borders
        mask = causal_mask(time, keys, attention_mask, window, hidden.device)
        return mask if documents is None else mask & same_document(documents)


class LlamaForCausalLM(nn.Module):
    """Guesses each token from those before it.

    Args:
        config: its numbers.
    """

    stored_names: ClassVar[StoredNames] = StoredNames(
        backbone="model.", heads=("lm_head.",), leftovers=(r"rotary_emb\.inv_freq$",)
    )

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.config = config
        self.model = LlamaModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        if config.tie_word_embeddings:
            self.lm_head.weight = self.model.embed_tokens.weight

    @property
    def backbone(self) -> LlamaModel:
        return self.model

    @property
    def input_embeddings(self) -> nn.Embedding:
        return self.model.embed_tokens

    def encode(self, ids: Tensor, attention_mask: Tensor | None = None, *, documents: Tensor | None = None) -> Tensor:
        """Returns hidden states [batch, time, dim]; see `LlamaModel.forward`."""
        hidden: Tensor = self.model(ids, attention_mask, documents=documents)
        return hidden

    def output_layer(self, hidden: Tensor) -> OutputLayer:
        """Returns what gives the logits of hidden states [..., dim]; see `LanguageModel`."""
        return OutputLayer(hidden, self.lm_head.weight, None)

    def score(self, hidden: Tensor) -> Tensor:
        """Returns logits [..., vocab] of hidden states [..., dim]."""
        return F.linear(*self.output_layer(hidden))

    @property
    def longest_row(self) -> int:
        return self.config.max_position_embeddings

    def make_cache(self, rows: int, longest: int) -> KeyValueCache:
        """Returns an empty cache for so many rows, with room for so many tokens each."""
        config, weight = self.config, self.input_embeddings.weight
        return KeyValueCache(
            layers=config.num_hidden_layers,
            batch=rows,
            heads=config.groups,
            dim=config.width,
            longest=longest,
            dtype=weight.dtype,
            device=weight.device,
        )

    def start(self, prompt: Tensor, room: int) -> tuple[KeyValueCache, Tensor]:
        """Returns an empty cache and the prompt itself; see `GeneratingModel`."""
        return self.make_cache(prompt.shape[0], prompt.shape[1] + room), prompt

    def read(self, ids: Tensor, cache: KeyValueCache) -> Tensor:
        """Returns the hidden states of new tokens, [batch, time, dim]; see `GeneratingModel`."""
        hidden: Tensor = self.model(ids, cache=cache)
        return hidden

    def next_token_pairs(
        self, ids: Tensor, attention_mask: Tensor | None = None, *, documents: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Returns hidden states [n, dim] and the ids they should guess [n], row by row: token t, and token t + 1.

        Padding must be on the right: no token then looks at any.
        """
        hidden, targets = self.encode(ids, documents=documents)[:, :-1], ids[:, 1:]
        if attention_mask is None:
            return hidden.flatten(0, 1), targets.flatten()
        both_real = attention_mask[:, 1:]
        return hidden[both_real], targets[both_real]

    def forward(self, ids: Tensor, attention_mask: Tensor | None = None, *, cache: LayerCache | None = None) -> Tensor:
        """Returns the logits of every position, [batch, time, vocab]; see `LlamaModel.forward`."""
        return self.score(self.model(ids, attention_mask, cache=cache))


class LlamaForSequenceClassification(nn.Module):
    """Scores labels by the last real token.

    Args:
        config: its numbers.
        num_labels: how many labels there are.
    """

    stored_names: ClassVar[StoredNames] = StoredNames(
        backbone="model.", leftovers=(r"rotary_emb\.inv_freq$", r"^lm_head\.")
    )

    def __init__(self, config: LlamaConfig, num_labels: int) -> None:
        super().__init__()
        self.config = config
        self.model = LlamaModel(config)
        self.score = nn.Linear(config.hidden_size, num_labels, bias=False)

    @property
    def backbone(self) -> LlamaModel:
        return self.model

    @property
    def input_embeddings(self) -> nn.Embedding:
        return self.model.embed_tokens

    def forward(
        self, ids: Tensor | None, attention_mask: Tensor | None = None, *, inputs_embeds: Tensor | None = None
    ) -> Tensor:
        """Returns logits [batch, labels]; see `LlamaModel.forward`."""
        logits: Tensor = self.score(self.pool(ids, attention_mask, inputs_embeds=inputs_embeds))
        return logits

    def pool(
        self, ids: Tensor | None, attention_mask: Tensor | None = None, *, inputs_embeds: Tensor | None = None
    ) -> Tensor:
        """Returns the state of the last real token, [batch, dim]; see `LlamaModel.forward`."""
        hidden: Tensor = self.model(ids, attention_mask, inputs_embeds=inputs_embeds)
        if attention_mask is None:
            return hidden[:, -1]
        place = torch.arange(hidden.shape[1], device=hidden.device)
        return hidden[torch.arange(len(hidden), device=hidden.device), (attention_mask * place).argmax(dim=1)]

    @property
    def head(self) -> nn.Linear:
        return self.score


@torch.no_grad()
def initialize(network: nn.Module, config: LlamaConfig, seed: int | torch.Generator) -> None:
    """Sets all weights: normal with ``initializer_range``, biases zero, normalizations one.

    The projections that are added to the residual stream start smaller by the root of twice the layers (Radford et al.
    2019, GPT-2, section 2.3).

    Args:
        network: any of the above.
        config: its numbers.
        seed: decides all random numbers; or the generator they come from.
    """
    generator = seed if isinstance(seed, torch.Generator) else torch.Generator().manual_seed(seed)
    for name, module in network.named_modules():
        if isinstance(module, nn.RMSNorm):
            nn.init.ones_(module.weight)
        if name.endswith("lm_head") and config.tie_word_embeddings:
            continue
        if isinstance(module, nn.Linear | nn.Embedding):
            is_added = name.endswith(("o_proj", "down_proj"))
            spread = config.initializer_range / (math.sqrt(2 * config.num_hidden_layers) if is_added else 1.0)
            nn.init.normal_(module.weight, std=spread, generator=generator)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)


def training_flops_per_token(config: LlamaConfig, row_tokens: int) -> int:
    """Returns 6 operations for each weight of the layers, and 12 for each pair of tokens and dimension.

    Hoffmann et al. 2022, arXiv 2203.15556, appendix F; embeddings and heads are left out, and pairs count whole, as is
    usual, though half of them are hidden.
    """
    heads, groups = config.num_attention_heads * config.width, config.groups * config.width
    weights = config.hidden_size * (2 * heads + 2 * groups + 3 * config.intermediate_size)
    return config.num_hidden_layers * (6 * weights + 12 * row_tokens * heads)


LLAMA = Architecture(
    name="llama",
    config_class=LlamaConfig,
    objectives=frozenset({"causal"}),
    language_model=LlamaForCausalLM,
    classifier=LlamaForSequenceClassification,
    initialize=initialize,
    fresh_shape={
        "hidden_size": 256,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "intermediate_size": 688,
        "tie_word_embeddings": True,
    },
    shape_of_depth=shape_of_depth,
    learning_rate=1e-3,
    dial_rate=1e-3,
    embedding_size=lambda config: int(config.hidden_size),
    training_flops_per_token=training_flops_per_token,
    adapted=("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
    closes_borders="always",
)
MISTRAL, QWEN2, QWEN3 = (
    replace(LLAMA, name=kind.model_type, config_class=kind, fresh_shape={**LLAMA.fresh_shape, "num_key_value_heads": 4})
    for kind in (MistralConfig, Qwen2Config, Qwen3Config)
)


def is_llama(architecture: Architecture) -> bool:
    """Whether its language models are decoders of the Llama family, which the decoding engine writes by."""
    kind = architecture.language_model
    return isinstance(kind, type) and issubclass(kind, LlamaForCausalLM)
