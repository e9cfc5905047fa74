"""The numbers of a Llama and its relatives Qwen 2, Qwen 3 and Mistral, as the hub's ``config.json`` holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from penjing.errors import UsageError
from penjing.models.config import Head, NetworkConfig
from penjing.models.rotary import Rotary, RotaryKind

# What the hub's config can ask for that this file does not compute.
_REFUSED = {"use_sliding_window": False, "partial_rotary_factor": 1.0}
_ROPE_NAMES = {
    "factor": "rope_factor",
    "low_freq_factor": "rope_low_freq_factor",
    "high_freq_factor": "rope_high_freq_factor",
    "original_max_position_embeddings": "rope_original_positions",
}
# What the hub takes where a config of Qwen does not say them.
_QWEN_WINDOW, _QWEN_FULL_LAYERS = 4096, 28
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "default": (),
    "linear": ("factor",),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor"),
}


@dataclass(frozen=True)
class LlamaConfig(NetworkConfig):
    """The numbers of a Llama; names and defaults are those of the hub, whose nested rotary settings lie flat here.

    Attributes:
        num_key_value_heads: heads of keys and values; None: as many as of queries.
        head_dim: numbers a head; None: ``hidden_size`` shared among the heads.
        sliding_window: how many tokens back a token sees; None: all.
        rope_type: ``default``, ``linear`` or ``llama3``; see `Rotary` for this and the next five.

    Raises:
        UsageError: a number is impossible.
    """

    model_type: ClassVar[str] = "llama"
    class_names: ClassVar[Mapping[Head, str]] = {
        "backbone": "LlamaModel",
        "language": "LlamaForCausalLM",
        "classifier": "LlamaForSequenceClassification",
    }
    has_query_bias: ClassVar[bool | None] = None  # queries, keys and values; None: as attention_bias says
    has_query_norm: ClassVar[bool] = False  # queries and keys
    unused: ClassVar[tuple[str, ...]] = ("sliding_window",)  # what the hub's class of this type does not compute

    vocab_size: int = 32000
    hidden_size: int = 4096
    intermediate_size: int = 11008
    num_hidden_layers: int = 32
    num_attention_heads: int = 32
    num_key_value_heads: int | None = None
    head_dim: int | None = None
    hidden_act: Literal["silu", "gelu", "gelu_pytorch_tanh"] = "silu"
    max_position_embeddings: int = 2048
    rms_norm_eps: float = 1e-6
    initializer_range: float = 0.02
    tie_word_embeddings: bool = False
    attention_bias: bool = False
    mlp_bias: bool = False
    attention_dropout: float = 0.0
    sliding_window: int | None = None
    rope_type: RotaryKind = "default"
    rope_theta: float = 10_000.0
    rope_factor: float = 1.0
    rope_low_freq_factor: float = 1.0
    rope_high_freq_factor: float = 4.0
    rope_original_positions: int = 8192

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.unused:
            if getattr(self, name):
                raise UsageError(
                    f"{name} is {getattr(self, name)!r}, which a {self.model_type} does not have", do=f"Remove {name}."
                )
        if self.head_dim is None and self.hidden_size % self.num_attention_heads:
            raise UsageError(
                f"hidden_size {self.hidden_size} cannot be shared among {self.num_attention_heads} heads",
                do="Choose num_attention_heads so that it divides hidden_size, or set head_dim.",
            )
        if self.num_attention_heads % self.groups:
            raise UsageError(
                f"{self.num_attention_heads} heads cannot share {self.groups} heads of keys and values",
                do="Choose num_key_value_heads so that it divides num_attention_heads.",
            )
        if self.width % 2:
            raise UsageError(
                f"a head has {self.width} numbers, and rotary positions turn them in pairs", do="Make it even."
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, where: str = "config") -> Self:
        _refuse(values, where)
        flat = {key: value for key, value in values.items() if key != "pad_token_id" or value != -1}
        return super().from_dict({**flat, **_flat_rope(values, where)}, where=where)

    def to_dict(self, *, head: Head = "language", labels: Sequence[str] = ()) -> dict[str, Any]:
        written = super().to_dict(head=head, labels=labels)
        rope = {"rope_type": written.pop("rope_type"), "rope_theta": self.rope_theta}
        scaling = {theirs: written.pop(ours) for theirs, ours in _ROPE_NAMES.items()}
        used = tuple(scaling) if self.rope_type == "llama3" else _NEEDED[self.rope_type]
        written |= {"head_dim": self.width, "num_key_value_heads": self.groups}
        return {**written, "rope_parameters": {**rope, **{name: scaling[name] for name in used}}}

    @property
    def width(self) -> int:
        """Numbers a head."""
        return self.head_dim or self.hidden_size // self.num_attention_heads

    @property
    def groups(self) -> int:
        """Heads of keys and values."""
        return self.num_key_value_heads or self.num_attention_heads

    @property
    def rotary(self) -> Rotary:
        """How positions turn queries and keys."""
        return Rotary(
            self.rope_type,
            self.rope_theta,
            self.rope_factor,
            self.rope_low_freq_factor,
            self.rope_high_freq_factor,
            self.rope_original_positions,
        )


def _refuse(values: Mapping[str, Any], where: str) -> None:
    """Refuses what a config, or its rotary settings, ask for and this file does not compute.

    Raises:
        UsageError: there is such a thing.
    """
    for key, computed in _REFUSED.items():
        if values.get(key, computed) != computed:
            raise UsageError(
                f"{key} is {values[key]!r}, which is not computed here",
                where=where,
                do=f"Only {computed!r} is; choose another model.",
            )


def _flat_rope(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Returns a hub config's rotary settings, old (``rope_scaling``) or new (``rope_parameters``), under our names.

    Where both are there, the old ones count, as on the hub: they are added by hand to what its tools have written.

    Raises:
        UsageError: they are of a kind that is not computed here.
    """
    nested = values.get("rope_scaling") or values.get("rope_parameters") or {}
    if not isinstance(nested, Mapping):
        raise UsageError(
            f"rope_parameters (of older configs rope_scaling) is {nested!r:.60}, which is no table of names and values",
            where=where,
            do="Copy config.json again.",
        )
    _refuse(nested, where)
    kind = nested.get("rope_type", nested.get("type", values.get("rope_type", "default")))
    if not isinstance(kind, str) or kind not in _NEEDED:
        raise UsageError(
            f'rotary positions are of the kind "{kind}", which is not computed here',
            where=where,
            do="default, linear and llama3 are; choose another model.",
        )
    known = {ours: nested[theirs] for theirs, ours in _ROPE_NAMES.items() if theirs in nested}
    longest = values.get("original_max_position_embeddings", values.get("max_position_embeddings"))
    if kind == "llama3" and longest is not None and "rope_original_positions" not in values:
        known = {"rope_original_positions": longest, **known}
    missing = [theirs for theirs in _NEEDED[kind] if _ROPE_NAMES[theirs] not in {*known, *values}]
    if missing:
        raise UsageError(
            f'rotary positions of the kind "{kind}" lack {", ".join(missing)}',
            where=where,
            do="Copy config.json again, or name them.",
        )
    theta = {"rope_theta": nested["rope_theta"]} if "rope_theta" in nested else {}
    return {**known, **theta, "rope_type": kind}


