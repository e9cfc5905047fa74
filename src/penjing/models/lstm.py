"""A language model and classifier of LSTMs (Hochreiter & Schmidhuber 1997), ours.

The two directions are two stacks that meet only above the last layer (Peters et al. 2018, arXiv 1802.05365): neither
sees what the other read, so each can learn to guess the next token, and what they learned is used as it is when a
classifier reads both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.models.documents import read_apart
from penjing.models.dropout import Dropout
from penjing.models.interface import Architecture, OutputLayer
from penjing.models.lstm_config import LstmConfig, shape_of_depth
from penjing.models.native.recurrence import can_recur, recur_fused
from penjing.models.pooling import Pooling
from penjing.models.stored_names import StoredNames


@dataclass
class LstmStates:
    """Where reading from left to right stands.

    Attributes:
        layers: hidden state and cell of each layer, each [1, batch, hidden]; None before the first token.
    """

    layers: list[tuple[Tensor, Tensor] | None]

    def repeat(self, times: int) -> None:
        """Lets as many rows go on from each, next to each other; see `Memory`."""
        for index, states in enumerate(self.layers):
            if states is not None:
                hidden, cell = states
                self.layers[index] = hidden.repeat_interleave(times, dim=1), cell.repeat_interleave(times, dim=1)

    def reorder(self, rows: Tensor) -> None:
        """Lets each row go on from another; see `Memory`."""
        self.keep(rows)

    def keep(self, rows: Tensor) -> None:
        """Forgets all rows but these; see `Memory`."""
        for index, states in enumerate(self.layers):
            if states is not None:
                hidden, cell = states
                self.layers[index] = hidden.index_select(1, rows), cell.index_select(1, rows)


#: Whether PyTorch's LSTM stops where autocast asks for bf16: oneDNN knows none for processors without AVX-512.
_STOPS_IN_BF16 = torch.backends.mkldnn.is_available() and not torch.ops.mkldnn._is_mkldnn_bf16_supported()  # type: ignore[no-untyped-call]


def _pass(layer: nn.Module, hidden: Tensor, states: tuple[Tensor, Tensor] | None = None) -> Any:
    """Returns the hidden states of all steps, and those after the last; fp32 where PyTorch would stop in bf16."""
    is_asked = hidden.device.type == "cpu" and torch.is_autocast_enabled("cpu")
    if not (_STOPS_IN_BF16 and is_asked and all(part.dtype == torch.float32 for part in layer.parameters())):
        return layer(hidden, states)
    if states is not None:
        states = states[0].float(), states[1].float()
    with torch.autocast("cpu", enabled=False):
        outputs, states = layer(hidden.float(), states)
    return outputs.to(torch.get_autocast_dtype("cpu")), states


class LstmStack(nn.Module):
    """Layers that read from the left to the right."""

    def __init__(self, config: LstmConfig) -> None:
        super().__init__()
        widths = [config.embedding_size] + [config.hidden_size] * (config.num_hidden_layers - 1)
        self.layers = nn.ModuleList(nn.LSTM(width, config.hidden_size, batch_first=True) for width in widths)
        self.dropout = Dropout(config.dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        for index, layer in enumerate(self.layers):
            hidden = self.dropout(hidden) if index else hidden
            hidden = recur_fused(layer, hidden) if can_recur(layer, hidden) else _pass(layer, hidden)[0]
        return hidden

    def read(self, hidden: Tensor, states: LstmStates) -> Tensor:
        """Goes on from the states of the layers, and leaves there those after the last token."""
        for index, layer in enumerate(self.layers):
            hidden, states.layers[index] = _pass(layer, self.dropout(hidden) if index else hidden, states.layers[index])
        return hidden


class LstmModel(nn.Module):
    """Embeddings and one or two stacks.

    Args:
        config: its numbers.
    """

    stored_names: ClassVar[StoredNames] = StoredNames("")

    def __init__(self, config: LstmConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = nn.Embedding(config.vocab_size, config.embedding_size, padding_idx=config.pad_token_id)
        self.dropout = Dropout(config.embedding_dropout)
        self.left_to_right = LstmStack(config)
        self.right_to_left = LstmStack(config) if config.bidirectional else None

    def forward(
        self, ids: Tensor | None, attention_mask: Tensor | None = None, *, inputs_embeds: Tensor | None = None
    ) -> Tensor:
        """Returns hidden states [batch, time, directions * hidden]; those of padding mean nothing.

        Padding on the right changes nothing: the one direction meets it last, and for the other the real tokens are
        turned around in place. That is several times as fast on a CPU as packed sequences.

        Args:
            ids: token ids, int64 [batch, time]; None where ``inputs_embeds`` is given.
            attention_mask: true where a token is real, bool [batch, time], padding on the right; None where nothing is
                padding.
            inputs_embeds: word embeddings in place of ids, [batch, time, embedding].
        """
        words = self.dropout(self.embeddings(ids) if inputs_embeds is None else inputs_embeds)
        hidden: Tensor = self.left_to_right(words)
        if self.right_to_left is None:
            return hidden
        backward = _turn_around(self.right_to_left(_turn_around(words, attention_mask)), attention_mask)
        return torch.cat([hidden, backward], dim=-1)


def _turn_around(rows: Tensor, mask: Tensor | None) -> Tensor:
    """Reverses the real tokens of each row [batch, time, dim]; padding stays where it is."""
    if mask is None:
        return rows.flip(1)
    place = torch.arange(rows.shape[1], device=rows.device)  # [time]
    mirrored = mask.sum(dim=1, keepdim=True) - 1 - place  # [batch, time]
    source = torch.where(mirrored >= 0, mirrored, place)
    return rows.gather(1, source[..., None].expand_as(rows))


class LstmForCausalLM(nn.Module):
    """Guesses each token from those before it and, with a second direction, again from those after it.

    Both directions share embeddings and output layer.

    Args:
        config: its numbers.
    """

    stored_names: ClassVar[StoredNames] = StoredNames(backbone="lstm.", heads=("projection.", "decoder."))

    def __init__(self, config: LstmConfig) -> None:
        super().__init__()
        self.config = config
        self.lstm = LstmModel(config)
        self.dropout = Dropout(config.dropout)
        is_wide = config.hidden_size != config.embedding_size
        self.projection = nn.Linear(config.hidden_size, config.embedding_size) if is_wide else nn.Identity()
        self.decoder = LstmDecoder(config)

    @property
    def backbone(self) -> LstmModel:
        return self.lstm

    @property
    def input_embeddings(self) -> nn.Embedding:
        return self.lstm.embeddings

    def encode(self, ids: Tensor, attention_mask: Tensor | None = None, *, documents: Tensor | None = None) -> Tensor:
        """Returns hidden states [batch, time, directions * hidden]; with ``documents``, of each read by itself."""
        if documents is not None:
            return read_apart(self.lstm, ids, documents, self.config.pad_token_id)
        hidden: Tensor = self.lstm(ids, attention_mask)
        return hidden

    def output_layer(self, hidden: Tensor) -> OutputLayer:
        """Returns what gives the logits of hidden states of one direction, [..., hidden]; see `LanguageModel`."""
        words = self.input_embeddings.weight if self.decoder.weight is None else self.decoder.weight
        return OutputLayer(self.projection(self.dropout(hidden)), words, self.decoder.bias)

    @torch.no_grad()
    def begin(self, shares: Tensor, found: float) -> None:
        self.decoder.bias.copy_(shares.log())

    def score(self, hidden: Tensor) -> Tensor:
        """Returns logits [..., vocab] of hidden states of one direction, [..., hidden]."""
        return F.linear(*self.output_layer(hidden))

    @property
    def longest_row(self) -> None:
        return None

    def start(self, prompt: Tensor, room: int) -> tuple[LstmStates, Tensor]:
        """Returns the states before the first token and the prompt itself; see `GeneratingModel`."""
        return LstmStates([None] * self.config.num_hidden_layers), prompt

    def read(self, ids: Tensor, cache: LstmStates) -> Tensor:
        """Returns the hidden states of new tokens, [batch, time, hidden]; see `GeneratingModel`."""
        return self.lstm.left_to_right.read(self.lstm.dropout(self.lstm.embeddings(ids)), cache)

    def next_token_pairs(
        self, ids: Tensor, attention_mask: Tensor | None = None, *, documents: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Returns hidden states of one direction [n, hidden] and the ids they should guess [n].

        First come all pairs from left to right, row by row: token t and token t + 1; then, with a second direction,
        all from right to left: token t + 1, having read to the end of the row, and token t.
        """
        size, states = self.config.hidden_size, self.encode(ids, attention_mask, documents=documents)
        hidden, targets = [states[:, :-1, :size]], [ids[:, 1:]]  # [batch, time - 1, hidden], [batch, time - 1]
        if self.config.bidirectional:
            hidden.append(states[:, 1:, size:])
            targets.append(ids[:, :-1])
        if attention_mask is None:
            return torch.cat([part.flatten(0, 1) for part in hidden]), torch.cat([part.flatten() for part in targets])
        both_real = attention_mask[:, 1:]
        return torch.cat([part[both_real] for part in hidden]), torch.cat([part[both_real] for part in targets])


