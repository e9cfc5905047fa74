"""What an architecture offers to the floors above, and how it is registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from penjing.errors import ModelFolderError, RecipeError, UsageError, nearest
from penjing.models.cache import Memory
from penjing.models.config import Head, NetworkConfig, family_of
from penjing.models.plausible import check_plausible
from penjing.registry import load_registered

FROM_TOKENIZER = frozenset({"vocab_size", "pad_token_id", "eos_token_id", "decoder_start_token_id"})
FROM_ITEMS = frozenset({"num_items", "text_width"})


class Network(Protocol):
    """What every network has.

    Attributes:
        backbone: the module whose weights pretraining leaves to fine-tuning.
        input_embeddings: the vectors of the vocabulary, [vocab, dim].
    """

    @property
    def backbone(self) -> nn.Module: ...

    @property
    def input_embeddings(self) -> nn.Embedding: ...


class OutputLayer(NamedTuple):
    """The last step before the scores of a vocabulary, which are ``linear(states, weight, bias)``.

    Attributes:
        states: what is scored, [..., dim].
        weight: a vector for each entry of the vocabulary, [vocab, dim].
        bias: a number for each, [vocab]; or none.
    """

    states: Tensor
    weight: Tensor
    bias: Tensor | None


class LanguageModel(Network, Protocol):
    """A network that scores the words of its vocabulary."""

    def encode(self, ids: Tensor, attention_mask: Tensor | None = None, *, documents: Tensor | None = None) -> Tensor:
        """Returns hidden states [batch, time, dim].

        Args:
            ids: token ids, int64 [batch, time].
            attention_mask: true where a token is real, bool [batch, time]; None where nothing is padding.
            documents: the number of the document that each token is of, int64 [batch, time]: tokens look at those of
                their own only. None: at all. One that never ``closes_borders`` takes None only.
        """

    def output_layer(self, hidden: Tensor) -> OutputLayer:
        """Returns what gives the logits of hidden states [..., dim], for those who do not want all logits at once."""

    def score(self, hidden: Tensor) -> Tensor:
        """Returns logits [..., vocab] of hidden states [..., dim]."""


@runtime_checkable
class ItemRanker(Protocol):
    """A network that reads what a user had, and scores items by it; item number 0 is padding.

    Attributes:
        backbone: what reads histories.
    """

    @property
    def backbone(self) -> nn.Module: ...

    def put_texts(self, texts: Tensor) -> None:
        """Sets the texts of all items, number 0 among them: token ids [items + 1, time], or vectors of an encoder."""

    def text_vectors(self, texts: Tensor) -> Tensor:
        """Returns the vectors of items that are known by their texts alone, [items, dim]."""

    def item_vectors(self) -> Tensor:
        """Returns the vectors of all items, number 0 among them, [items + 1, dim]."""

    def read(self, vectors: Tensor, mask: Tensor | None) -> Tensor:
        """Returns a state for each place of histories, [batch, time, dim].

        Args:
            vectors: of the items, [batch, time, dim].
            mask: true where there is an item, bool [batch, time]; None where nothing is padding.
        """

    def encode(self, ids: Tensor, attention_mask: Tensor | None = None, *, documents: Tensor | None = None) -> Tensor:
        """Returns the same of histories given as item numbers, int64 [batch, time]."""

    def rank_by(self, hidden: Tensor, vectors: Tensor) -> OutputLayer:
        """Returns what scores items, given their vectors [items, dim], by states [..., dim]."""

    def output_layer(self, hidden: Tensor) -> OutputLayer:
        """Returns what scores all items by states [..., dim]."""


class NextTokenModel(LanguageModel, Protocol):
    """A language model that guesses each token from those on one side of it."""

    def next_token_pairs(
        self, ids: Tensor, attention_mask: Tensor | None = None, *, documents: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Returns hidden states to `score` [n, dim], and the ids they should guess [n]; no padding among them.

        Arguments as for `encode`.
        """