@dataclass(frozen=True)
class MistralConfig(LlamaConfig):
    """A Llama that sees ``sliding_window`` tokens back (Jiang et al. 2023, arXiv 2310.06825)."""

    model_type: ClassVar[str] = "mistral"
    class_names: ClassVar[Mapping[Head, str]] = {
        "backbone": "MistralModel",
        "language": "MistralForCausalLM",
        "classifier": "MistralForSequenceClassification",
    }
    unused: ClassVar[tuple[str, ...]] = ("attention_bias", "mlp_bias")

    intermediate_size: int = 14336
    num_key_value_heads: int | None = 8
    max_position_embeddings: int = 131_072
    sliding_window: int | None = 4096


@dataclass(frozen=True)
class Qwen2Config(LlamaConfig):
    """A Llama whose queries, keys and values have a bias (Qwen Team 2024, arXiv 2407.10671)."""

    model_type: ClassVar[str] = "qwen2"
    class_names: ClassVar[Mapping[Head, str]] = {
        "backbone": "Qwen2Model",
        "language": "Qwen2ForCausalLM",
        "classifier": "Qwen2ForSequenceClassification",
    }
    unused: ClassVar[tuple[str, ...]] = ("attention_bias", "mlp_bias", "sliding_window")
    has_query_bias: ClassVar[bool | None] = True

    vocab_size: int = 151_936
    intermediate_size: int = 22_016
    num_key_value_heads: int | None = 32
    max_position_embeddings: int = 32_768

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, where: str = "config") -> Self:
        # A config.json of the hub may name a window, which counts only where use_sliding_window is true, and that is
        # refused where it changes anything. A recipe's shape that names one means it.
        if values.get("use_sliding_window") is True and not cls._sees_less(values):
            values = {**values, "use_sliding_window": False}
        window = None if {"model_type", "use_sliding_window"} & set(values) else values.get("sliding_window")
        return super().from_dict({**values, "sliding_window": window}, where=where)

    @classmethod
    def _sees_less(cls, values: Mapping[str, Any]) -> bool:
        """Whether a window that a config of the hub switches on keeps a token of any layer from seeing another.

        In Transformers the layers from ``max_window_layers`` on have it, unless ``layer_types`` says which.
        """
        window = values.get("sliding_window", _QWEN_WINDOW)
        longest = values.get("max_position_embeddings", cls.max_position_embeddings)
        if window is None or (isinstance(window, int) and isinstance(longest, int) and window >= longest):
            return False
        kinds = values.get("layer_types")
        if kinds is not None:
            return kinds != ["full_attention"] * len(kinds) if isinstance(kinds, list) else True
        first = values.get("max_window_layers", _QWEN_FULL_LAYERS)
        layers = values.get("num_hidden_layers", cls.num_hidden_layers)
        return not (isinstance(first, int) and isinstance(layers, int) and first >= layers)


@dataclass(frozen=True)
class Qwen3Config(Qwen2Config):
    """A Llama whose queries and keys are normalized (Qwen Team 2025, arXiv 2505.09388)."""

    model_type: ClassVar[str] = "qwen3"
    class_names: ClassVar[Mapping[Head, str]] = {
        "backbone": "Qwen3Model",
        "language": "Qwen3ForCausalLM",
        "classifier": "Qwen3ForSequenceClassification",
    }
    unused: ClassVar[tuple[str, ...]] = ("mlp_bias", "sliding_window")
    has_query_bias: ClassVar[bool | None] = None
    has_query_norm: ClassVar[bool] = True

    head_dim: int | None = 128


def shape_of_depth(depth: int) -> dict[str, Any]:
    """Returns the shape of a decoder of so many layers: heads of 64, inside 8/3 as wide, as SwiGLU has it.

    Below 12 layers words have no matrix of their own to be scored by: it would be a third of the parameters (Liu et al.
    2024, arXiv 2402.14905, section 2.2).
    """
    width = 64 * depth
    return {
        "hidden_size": width,
        "num_hidden_layers": depth,
        "num_attention_heads": depth,
        "num_key_value_heads": depth,
        "head_dim": 64,
        "intermediate_size": -(-width * 8 // (3 * 16)) * 16,
        "tie_word_embeddings": depth < 12,
    }
