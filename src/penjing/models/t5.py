"""T5 (Raffel et al. 2020, arXiv 1910.10683) and its version 1.1, encoder and decoder; tensors named as on the hub."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.models.cache import EncoderDecoderCache, KeyValueCache
from penjing.models.dropout import Dropout
from penjing.models.interface import Architecture, OutputLayer
from penjing.models.stored_names import StoredNames
from penjing.models.t5_config import T5Config, shape_of_depth
from penjing.models.t5_layers import T5Stack
from penjing.models.t5_start import guess_shares, look_where_to_learn

# Both stacks read the same embeddings. The first release had a bias between encoder and decoder that nothing read.
_ALIASES = ((r"\b(?:encoder|decoder)\.embed_tokens\.", "shared."),)
_LEFTOVERS = (r"EncDecAttention\.relative_attention_bias\.weight$",)


class T5Model(nn.Module):
    """Embeddings, encoder and decoder.

    Args:
        config: its numbers.
    """

    stored_names: StoredNames = StoredNames("", aliases=_ALIASES, leftovers=(*_LEFTOVERS, r"^lm_head\."))

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.config = config
        self.shared = nn.Embedding(config.vocab_size, config.d_model)
        self.encoder = T5Stack(config, is_decoder=False)
        self.decoder = T5Stack(config, is_decoder=True)

    @property
    def input_embeddings(self) -> nn.Embedding:
        return self.shared

    @property
    def decoder_start_id(self) -> int:
        return self.config.start_id

    def encode(
        self,
        ids: Tensor | None,
        attention_mask: Tensor | None = None,
        *,
        inputs_embeds: Tensor | None = None,
        documents: Tensor | None = None,
    ) -> Tensor:
        """Returns the encoder's hidden states [batch, time, dim]; those of padding mean nothing.

        Args:
            ids: token ids, int64 [batch, time]; None where ``inputs_embeds`` is given.
            attention_mask: true where a token is real, bool [batch, time]; None where nothing is padding.
            inputs_embeds: word embeddings in place of ids, [batch, time, dim].
            documents: the number of the document that each token is of, int64 [batch, time]; see `LanguageModel`.
        """
        words, own = self.shared(ids) if inputs_embeds is None else inputs_embeds, documents
        hidden: Tensor = self.encoder(words, attention_mask, documents=None if own is None else (own, own))
        return hidden

    def decode(
        self,
        ids: Tensor | None,
        encoded: Tensor | None,
        attention_mask: Tensor | None = None,
        *,
        inputs_embeds: Tensor | None = None,
        cache: EncoderDecoderCache | None = None,
        documents: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Returns the decoder's hidden states [batch, targets, dim].

        Args:
            ids: what the decoder reads, int64 [batch, targets], padding on the right; None where ``inputs_embeds`` is
                given.
            encoded: what `encode` returned, [batch, time, dim]; None where the cache has it from the first call.
            attention_mask: true where a token of the encoder is real, bool [batch, time], likewise.
            inputs_embeds: word embeddings in place of ids, [batch, targets, dim].
            cache: what was read before; takes in what is read now.
            documents: of each token that the decoder reads, and of each that the encoder did; see `T5Stack.forward`.
        """
        words = self.shared(ids) if inputs_embeds is None else inputs_embeds
        if encoded is not None and (cache is None or not cache.read):
            read = self.decoder.read(encoded)
        else:
            assert cache is not None
            read, attention_mask = cache.read, cache.mask
        if cache is not None:
            cache.read, cache.mask = read, attention_mask
        hidden: Tensor = self.decoder(words, attention_mask, read, None if cache is None else cache.written, documents)
        return hidden

    def forward(self, ids: Tensor, attention_mask: Tensor | None, decoder_ids: Tensor) -> Tensor:
        """Returns the decoder's hidden states [batch, targets, dim]; see `encode` and `decode`."""
        return self.decode(decoder_ids, self.encode(ids, attention_mask), attention_mask)


