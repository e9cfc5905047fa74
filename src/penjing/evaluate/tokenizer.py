"""How well a tokenizer fits texts: bytes per token, words in pieces, what it does not know, what it never uses."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penjing.text.text_words import WordedText
from penjing.text.tokenizer import Tokenizer
from penjing.text.words import Span

HARDLY = 2  # occurrences in training up to which an entry is hardly learned
_EXAMPLES = 12
_BATCH = 1024


@dataclass
class LanguageFigures:
    """What was counted on the texts of a language.

    Attributes:
        texts: how many.
        bytes: of UTF-8.
        tokens: they become.
        words: they have.
        whole_words: of these, those that are one token.
    """

    texts: int = 0
    bytes: int = 0
    tokens: int = 0
    words: int = 0
    whole_words: int = 0

    @property
    def bytes_per_token(self) -> float:
        """Bytes of text that a token stands for; more are better."""
        return self.bytes / self.tokens if self.tokens else 0.0

    @property
    def fertility(self) -> float:
        """Tokens a word (Rust et al. 2021, arXiv 2012.15613); fewer are better."""
        return self.tokens / self.words if self.words else 0.0

    @property
    def whole_share(self) -> float:
        """Share of the words that are one token."""
        return self.whole_words / self.words if self.words else 0.0

    def to_dict(self) -> dict[str, float]:
        """Returns counts and figures."""
        figures = {name: getattr(self, name) for name in ("bytes_per_token", "fertility", "whole_share")}
        return {**asdict(self), **figures}


@dataclass
class Entries:
    """Entries of a vocabulary with something in common.

    Attributes:
        count: how many.
        examples: some of them, as text.
    """

    count: int
    examples: list[str]


@dataclass
class TokenizerFigures:
    """What was measured of a tokenizer.

    Attributes:
        name: what it is called here.
        vocabulary: its entries.
        languages: figures by language: ``en``, ``zh``, ``other``.
        unknown_tokens: tokens that stand for what the vocabulary lacks.
        uncovered: characters that no token stands for, those of unknown tokens too, with how often they occur.
        altered_texts: texts that are not given back as they were.
        unused: entries that no text here needed.
        unreachable: entries that their own text does not become: nothing can lead to them (Land & Bartolo 2024, arXiv
            2405.05417).
        hardly_learned: entries that occur at most twice in what a run learned from; None where that is not there.
        parts: entries that are parts of characters.
        longest: the longest entries.
        mb_per_s: MB of text encoded a second, on all threads.
    """

    name: str
    vocabulary: int
    languages: dict[str, LanguageFigures] = field(default_factory=dict)
    unknown_tokens: int = 0
    uncovered: dict[str, int] = field(default_factory=dict)
    altered_texts: int = 0
    unused: Entries = field(default_factory=lambda: Entries(0, []))
    unreachable: Entries = field(default_factory=lambda: Entries(0, []))
    hardly_learned: Entries | None = None
    parts: int = 0
    longest: list[str] = field(default_factory=list)
    mb_per_s: float = 0.0

    @property
    def tokens(self) -> int:
        """All tokens."""
        return sum(figures.tokens for figures in self.languages.values())

    def to_dict(self) -> dict[str, Any]:
        """Returns all of it as JSON values; of the uncovered characters the most frequent ones."""
        languages = {name: figures.to_dict() for name, figures in self.languages.items()}
        uncovered = {"count": len(self.uncovered), "most": self.most_uncovered}
        return {**asdict(self), "languages": languages, "uncovered": uncovered}

    @property
    def most_uncovered(self) -> list[str]:
        """The most frequent characters that are not covered."""
        return sorted(self.uncovered, key=lambda character: (-self.uncovered[character], character))[:_EXAMPLES]


def measure_tokenizer(
    name: str, tokenizer: Tokenizer, texts: Sequence[WordedText], learned: NDArray[np.int64] | None = None
) -> TokenizerFigures:
    """Measures a tokenizer on texts.

    Args:
        name: what it is called.
        tokenizer: to be measured.
        texts: to encode, with their words.
        learned: how often each entry occurs in what its model learned from, [vocabulary].
    """
    figures = TokenizerFigures(name, tokenizer.vocab_size)
    used: NDArray[np.int64] = np.zeros(tokenizer.vocab_size, dtype=np.int64)
    seconds, covered, occurring = 0.0, set[str](), Counter[str]()
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        began = time.perf_counter()
        encoded = tokenizer.encode([text.text for text in batch])
        seconds += time.perf_counter() - began
        used += np.bincount(np.fromiter(chain.from_iterable(encoded), dtype=np.int64), minlength=len(used))
        for text, ids in zip(batch, encoded, strict=True):
            _count_text(figures, tokenizer, text, ids, covered)
            occurring.update(text.text)
    figures.unknown_tokens = int(used[tokenizer.unknown_id]) if tokenizer.has_unknown else 0
    figures.uncovered = {c: n for c, n in occurring.items() if c not in covered and not c.isspace()}
    total = sum(language.bytes for language in figures.languages.values())
    figures.mb_per_s = total / 1e6 / seconds if seconds else 0.0
    _judge_entries(figures, tokenizer, used, learned)
    return figures


def _count_text(
    figures: TokenizerFigures, tokenizer: Tokenizer, worded: WordedText, ids: list[int], covered: set[str]
) -> None:
    language = figures.languages.setdefault(worded.language, LanguageFigures())
    text, words = worded.text, worded.words
    located = tokenizer.locate(text)
    language.texts += 1
    language.bytes += len(text.encode("utf-8", "surrogatepass"))
    language.tokens += len(ids)
    language.words += len(words)
    language.whole_words += count_whole(text, words, [span for _, span in located])
    figures.altered_texts += tokenizer.decode(ids) != text
    unknown = tokenizer.unknown_id if tokenizer.has_unknown else -1
    for token_id, (start, end) in located:
        if token_id != unknown:
            covered.update(text[start:end])


def count_whole(text: str, words: Sequence[Span], tokens: Sequence[Span]) -> int:
    """Returns how many words are one token, with or without the white space before it.

    Args:
        text: that both are spans of.
        words: in order, not overlapping.
        tokens: in order.
    """
    whole, first = 0, 0
    for start, end in words:
        while first < len(tokens) and tokens[first][1] <= start:
            first += 1
        last = first
        while last < len(tokens) and tokens[last][0] < end:
            last += 1
        if last - first == 1:
            token_start, token_end = tokens[first]
            whole += token_end == end and not text[token_start:start].strip() and token_start <= start
    return whole


def _judge_entries(
    figures: TokenizerFigures, tokenizer: Tokenizer, used: NDArray[np.int64], learned: NDArray[np.int64] | None
) -> None:
    entries = [number for number in range(tokenizer.vocab_size) if number not in tokenizer.added_ids]
    texts = {number: tokenizer.decode([number]) for number in entries}
    is_part = {number: "\ufffd" in texts[number] for number in entries}
    whole = [number for number in entries if not is_part[number]]

    def group(numbers: Iterable[int]) -> Entries:
        found = list(numbers)
        shown = [texts[number] for number in found if not is_part[number]]
        return Entries(len(found), sorted(shown, key=lambda entry: (-len(entry), entry))[:_EXAMPLES])

    figures.parts = len(entries) - len(whole)
    figures.longest = sorted((texts[number] for number in whole), key=lambda entry: (-len(entry), entry))[:_EXAMPLES]
    figures.unused = group(number for number in entries if not used[number])
    figures.unreachable = group(tokenizer.find_unreachable())
    if learned is not None:
        figures.hardly_learned = group(number for number in entries if learned[number] <= HARDLY)
