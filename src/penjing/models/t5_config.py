"""The numbers of a T5, as the hub's ``config.json`` holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from penjing.errors import UsageError
from penjing.models.config import Head, NetworkConfig

FeedForward = Literal["relu", "gelu", "gated-gelu", "gated-silu"]
# What the hub's config can ask for that this file does not compute.
_REFUSED = {"is_decoder": False, "is_encoder_decoder": True}


@dataclass(frozen=True)
class T5Config(NetworkConfig):
    """The numbers of a T5; names and defaults are those of the hub, which are of the first release.

    T5 v1.1 has ``feed_forward_proj = "gated-gelu"`` and ``tie_word_embeddings = false``.

    Attributes:
        d_model: width of the hidden states.
        d_kv: numbers a head; the heads together need not be as wide as ``d_model``.
        d_ff: width inside of the feed-forward networks.
        num_layers: of the encoder.
        num_decoder_layers: of the decoder; None: as many.
        relative_attention_num_buckets: numbers a head learns for distances; see `relative_buckets`.
        relative_attention_max_distance: distances from here on are one to it.
        feed_forward_proj: its function, and whether a second projection is multiplied in (``gated-``); ``gated-gelu``
            is the approximation by a tanh, as in the release, ``gelu`` is not.
        initializer_factor: on the spread of all weights at the start.
        tie_word_embeddings: whether words are scored with their embeddings.
        scale_decoder_outputs: whether what is scored is divided by the root of ``d_model``; None: where the embeddings
            are tied. Transformers 5 writes ``tie_word_embeddings = true`` beside a false here for a T5 v1.1: then the
            weight file decides; see `has_own_head`.
        eos_token_id: ends a text; a classifier reads its state. None: the last real token's.
        decoder_start_token_id: what the decoder reads first; None: the padding.

    Raises:
        UsageError: a number is impossible.
    """

    model_type: ClassVar[str] = "t5"
    class_names: ClassVar[Mapping[Head, str]] = {
        "backbone": "T5Model",
        "language": "T5ForConditionalGeneration",
        "classifier": "T5ForSequenceClassification",
    }

    vocab_size: int = 32128
    d_model: int = 512
    d_kv: int = 64
    d_ff: int = 2048
    num_layers: int = 6
    num_decoder_layers: int | None = None
    num_heads: int = 8
    relative_attention_num_buckets: int = 32
    relative_attention_max_distance: int = 128
    dropout_rate: float = 0.1
    classifier_dropout: float = 0.0
    layer_norm_epsilon: float = 1e-6
    initializer_factor: float = 1.0
    feed_forward_proj: FeedForward = "relu"
    tie_word_embeddings: bool = True
    scale_decoder_outputs: bool | None = None
    eos_token_id: int | None = 1
    decoder_start_token_id: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.relative_attention_num_buckets < 4:
            raise UsageError(
                f"relative_attention_num_buckets is {self.relative_attention_num_buckets}, too few to tell near from "
                "far in both directions",
                do="Give at least 4; 32 are usual.",
            )
        if self.relative_attention_max_distance <= self.relative_attention_num_buckets // 2:
            raise UsageError(
                f"relative_attention_max_distance is {self.relative_attention_max_distance}, but half of the "
                f"{self.relative_attention_num_buckets} buckets are for one distance each, and the others for longer "
                "ones up to it",
                do=f"Give more than {self.relative_attention_num_buckets // 2}, or fewer "
                "relative_attention_num_buckets.",
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, where: str = "config") -> Self:
        for key, computed in _REFUSED.items():
            if values.get(key, computed) != computed:
                raise UsageError(
                    f"{key} is {values[key]!r}, which is not computed here",
                    where=where,
                    do=f"Only {computed!r} is; choose another model.",
                )
        read = dict(values)
        if isinstance(read.get("eos_token_id"), list):  # several end a text, which generation_config.json says too
            read["eos_token_id"] = next(iter(read["eos_token_id"]), None)
        if read.get("scale_decoder_outputs") == read.get("tie_word_embeddings", True):
            read["scale_decoder_outputs"] = None  # so that it follows where a recipe changes the other
        return super().from_dict(read, where=where)

    def to_dict(self, *, head: Head = "language", labels: Sequence[str] = ()) -> dict[str, Any]:
        return {
            **super().to_dict(head=head, labels=labels),
            "is_encoder_decoder": True,
            "num_decoder_layers": self.decoder_layers,
            "tie_word_embeddings": not self.has_own_head,
            "scale_decoder_outputs": self.scales_output,
            "decoder_start_token_id": self.start_id,
        }

    @property
    def inner(self) -> int:
        """Width of all heads together."""
        return self.num_heads * self.d_kv

    @property
    def decoder_layers(self) -> int:
        """How many the decoder has."""
        return self.num_decoder_layers or self.num_layers

    @property
    def is_gated(self) -> bool:
        """Whether a second projection is multiplied in."""
        return self.feed_forward_proj.startswith("gated-")

    @property
    def scales_output(self) -> bool:
        """Whether what is scored is divided by the root of ``d_model``."""
        return self.tie_word_embeddings if self.scale_decoder_outputs is None else self.scale_decoder_outputs

    @property
    def has_own_head(self) -> bool:
        """Whether words are scored with a matrix of its own.

        Where ``tie_word_embeddings`` is true and the output is not scaled, the file holds that matrix or not; it is one
        of its own here either way, with the numbers of the embeddings where the file has no others.
        """
        return not (self.tie_word_embeddings and self.scales_output)

    @property
    def start_id(self) -> int:
        """What the decoder reads first."""
        return self.pad_token_id if self.decoder_start_token_id is None else self.decoder_start_token_id


def shape_of_depth(depth: int) -> dict[str, Any]:
    """Returns the shape of an encoder and a decoder of so many layers each: v1.1, heads of 64, inside 8/3 as wide."""
    width = 64 * depth
    return {
        "d_model": width,
        "d_kv": 64,
        "num_heads": depth,
        "num_layers": depth,
        "d_ff": -(-width * 8 // (3 * 16)) * 16,
        "feed_forward_proj": "gated-gelu",
        "tie_word_embeddings": False,
    }