class T5ForConditionalGeneration(T5Model):
    """Reads a text, and writes another.

    On the hub, encoder and decoder lie at the root of this network: its backbone is itself.

    Args:
        config: its numbers.
    """

    def __init__(self, config: T5Config) -> None:
        super().__init__(config)
        # Where the config leaves it to the file whether words have a matrix of their own; see `T5Config.has_own_head`.
        is_open = config.tie_word_embeddings and config.has_own_head
        self.stored_names = StoredNames(
            "",
            optional=("lm_head.",),
            leftovers=_LEFTOVERS,
            elsewhere="transformer.",
            aliases=_ALIASES,
            copies=(("lm_head.weight", "shared.weight"),) if is_open else (),
        )
        self.lm_head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        if not config.has_own_head:
            self.lm_head.weight = self.shared.weight

    @property
    def backbone(self) -> T5Model:
        return self

    @property
    def longest_row(self) -> None:
        return None

    def output_layer(self, hidden: Tensor) -> OutputLayer:
        """Returns what gives the logits of the decoder's hidden states [..., dim]; see `EncoderDecoderModel`."""
        states = hidden if self._output_scale == 1.0 else hidden * self._output_scale
        return OutputLayer(states, self.lm_head.weight, None)

    @property
    def _output_scale(self) -> float:
        return float(self.config.d_model**-0.5) if self.config.scales_output else 1.0

    def score(self, hidden: Tensor) -> Tensor:
        """Returns logits [..., vocab] of the decoder's hidden states [..., dim]."""
        return F.linear(*self.output_layer(hidden))

    def begin(self, shares: Tensor, found: float) -> None:
        if _has_plain_words(self.config):
            look_where_to_learn(self.encoder, self.decoder, self.config, found)
            guess_shares(self.shared, self.lm_head, self.decoder, shares, self._output_scale)

    def start(
        self, prompt: Tensor, room: int, attention_mask: Tensor | None = None
    ) -> tuple[EncoderDecoderCache, Tensor]:
        """Returns the encoded prompt and the token that begins a text; see `EncoderDecoderModel`."""
        cache = self.make_cache(prompt.shape[0], room)
        cache.read, cache.mask = self.decoder.read(self.encode(prompt, attention_mask)), attention_mask
        return cache, prompt.new_full((prompt.shape[0], 1), self.decoder_start_id)

    def make_cache(self, rows: int, longest: int) -> EncoderDecoderCache:
        """Returns an empty cache for so many rows, with room for so many tokens that the decoder reads of each."""
        config, weight = self.config, self.shared.weight
        written = KeyValueCache(
            layers=config.decoder_layers,
            batch=rows,
            heads=config.num_heads,
            dim=config.d_kv,
            longest=longest,
            dtype=weight.dtype,
            device=weight.device,
        )
        return EncoderDecoderCache(written)

    def read(self, ids: Tensor, cache: EncoderDecoderCache) -> Tensor:
        """Returns the decoder's hidden states of new tokens, [batch, time, dim]; see `GeneratingModel`."""
        return self.decode(ids, None, cache=cache)

    def forward(self, ids: Tensor, attention_mask: Tensor | None, decoder_ids: Tensor) -> Tensor:
        """Returns the logits of every place the decoder reads, [batch, targets, vocab]; see `decode`."""
        return self.score(super().forward(ids, attention_mask, decoder_ids))


class T5ClassificationHead(nn.Module):
    """Scores labels by a hidden state."""

    def __init__(self, config: T5Config, num_labels: int) -> None:
        super().__init__()
        self.dense = nn.Linear(config.d_model, config.d_model)
        self.dropout = Dropout(config.classifier_dropout)
        self.out_proj = nn.Linear(config.d_model, num_labels)

    def forward(self, hidden: Tensor) -> Tensor:
        logits: Tensor = self.out_proj(self.dropout(torch.tanh(self.dense(self.dropout(hidden)))))
        return logits


class T5ForSequenceClassification(nn.Module):
    """Scores labels by what the decoder makes of the last end token when it reads the row again.

    Args:
        config: its numbers.
        num_labels: how many labels there are.
    """

    stored_names: ClassVar[StoredNames] = StoredNames(
        "transformer.", aliases=_ALIASES, leftovers=(*_LEFTOVERS, r"\blm_head\.")
    )

    def __init__(self, config: T5Config, num_labels: int) -> None:
        super().__init__()
        self.config = config
        self.transformer = T5Model(config)
        self.classification_head = T5ClassificationHead(config, num_labels)

    @property
    def backbone(self) -> T5Model:
        return self.transformer

    @property
    def input_embeddings(self) -> nn.Embedding:
        return self.transformer.shared

    @property
    def decoder_start_id(self) -> int:
        return self.config.start_id

    def forward(
        self, ids: Tensor | None, attention_mask: Tensor | None = None, *, inputs_embeds: Tensor | None = None
    ) -> Tensor:
        """Returns logits [batch, labels].

        The encoder reads the row, then the decoder reads the start token and the row without its last token: the state
        in the place of the last end token has read all before it. A row without an end token is read up to its last
        real token, which is also where the end is taken to be if there are no ids to find it by.

        Args:
            ids: token ids, int64 [batch, time]; None where ``inputs_embeds`` is given.
            attention_mask: true where a token is real, bool [batch, time]; None where nothing is padding. On the left,
                padding changes the logits, as with the hub's classifier: its decoder reads it.
            inputs_embeds: word embeddings in place of ids, [batch, time, dim].
        """
        words = self.transformer.shared(ids) if inputs_embeds is None else inputs_embeds  # [batch, time, dim]
        start = torch.full((len(words), 1), self.decoder_start_id, device=words.device)
        shifted = torch.cat([self.transformer.shared(start), words[:, :-1]], dim=1)
        encoded = self.transformer.encode(None, attention_mask, inputs_embeds=words)
        hidden = self.transformer.decode(None, encoded, attention_mask, inputs_embeds=shifted)
        ends = self._ends(ids, attention_mask, words)
        logits: Tensor = self.classification_head(hidden[torch.arange(len(hidden), device=hidden.device), ends])
        return logits

    def _ends(self, ids: Tensor | None, mask: Tensor | None, words: Tensor) -> Tensor:
        """Returns the place of the last end token of each row, or of its last real token, [batch]."""
        place = torch.arange(words.shape[1], device=words.device)
        real = torch.ones(words.shape[:2], dtype=torch.bool, device=words.device) if mask is None else mask
        last = (real * place).argmax(dim=1)
        if ids is None or self.config.eos_token_id is None:
            return last
        is_end = (ids == self.config.eos_token_id) & real
        return torch.where(is_end.any(dim=1), (is_end * place).argmax(dim=1), last)


