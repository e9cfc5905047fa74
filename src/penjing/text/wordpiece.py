"""WordPiece (Schuster & Nakajima 2012), trained so that the same texts always give the same vocabulary.

The trainer of the package ``tokenizers`` numbers the pieces that continue a word in the order of a hash map that is
seeded anew in every process; ties between merges are broken by those numbers, so even the entries differ from run to
run. Here the alphabet is counted first, and these pieces are given to the trainer as tokens that are there already.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import tokenizers
from tokenizers import trainers

_PREFIX = "##"
_MOST_CHARACTERS = 6000
_SHARE_OF_CHARACTERS = 0.75  # of the vocabulary, so that pieces of several characters find room


def train_wordpiece(
    backend: tokenizers.Tokenizer, texts: Iterable[list[str]], special_tokens: list[str], vocab_size: int, least: int
) -> tokenizers.Tokenizer:
    """Trains a blank WordPiece tokenizer.

    Args:
        backend: with its normalizer and pre-tokenizer set.
        texts: batches of texts; read twice.
        special_tokens: the first entries.
        vocab_size: most entries.
        least: occurrences below which a piece gets no entry.
    """
    alphabet, continuing = _count_characters(backend, texts, vocab_size)
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size,
        min_frequency=least,
        special_tokens=special_tokens + [_PREFIX + character for character in continuing],
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        continuing_subword_prefix=_PREFIX,
        show_progress=False,
    )
    backend.train_from_iterator(iter(texts), trainer=trainer)
    document: dict[str, Any] = json.loads(backend.to_str())
    document["added_tokens"] = [token for token in document["added_tokens"] if token["content"] in special_tokens]
    return tokenizers.Tokenizer.from_str(json.dumps(document))


def _count_characters(
    backend: tokenizers.Tokenizer, texts: Iterable[list[str]], vocab_size: int
) -> tuple[list[str], list[str]]:
    """Returns the most frequent characters, and those of them that can continue a word, both sorted."""
    counts: Counter[str] = Counter()
    pairs: set[tuple[str, str]] = set()
    for batch in texts:
        text = backend.normalizer.normalize_str("\n".join(batch))
        counts.update(text)
        pairs.update(pairwise(text))
    limit = min(_MOST_CHARACTERS, int(_SHARE_OF_CHARACTERS * vocab_size))
    ranked = sorted((-count, character) for character, count in counts.items() if not character.isspace())
    alphabet = {character for _, character in ranked[:limit]}
    continuing = {second for first, second in pairs if second in alphabet and _is_inner(first) and _is_inner(second)}
    return sorted(alphabet), sorted(continuing)


def _is_inner(character: str) -> bool:
    """Whether BERT's pre-tokenizer keeps a character within a word: it is no space and no punctuation."""
    is_symbol = character.isascii() and character.isprintable() and not character.isalnum()
    return not (is_symbol or character.isspace() or unicodedata.category(character).startswith("P"))
