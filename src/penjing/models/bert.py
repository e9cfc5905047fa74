"""BERT (Devlin et al. 2019, arXiv 1810.04805), post-norm, with learned positions; tensors named as on the hub."""

from __future__ import annotations

from typing import ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.models.attention import same_document
from penjing.models.bert_config import BertConfig, shape_of_depth
from penjing.models.bert_layers import ACTIVATIONS, BertDense, BertEmbeddings, BertEncoder, BertLayer
from penjing.models.dropout import Dropout
from penjing.models.interface import Architecture, OutputLayer
from penjing.models.near_heads import look_at_neighbours
from penjing.models.pooling import Pooling
from penjing.models.stored_names import StoredNames


class BertModel(nn.Module):
    """The encoder.

    Args:
        config: its numbers.
        has_pooler: whether the hub's pooler over the first token is there.
    """

    stored_names: ClassVar[StoredNames] = StoredNames(
        "", optional=("pooler.",), leftovers=(r"position_ids$", r"^cls\."), elsewhere="bert."
    )

    def __init__(self, config: BertConfig, *, has_pooler: bool = True) -> None:
        super().__init__()
        self.config = config
        self.embeddings = BertEmbeddings(config)
        self.encoder = BertEncoder(config)
        self.pooler = BertDense(config.hidden_size, config.hidden_size, torch.tanh) if has_pooler else None

    def forward(
        self,
        ids: Tensor | None,
        attention_mask: Tensor | None = None,
        *,
        token_type_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        documents: Tensor | None = None,
    ) -> Tensor:
        """Returns the last hidden states, [batch, time, dim].

        Args:
            ids: token ids, int64 [batch, time]; None where ``inputs_embeds`` is given.
            attention_mask: true where a token is real, bool [batch, time]; None where nothing is padding.
            token_type_ids: segments, int64 [batch, time]; None: all are 0.
            inputs_embeds: word embeddings in place of ids, [batch, time, dim].
            documents: the number of the document that each token is of, int64 [batch, time]; see `LanguageModel`.

        Raises:
            UsageError: a row is longer than the model's positions.
        """
        mask = _spread(attention_mask)
        if documents is not None:
            own = same_document(documents)
            mask = own if mask is None else own & mask
        hidden: Tensor = self.encoder(self._embed(ids, token_type_ids, inputs_embeds), mask)
        return hidden

    def pool(
        self,
        ids: Tensor | None,
        attention_mask: Tensor | None = None,
        *,
        token_type_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
    ) -> Tensor:
        """Returns the hub's pooled output, the tanh of a projection of the first token, [batch, dim]."""
        assert self.pooler is not None
        embedded = self._embed(ids, token_type_ids, inputs_embeds)
        pooled: Tensor = self.pooler(self.encoder.first(embedded, _spread(attention_mask)))
        return pooled

    def _embed(self, ids: Tensor | None, token_type_ids: Tensor | None, inputs_embeds: Tensor | None) -> Tensor:
        words = self.embeddings.word_embeddings(ids) if inputs_embeds is None else inputs_embeds
        embedded: Tensor = self.embeddings(words, token_type_ids)
        return embedded


def _spread(mask: Tensor | None) -> Tensor | None:
    """Returns a mask [batch, time] as attention takes it, [batch, 1, 1, time]."""
    return None if mask is None else mask[:, None, None, :]


class BertTransform(BertDense):
    """What a hidden state passes before it is compared with the words."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config.hidden_size, config.hidden_size, ACTIVATIONS[config.hidden_act])
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, hidden: Tensor) -> Tensor:
        normed: Tensor = self.LayerNorm(super().forward(hidden))
        return normed


class BertPredictions(nn.Module):
    """The head that guesses words; its matrix is that of the word embeddings."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.transform = BertTransform(config)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))


