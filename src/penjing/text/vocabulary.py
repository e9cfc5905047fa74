"""The rules of each kind of tokenizer, and how its entries are learned."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import tokenizers
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, trainers

from penjing.text.guards import guarded_pattern
from penjing.text.qwen import cut_as_qwen
from penjing.text.tokenizer_settings import SPECIAL, UNKNOWN, TokenizerSettings
from penjing.text.unigram import train_unigram
from penjing.text.wordpiece import train_wordpiece

Cutting = Literal["own", "qwen"]
_TAG = r"</?[A-Za-z][^<>]{0,200}>"


def learn_vocabulary(
    texts: Iterable[list[str]], settings: TokenizerSettings, cutting: Cutting = "own"
) -> tokenizers.Tokenizer:
    """Returns a tokenizer whose entries were learned from batches of texts, which may be read more than once."""
    backend = _blank_tokenizer(settings)
    if cutting == "qwen":
        cut_as_qwen(backend)
    if settings.kind == "wordpiece":
        return train_wordpiece(backend, texts, SPECIAL, settings.trained_size, settings.min_frequency)
    if settings.kind == "unigram":
        return train_unigram(backend, texts, SPECIAL, settings.trained_size, settings.min_frequency)
    common: dict[str, Any] = {
        "vocab_size": settings.trained_size,
        "min_frequency": settings.min_frequency,
        "special_tokens": SPECIAL,
        "show_progress": False,
    }
    if settings.kind == "bpe":
        trainer: Any = trainers.BpeTrainer(initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **common)
    else:
        trainer = trainers.WordLevelTrainer(**common)
    backend.train_from_iterator(iter(texts), trainer=trainer)
    return backend


def _blank_tokenizer(settings: TokenizerSettings) -> tokenizers.Tokenizer:
    tags = [normalizers.Replace(Regex(_TAG), " ")] if settings.strip_tags else []
    if settings.kind in ("bpe", "unigram"):
        backend = tokenizers.Tokenizer(models.BPE() if settings.kind == "bpe" else models.Unigram())
        backend.normalizer = normalizers.Sequence(tags)
        backend.pre_tokenizer = _cut_bytes(settings)
        backend.decoder = decoders.ByteLevel()
        return backend
    if settings.kind == "wordpiece":
        backend = tokenizers.Tokenizer(models.WordPiece(unk_token=UNKNOWN, max_input_chars_per_word=100))
        backend.normalizer = normalizers.Sequence([*tags, normalizers.BertNormalizer(lowercase=settings.lowercase)])
        backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        backend.decoder = decoders.WordPiece(cleanup=False)
        return backend
    backend = tokenizers.Tokenizer(models.WordLevel(unk_token=UNKNOWN))
    lowercase = [normalizers.Lowercase()] if settings.lowercase else []
    backend.normalizer = normalizers.Sequence([*tags, normalizers.NFC(), *lowercase])
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    return backend


def _cut_bytes(settings: TokenizerSettings) -> Any:
    """Returns what cuts a text into pieces and spells them in bytes: GPT-2's rule, or the guards."""
    if not settings.guards:
        return pre_tokenizers.ByteLevel(add_prefix_space=False)
    guards = pre_tokenizers.Split(Regex(guarded_pattern(settings.digits)), behavior="isolated")
    return pre_tokenizers.Sequence([guards, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
