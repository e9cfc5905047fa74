"""The parts that every BERT is made of: embeddings and layers; tensors named as on the hub."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from penjing.errors import UsageError
from penjing.models.attention import attend, attention_weights
from penjing.models.bert_config import BertConfig
from penjing.models.dropout import Dropout
from penjing.models.fused import add_and_norm, gelu, project_together

ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "gelu": gelu,
    "gelu_new": partial(F.gelu, approximate="tanh"),
    "relu": F.relu,
}


class BertEmbeddings(nn.Module):
    """Words, positions and segments added."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        dim = config.hidden_size
        self.word_embeddings = nn.Embedding(config.vocab_size, dim, padding_idx=config.pad_token_id)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, dim)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, dim)
        self.LayerNorm = nn.LayerNorm(dim, eps=config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob)

    def forward(self, words: Tensor, token_type_ids: Tensor | None) -> Tensor:
        time, longest = words.shape[1], self.position_embeddings.num_embeddings
        if time > longest:
            raise UsageError(
                f"a row of {time} tokens does not fit into the {longest} positions of this model",
                do="Lower [render] max_tokens, or the window of pretraining.",
            )
        positions = self.position_embeddings.weight[:time]  # [time, dim]
        if token_type_ids is None:
            added = positions + self.token_type_embeddings.weight[0]  # [time, dim]
        else:
            added = positions + self.token_type_embeddings(token_type_ids)  # [batch, time, dim]
        hidden: Tensor = self.dropout(self.LayerNorm(words + added))
        return hidden


class BertSelfAttention(nn.Module):
    """Every token, or every one of those that are asked for, looks at every real token."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        dim = config.hidden_size
        self.heads, self.dropout = config.num_attention_heads, Dropout(config.attention_probs_dropout_prob)
        self.query, self.key, self.value = nn.Linear(dim, dim), nn.Linear(dim, dim), nn.Linear(dim, dim)

    def forward(self, hidden: Tensor, mask: Tensor | None, asked: Tensor) -> Tensor:
        if asked is hidden:
            parts = project_together(hidden, (self.query, self.key, self.value))
        else:
            parts = self.query(asked), *project_together(hidden, (self.key, self.value))
        query, key, value = map(self._split, parts)
        mixed = attend(query, key, value, mask, self.dropout.share)
        return mixed.transpose(1, 2).reshape(asked.shape)

    def weigh(self, hidden: Tensor) -> Tensor:
        """Returns how much each token looks at each, [batch, heads, time, time], where nothing is padding."""
        return attention_weights(self._split(self.query(hidden)), self._split(self.key(hidden)), None)

    def _split(self, projected: Tensor) -> Tensor:
        batch, time, _ = projected.shape
        return projected.view(batch, time, self.heads, -1).transpose(1, 2)  # [batch, heads, time, dim / heads]


class BertOutput(nn.Module):
    """A projection, added to what went in, and normalized."""

    def __init__(self, inner: int, config: BertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(inner, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob)

    def forward(self, inner: Tensor, residual: Tensor) -> Tensor:
        return add_and_norm(self.dense(inner), residual, self.LayerNorm, self.dropout.share)


class BertAttention(nn.Module):
    """Self-attention and its output."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.self = BertSelfAttention(config)
        self.output = BertOutput(config.hidden_size, config)

    def forward(self, hidden: Tensor, mask: Tensor | None, asked: Tensor) -> Tensor:
        result: Tensor = self.output(self.self(hidden, mask, asked), asked)
        return result


class BertDense(nn.Module):
    """A linear layer with a function after it."""

    def __init__(self, dim: int, inner: int, activation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.dense = nn.Linear(dim, inner)
        self.activation = activation

    def forward(self, hidden: Tensor) -> Tensor:
        return self.activation(self.dense(hidden))


class BertLayer(nn.Module):
    """Attention, then a feed-forward network."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.attention = BertAttention(config)
        self.intermediate = BertDense(config.hidden_size, config.intermediate_size, ACTIVATIONS[config.hidden_act])
        self.output = BertOutput(config.intermediate_size, config)

    def forward(self, hidden: Tensor, mask: Tensor | None, asked: Tensor | None = None) -> Tensor:
        """Returns the next hidden states of the tokens asked for, [batch, asked, dim]; None: of all."""
        attended = self.attention(hidden, mask, hidden if asked is None else asked)
        result: Tensor = self.output(self.intermediate(attended), attended)
        return result


class BertEncoder(nn.Module):
    """The layers, one after another."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.layer = nn.ModuleList(BertLayer(config) for _ in range(config.num_hidden_layers))

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        for layer in self.layer:
            hidden = layer(hidden, mask)
        return hidden

    def first(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        """Returns the last hidden state of the first token, [batch, dim]; the last layer computes nothing else."""
        *before, last = self.layer
        for layer in before:
            hidden = layer(hidden, mask)
        # In order: rows with gaps are multiplied one text at a time, which rounds otherwise than a quantized base does.
        states: Tensor = last(hidden, mask, hidden[:, :1].contiguous())  # [batch, 1, dim]
        return states[:, 0]