class LstmDecoder(nn.Module):
    """Scores words, with their embeddings or with a matrix of its own."""

    def __init__(self, config: LstmConfig) -> None:
        super().__init__()
        shape = config.vocab_size, config.embedding_size
        self.weight = None if config.tie_embeddings else nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))


class LstmForSequenceClassification(nn.Module):
    """Scores labels.

    Args:
        config: its numbers; ``pooling`` decides what the classifier reads.
        num_labels: how many labels there are.
    """

    stored_names: ClassVar[StoredNames] = StoredNames(backbone="lstm.")

    def __init__(self, config: LstmConfig, num_labels: int) -> None:
        super().__init__()
        self.config = config
        self.lstm = LstmModel(config)
        dim = config.directions * config.hidden_size
        self.pooling = None if config.pooling == "last" else Pooling(config.pooling, dim)
        self.dropout = Dropout(config.dropout)
        self.classifier = nn.Linear(dim if self.pooling is None else self.pooling.width, num_labels)

    @property
    def backbone(self) -> LstmModel:
        return self.lstm

    @property
    def input_embeddings(self) -> nn.Embedding:
        return self.lstm.embeddings

    def forward(
        self, ids: Tensor | None, attention_mask: Tensor | None = None, *, inputs_embeds: Tensor | None = None
    ) -> Tensor:
        """Returns logits [batch, labels]; see `LstmModel.forward`."""
        logits: Tensor = self.classifier(self.dropout(self.pool(ids, attention_mask, inputs_embeds=inputs_embeds)))
        return logits

    def pool(
        self, ids: Tensor | None, attention_mask: Tensor | None = None, *, inputs_embeds: Tensor | None = None
    ) -> Tensor:
        """Returns what the classifier reads, [batch, pooled width]; see `LstmModel.forward`."""
        hidden = self.lstm(ids, attention_mask, inputs_embeds=inputs_embeds)
        if self.pooling is None:
            return self._ends(hidden, attention_mask)
        pooled: Tensor = self.pooling(hidden, attention_mask)
        return pooled

    @property
    def head(self) -> nn.Linear:
        return self.classifier

    def _ends(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        """Returns where each direction ended, [batch, directions * hidden]."""
        size = self.config.hidden_size
        if mask is None:
            forward = hidden[:, -1, :size]
        else:
            rows = torch.arange(len(hidden), device=hidden.device)
            forward = hidden[rows, (mask.sum(dim=1) - 1).clamp(min=0), :size]
        return torch.cat([forward, hidden[:, 0, size:]], dim=-1)


@torch.no_grad()
def initialize(network: nn.Module, config: LstmConfig, seed: int | torch.Generator) -> None:
    """Sets all weights.

    Recurrent matrices are orthogonal gate by gate (Saxe et al. 2014, arXiv 1312.6120), input matrices uniform (Glorot
    & Bengio 2010), the forget gate's bias is 1 (Jozefowicz et al. 2015), the rest normal with ``initializer_range``;
    other biases and the padding's embedding are zero.

    Args:
        network: any of the above.
        config: its numbers.
        seed: decides all random numbers; or the generator they come from.
    """
    generator = seed if isinstance(seed, torch.Generator) else torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.LSTM):
            _initialize_layer(module, generator)
        if isinstance(module, nn.Linear | nn.Embedding | LstmDecoder) and module.weight is not None:
            nn.init.normal_(module.weight, std=config.initializer_range, generator=generator)
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            nn.init.zeros_(module.weight[module.padding_idx])
        if isinstance(module, nn.Linear | LstmDecoder) and module.bias is not None:
            nn.init.zeros_(module.bias)