@torch.no_grad()
def initialize(network: nn.Module, config: T5Config, seed: int | torch.Generator) -> None:
    """Sets all weights, normal but for the normalizations, which are one, and the biases, which are zero.

    The spread is that of the hub and of Mesh TensorFlow: 1 for the embeddings; for a projection the root of its inputs,
    inverted, and for the queries that of ``d_kv`` besides, in place of a scaled attention. A head that scores words is
    a projection too, as in Mesh TensorFlow, so that a fresh network guesses nearly evenly; the hub's spread of 1 is too
    wide by the root of ``d_model``. All spreads are multiplied by ``initializer_factor``.

    Args:
        network: any of the above.
        config: its numbers.
        seed: decides all random numbers; or the generator they come from.
    """
    generator = seed if isinstance(seed, torch.Generator) else torch.Generator().manual_seed(seed)
    for name, module in network.named_modules():
        if isinstance(module, nn.RMSNorm):
            nn.init.constant_(module.weight, config.initializer_factor)
        if name.endswith("lm_head") and not config.has_own_head:
            continue
        if isinstance(module, nn.Linear | nn.Embedding):
            spread = config.initializer_factor * _spread(name, module, config)
            nn.init.normal_(module.weight, std=spread, generator=generator)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)


def _spread(name: str, module: nn.Linear | nn.Embedding, config: T5Config) -> float:
    if isinstance(module, nn.Linear):
        scaled = module.in_features * (config.d_kv if name.endswith(".q") else 1)
        return float(scaled**-0.5)
    return float(config.d_model**-0.5) if name.endswith("relative_attention_bias") else 1.0


def embedding_rate(config: T5Config) -> float | None:
    """Returns AdamW's rate for the embeddings of a fresh language model; None: that of the rest.

    Their spread is 1, fifty times that of other families, and steps of the others' size leave them as they are.
    Adafactor, which T5 was made with, takes steps in proportion (Shazeer & Stern 2018, arXiv 1804.04235, section 8).
    """
    return 0.1 if _has_plain_words(config) else None


def _has_plain_words(config: T5Config) -> bool:
    """Whether words have a spread of 1 and another matrix scores them, which the start of a T5 is made for."""
    return config.has_own_head and config.initializer_factor == 1.0


def training_flops_per_token(config: T5Config, row_tokens: int) -> int:
    """Returns 6 operations for each weight of the layers, and 12 for each pair of tokens and dimension.

    Hoffmann et al. 2022, arXiv 2203.15556, appendix F; embeddings and heads are left out, and pairs count whole. The
    decoder is taken to read as many tokens as the encoder, which a classifier's does; what it writes in pretraining or
    translation may be shorter.
    """
    attention, pairs = 4 * config.d_model * config.inner, 12 * row_tokens * config.inner
    dense = (3 if config.is_gated else 2) * config.d_model * config.d_ff
    encoder = config.num_layers * (6 * (attention + dense) + pairs)
    return encoder + config.decoder_layers * (6 * (2 * attention + dense) + 2 * pairs)


T5 = Architecture(
    name="t5",
    config_class=T5Config,
    objectives=frozenset({"span", "denoise"}),
    language_model=T5ForConditionalGeneration,
    classifier=T5ForSequenceClassification,
    initialize=initialize,
    # T5 v1.1, each stack as deep and wide as a fresh Llama, so that training on a CPU takes minutes: together they have
    # 2.3 times the weights of its layers, and the decoder mostly reads fewer tokens.
    fresh_shape={
        "d_model": 256,
        "d_kv": 64,
        "d_ff": 688,
        "num_layers": 4,
        "num_heads": 4,
        "feed_forward_proj": "gated-gelu",
        "tie_word_embeddings": False,
    },
    shape_of_depth=shape_of_depth,
    learning_rate=1e-3,
    dial_rate=1e-3,
    beginning=lambda config: "by frequency, looking beside what is hidden" if _has_plain_words(config) else None,
    embedding_rate=embedding_rate,
    dial_dropout=0.0,  # as T5 v1.1 was pretrained
    embedding_size=lambda config: int(config.d_model),
    training_flops_per_token=training_flops_per_token,
    adapted=("q", "k", "v", "o", "wi", "wi_0", "wi_1", "wo"),
    closes_borders="where asked",
    is_encoder_decoder=True,
)