class BertForMaskedLM(nn.Module):
    """BERT that guesses hidden words."""

    stored_names: ClassVar[StoredNames] = StoredNames(
        backbone="bert.",
        heads=("cls.predictions.",),
        leftovers=(r"position_ids$", r"^cls\.predictions\.decoder\.", r"^cls\.seq_relationship\.", r"^bert\.pooler\."),
    )

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.bert = BertModel(config, has_pooler=False)
        self.cls = nn.ModuleDict({"predictions": BertPredictions(config)})

    @property
    def backbone(self) -> BertModel:
        return self.bert

    @property
    def input_embeddings(self) -> nn.Embedding:
        return self.bert.embeddings.word_embeddings

    def encode(self, ids: Tensor, attention_mask: Tensor | None = None, *, documents: Tensor | None = None) -> Tensor:
        """Returns hidden states [batch, time, dim]; see `BertModel.forward`."""
        hidden: Tensor = self.bert(ids, attention_mask, documents=documents)
        return hidden

    def output_layer(self, hidden: Tensor) -> OutputLayer:
        """Returns what gives the logits of hidden states [..., dim]; see `LanguageModel`."""
        head = cast("BertPredictions", self.cls["predictions"])
        return OutputLayer(head.transform(hidden), self.input_embeddings.weight, head.bias)

    @torch.no_grad()
    def begin(self, shares: Tensor, found: float) -> None:
        cast("BertPredictions", self.cls["predictions"]).bias.copy_(shares.log())

    def score(self, hidden: Tensor) -> Tensor:
        """Returns logits [..., vocab] of hidden states [..., dim]."""
        return F.linear(*self.output_layer(hidden))

    def forward(self, ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Returns the logits of every position, [batch, time, vocab]."""
        return self.score(self.encode(ids, attention_mask))


class BertForSequenceClassification(nn.Module):
    """BERT that scores labels.

    Args:
        config: its numbers; ``pooling`` decides what the classifier reads.
        num_labels: how many labels there are.
    """

    stored_names: ClassVar[StoredNames] = StoredNames(
        backbone="bert.", optional=("bert.pooler.",), leftovers=(r"position_ids$",)
    )

    def __init__(self, config: BertConfig, num_labels: int) -> None:
        super().__init__()
        self.config = config
        self.bert = BertModel(config, has_pooler=config.pooling == "cls")
        self.pooling = None if config.pooling == "cls" else Pooling(config.pooling, config.hidden_size)
        dropout = config.hidden_dropout_prob if config.classifier_dropout is None else config.classifier_dropout
        self.dropout = Dropout(dropout)
        self.classifier = nn.Linear(config.hidden_size, num_labels)

    @property
    def backbone(self) -> BertModel:
        return self.bert

    @property
    def input_embeddings(self) -> nn.Embedding:
        return self.bert.embeddings.word_embeddings

    def forward(self, ids: Tensor | None, attention_mask: Tensor | None = None, **more: Tensor | None) -> Tensor:
        """Returns logits [batch, labels]; ``token_type_ids`` and ``inputs_embeds`` as for `BertModel.forward`."""
        logits: Tensor = self.classifier(self.dropout(self.pool(ids, attention_mask, **more)))
        return logits

    def pool(self, ids: Tensor | None, attention_mask: Tensor | None = None, **more: Tensor | None) -> Tensor:
        """Returns what the classifier reads, [batch, dim]; see `BertModel.forward`."""
        if self.pooling is None:
            return self.bert.pool(ids, attention_mask, **more)
        pooled: Tensor = self.pooling(self.bert(ids, attention_mask, **more), attention_mask)
        return pooled

    @property
    def head(self) -> nn.Linear:
        return self.classifier

    def attention_weights(self, ids: Tensor) -> tuple[list[Tensor], Tensor]:
        """Returns what the layers and the classifier look at; see `AttentionClassifier`."""
        hidden = self.bert.embeddings(self.input_embeddings(ids), None)
        layers = []
        for layer in self.bert.encoder.layer:
            assert isinstance(layer, BertLayer)
            layers.append(layer.attention.self.weigh(hidden))
            hidden = layer(hidden, None)
        if self.pooling is None:
            return layers, F.one_hot(torch.zeros_like(ids[:, 0]), ids.shape[1]).to(hidden.dtype)
        return layers, self.pooling.weigh(hidden)


class BertForQuestionAnswering(nn.Module):
    """BERT that scores where an answer begins and ends (Devlin et al. 2019, section 4.2).

    Args:
        config: its numbers.
    """

    stored_names: ClassVar[StoredNames] = StoredNames(
        backbone="bert.",
        heads=("qa_outputs.",),
        leftovers=(r"position_ids$", r"^bert\.pooler\.", r"^cls\."),
        growing=("bert.embeddings.token_type_embeddings.weight",),
    )

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.bert = BertModel(config, has_pooler=False)
        self.qa_outputs = nn.Linear(config.hidden_size, 2)

    @property
    def backbone(self) -> BertModel:
        return self.bert

    @property
    def input_embeddings(self) -> nn.Embedding:
        return self.bert.embeddings.word_embeddings

    def forward(
        self, ids: Tensor, attention_mask: Tensor | None = None, *, token_type_ids: Tensor | None = None
    ) -> Tensor:
        """Returns how much each token is the first and the last of the answer, logits [batch, time, 2].

        Arguments as for `BertModel.forward`; a model with one kind of segment leaves ``token_type_ids`` out.
        """
        segments = token_type_ids if self.config.type_vocab_size > 1 else None
        logits: Tensor = self.qa_outputs(self.bert(ids, attention_mask, token_type_ids=segments))
        return logits


@torch.no_grad()
def initialize(network: nn.Module, config: BertConfig, seed: int | torch.Generator) -> None:
    """Sets all weights: normal with ``initializer_range``, biases and the padding's word zero, normalizations one.

    The attention of the first layer and the embeddings that it reads begin otherwise, with a look at the neighbours of
    every token: see `look_at_neighbours`.

    Args:
        network: any of the above.
        config: its numbers.
        seed: decides all random numbers; or the generator they come from.
    """
    generator = seed if isinstance(seed, torch.Generator) else torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=config.initializer_range, generator=generator)
        if isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight)
        if isinstance(getattr(module, "bias", None), nn.Parameter):
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            nn.init.zeros_(module.weight[module.padding_idx])
    for module in network.modules():
        if isinstance(module, BertModel):
            first = module.encoder.layer[0]
            assert isinstance(first, BertLayer)
            look_at_neighbours(module.embeddings, first, config.initializer_range, generator)


def training_flops_per_token(config: BertConfig, row_tokens: int) -> int:
    """Returns 6 operations for each weight of the layers, and 12 for each pair of tokens and dimension.

    Hoffmann et al. 2022, arXiv 2203.15556, appendix F; embeddings and heads are left out.
    """
    dim = config.hidden_size
    weights = 4 * dim * dim + 2 * dim * config.intermediate_size
    return config.num_hidden_layers * (6 * weights + 12 * row_tokens * dim)


BERT = Architecture(
    name="bert",
    config_class=BertConfig,
    objectives=frozenset({"masked"}),
    language_model=BertForMaskedLM,
    classifier=BertForSequenceClassification,
    span_scorer=BertForQuestionAnswering,
    initialize=initialize,
    fresh_shape={"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 1024},
    shape_of_depth=shape_of_depth,
    learning_rate=5e-4,
    dial_rate=1e-3,
    beginning=lambda config: "by frequency",
    embedding_size=lambda config: int(config.hidden_size),
    training_flops_per_token=training_flops_per_token,
    adapted=("query", "key", "value", "attention.output.dense", "intermediate.dense", "output.dense"),
    adapter_rate=1e-3,
    closes_borders="always",
    initialization=3,
)