def _initialize_layer(layer: nn.LSTM, generator: torch.Generator) -> None:
    parts = dict(layer.named_parameters())
    # The four gates lie above each other: input, forget, cell, output.
    for gate in parts["weight_ih_l0"].chunk(4):
        nn.init.xavier_uniform_(gate, generator=generator)
    for gate in parts["weight_hh_l0"].chunk(4):
        nn.init.orthogonal_(gate, generator=generator)
    nn.init.zeros_(parts["bias_ih_l0"])
    nn.init.zeros_(parts["bias_hh_l0"])
    nn.init.ones_(parts["bias_ih_l0"].chunk(4)[1])


def training_flops_per_token(config: LstmConfig, row_tokens: int) -> int:
    """Returns 6 operations for each weight of the layers, whatever the length of the row."""
    widths = [config.embedding_size] + [config.hidden_size] * (config.num_hidden_layers - 1)
    weights = sum(4 * config.hidden_size * (width + config.hidden_size) for width in widths)
    return 6 * config.directions * weights


LSTM = Architecture(
    name="lstm",
    config_class=LstmConfig,
    objectives=frozenset({"causal"}),
    language_model=LstmForCausalLM,
    classifier=LstmForSequenceClassification,
    initialize=initialize,
    fresh_shape={},
    shape_of_depth=shape_of_depth,
    learning_rate=2e-3,
    dial_rate=8e-3,
    beginning=lambda config: "by frequency",
    embedding_size=lambda config: int(config.embedding_size),
    training_flops_per_token=training_flops_per_token,
    adapted=("weight_ih_l0", "weight_hh_l0"),
    closes_borders="where asked",
)