@runtime_checkable
class EncoderDecoderModel(Network, Protocol):
    """A language model that reads one text whole, then writes another token by token.

    Attributes:
        decoder_start_id: the token that the decoder reads first; what it should write is shifted behind it.
    """

    @property
    def decoder_start_id(self) -> int: ...

    def encode(self, ids: Tensor, attention_mask: Tensor | None = None, *, documents: Tensor | None = None) -> Tensor:
        """Returns the encoder's hidden states [batch, time, dim]; arguments as for `LanguageModel.encode`."""

    def decode(
        self,
        ids: Tensor,
        encoded: Tensor,
        attention_mask: Tensor | None = None,
        *,
        documents: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Returns the decoder's hidden states, to `score`, [batch, targets, dim].

        Args:
            ids: what the decoder reads, int64 [batch, targets]: the start token, then what was written so far, padding
                on the right; the state at each place guesses the token after it.
            encoded: what `encode` returned, [batch, time, dim].
            attention_mask: the one given to `encode`.
            documents: of each token that the decoder reads, and of each that the encoder did; None: they look at all.
        """

    def start(self, prompt: Tensor, room: int, attention_mask: Tensor | None = None) -> tuple[Memory, Tensor]:
        """Encodes prompts, and begins texts with the start token; see `GeneratingModel`.

        Args:
            prompt: token ids, int64 [batch, time].
            room: most tokens that are written.
            attention_mask: true where a token is real, bool [batch, time]; None where nothing is padding.
        """

    def output_layer(self, hidden: Tensor) -> OutputLayer:
        """Returns what gives the logits of the decoder's hidden states [..., dim]."""

    def score(self, hidden: Tensor) -> Tensor:
        """Returns logits [..., vocab] of the decoder's hidden states [..., dim]."""


@runtime_checkable
class GeneratingModel(Protocol):
    """A language model that reads on from where it stopped.

    Attributes:
        longest_row: tokens that fit into its positions; None where there is no limit.
    """

    @property
    def longest_row(self) -> int | None: ...

    def start(self, prompt: Tensor, room: int) -> tuple[Memory, Tensor]:
        """Begins texts: returns a memory with room for so many more tokens, and the ids to `read` first.

        A decoder reads the prompt, and goes on with it. An encoder-decoder has encoded the prompt, and the text begins
        with its start token.

        Args:
            prompt: token ids without padding, int64 [batch, time].
            room: most tokens that are written after it.
        """

    def read(self, ids: Tensor, cache: Any) -> Tensor:
        """Reads new tokens, int64 [batch, time], after those that the cache holds, and adds them to it.

        Returns their hidden states, [batch, time, dim], to `score`.
        """

    def score(self, hidden: Tensor) -> Tensor: ...


class Classifier(Network, Protocol):
    """A network that scores labels."""

    def __call__(
        self, ids: Tensor | None, attention_mask: Tensor | None = None, *, inputs_embeds: Tensor | None = None
    ) -> Tensor:
        """Returns logits [batch, labels].

        Args:
            ids: token ids, int64 [batch, time]; None where ``inputs_embeds`` is given.
            attention_mask: true where a token is real, bool [batch, time]; None where nothing is padding.
            inputs_embeds: what `input_embeddings` would give, [batch, time, dim].
        """


class SpanScorer(Network, Protocol):
    """A network that scores where an answer begins and ends."""

    def __call__(
        self, ids: Tensor, attention_mask: Tensor | None = None, *, token_type_ids: Tensor | None = None
    ) -> Tensor:
        """Returns how much each token is the first and the last of the answer, logits [batch, time, 2].

        Args:
            ids: token ids, int64 [batch, time].
            attention_mask: true where a token is real, bool [batch, time]; None where nothing is padding.
            token_type_ids: 0 for the question, 1 for the text, int64 [batch, time].
        """


@runtime_checkable
class VectorClassifier(Protocol):
    """A classifier that makes one vector of a row, and scores labels by a linear layer over it.

    Attributes:
        head: that layer; training drops some of what it reads, use does not.
    """

    @property
    def head(self) -> nn.Linear: ...

    def pool(
        self, ids: Tensor | None, attention_mask: Tensor | None = None, *, inputs_embeds: Tensor | None = None
    ) -> Tensor:
        """Returns what the head reads, [batch, dim]; arguments as for `Classifier`."""


@runtime_checkable
class AttentionClassifier(Protocol):
    """A classifier whose layers are of attention."""

    def attention_weights(self, ids: Tensor) -> tuple[list[Tensor], Tensor]:
        """Returns how much each token looks at each, layer by layer, [batch, heads, time, time], rows adding up to 1.

        With it, how much of each token of the last layer the classifier reads, [batch, time], adding up to 1.

        Args:
            ids: token ids without padding, int64 [batch, time].
        """


@dataclass(frozen=True)
class Architecture:
    """A family of networks; the entry points ``penjing.models`` return one each.

    Attributes:
        name: how recipes call it.
        config_class: its config.
        objectives: what its language model can learn: ``masked``, ``causal``, ``span``, ``denoise``.
        language_model: builds the `LanguageModel` of a config; weights are unset until `initialize` or `load_weights`.
        classifier: builds the `Classifier` of a config and a number of labels, likewise.
        initialize: sets all weights of a network, from its config and a seed or generator alone.
        fresh_shape: config values of a fresh network where a recipe names none; it suits a CPU.
        shape_of_depth: config values of a fresh network of so many layers, each 64 numbers wide for every layer.
        learning_rate: AdamW's at its highest that suits a fresh network.
        dial_rate: AdamW's at its highest that suits a fresh language model of 4 layers, 256 wide.
        beginning: how a fresh language model of a config begins by its ``begin``, another text where that sets other
            weights than before; None: as it is drawn.
        embedding_rate: AdamW's at its highest that suits the embeddings of a config in a fresh language model; None: as
            for the rest.
        dial_dropout: what suits its pretraining; None: what its config says.
        embedding_size: width of the `input_embeddings` of a config.
        closes_borders: when its language model is given ``documents``, so that no token looks at another one: always,
            where a recipe asks for it, because it costs more; or never, for it does not take them.
        adapted: what its matrices of attention and feed-forward, which adapters are given to, end in; see
            `penjing.models.lora.choose`.
        adapter_rate: AdamW's at its highest that suits adapters, where it was measured; None: as for a fresh network.
        training_flops_per_token: floating-point operations, forward and backward, that the backbone spends on a token
            of a row of so many tokens.
        is_encoder_decoder: whether its language model is an `EncoderDecoderModel`.
        span_scorer: builds the `SpanScorer` of a config; None: it has none.
        ranks_items: whether its language model is an `ItemRanker`, and it has no classifier.
        initialization: raised when `initialize` would set other weights from the same seed.
    """

    name: str
    config_class: type[NetworkConfig]
    objectives: frozenset[str]
    language_model: Callable[[Any], nn.Module]
    classifier: Callable[[Any, int], nn.Module]
    initialize: Callable[[nn.Module, Any, int | torch.Generator], None]
    fresh_shape: Mapping[str, bool | int | float | str]
    shape_of_depth: Callable[[int], dict[str, Any]]
    learning_rate: float
    dial_rate: float
    embedding_size: Callable[[Any], int]
    training_flops_per_token: Callable[[Any, int], int]
    adapted: tuple[str, ...] = ()
    adapter_rate: float | None = None
    beginning: Callable[[Any], str | None] = lambda config: None
    embedding_rate: Callable[[Any], float | None] = lambda config: None
    dial_dropout: float | None = None
    closes_borders: Literal["always", "where asked", "never"] = "never"
    is_encoder_decoder: bool = False
    span_scorer: Callable[[Any], nn.Module] | None = None
    ranks_items: bool = False
    initialization: int = 1

    @property
    def writes_text(self) -> bool:
        """Whether its language model is a `GeneratingModel`."""
        return self.is_encoder_decoder or "causal" in self.objectives

    @property
    def writes_answers(self) -> bool:
        """Whether a question about a text is answered in words, for it can write and finds no places in texts."""
        return self.writes_text and self.span_scorer is None

    def config_from_dict(self, values: Mapping[str, Any]) -> Any:
        """Reads a config; keys that are not known are ignored.

        Raises:
            UsageError: a value is impossible.
        """
        return self.config_class.from_dict(values, where=f"the shape of the {self.name} model")

    def config_to_dict(self, config: Any, *, head: Head, labels: Sequence[str] = ()) -> dict[str, Any]:
        """Returns the config as ``config.json`` holds it."""
        written: dict[str, Any] = config.to_dict(head=head, labels=labels)
        return written

    def check_shape(self, shape: Mapping[str, Any], *, where: str) -> None:
        """Checks the names in a recipe's ``[model] shape``.

        Raises:
            RecipeError: the architecture has no such entry, or the tokenizer decides it.
        """
        known = {field.name for field in fields(self.config_class)} - FROM_TOKENIZER - FROM_ITEMS
        for name in shape:
            for decided, by in ((FROM_ITEMS, "items decide"), (FROM_TOKENIZER, "tokenizer decides")):
                if name in decided:
                    what = f"[model] shape sets {name}, which the {by}"
                    raise RecipeError(what, where=where, do=f"Remove {name}.")
            if name not in known:
                raise RecipeError(
                    f'[model] shape has an entry "{name}" that {self.name} does not know',
                    where=where,
                    do=nearest(name, known),
                )


def open_config(values: Mapping[str, Any], path: Path) -> tuple[Architecture, Any]:
    """Returns the architecture that a ``config.json`` is of, and its config.

    Args:
        values: the document.
        path: where it lies, named in errors.

    Raises:
        ModelFolderError: the architecture is not known, a value is impossible, or the weights beside it are too few for
            it: the folder is damaged or foreign, the call is not wrong.
    """
    try:
        architecture: Architecture = load_registered("models", family_of(values))
        config = architecture.config_from_dict(values)
    except UsageError as error:
        do = f"{error.do} If nobody changed the file, copy it again.".strip()
        raise ModelFolderError(error.what, where=str(path), do=do) from error
    check_plausible(config, architecture.embedding_size(config), path)
    return architecture, config


def count_parameters(network: nn.Module) -> int:
    """Returns how many numbers a network has to learn, those that are frozen included; tied ones count once."""
    return sum(parameter.numel() for parameter in network.parameters())
