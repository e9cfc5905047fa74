"""The unigram vocabulary (Kudo 2018, arXiv 1804.10959), learned so that the same texts give the same entries.

The trainer of the package ``tokenizers`` goes through its words in the order of a hash map that is seeded anew in every
process: the scores, and with them the numbers of the entries, differ from run to run, on one thread too. Here the words
are sorted first.

Pieces are whole characters; any character that is not among them falls back to its bytes, so nothing is unknown. A
character competes with longer pieces for an entry on the same terms: what the likelihood of the words loses without it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import tokenizers
from tokenizers import models

from penjing.text.lattice import Arcs, Floats, Ints, Lattice, Words, lay_out
from penjing.text.token_bytes import byte_characters

_LONGEST = 24  # characters of a piece; longer words are cut to learn from
_MOST_WORDS = 1_000_000  # different ones that are counted at a time; beyond, those seen once are forgotten
_MOST_CHARACTERS = 2_000_000  # of different words to learn from, the most frequent ones
_SEEDS = 10  # for each entry wanted
_FEWEST_SEEDS = 100_000
_KEPT_A_ROUND = 0.75
_PASSES = 2  # of expectation maximization a round
_LEAST_EXPECTED = 0.5  # occurrences below which a piece is dropped
_LOWEST_BYTE = float(np.exp(-14))  # probability
_GAIN = float(np.exp(7))  # a character, so that the product over a word stays within a double
_NEVER = -1e6  # score of the special tokens, which no text may become
_DIGITS = 9  # to which figures count, for the last ones differ between processors


def train_unigram(
    backend: tokenizers.Tokenizer, texts: Iterable[list[str]], special_tokens: list[str], vocab_size: int, least: int
) -> tokenizers.Tokenizer:
    """Trains a blank byte-level tokenizer.

    Expectation maximization over all ways to cut the words; after each round those of the pieces go that the likelihood
    misses least (Kudo 2018, section 3.2). The first pieces are the frequent substrings of the words, counted.

    Args:
        backend: with its normalizer and pre-tokenizer set.
        texts: batches of texts.
        special_tokens: the first entries; the second is that for what is unknown.
        vocab_size: most entries.
        least: occurrences below which a piece gets no entry.
    """
    counted = _count_words(backend, texts)
    room = vocab_size - len(special_tokens) - 256
    pieces, probabilities = _learn(counted, room, least) if counted else ([], np.full(256, 1 / 256))
    learned, bytes_ = probabilities[: len(pieces)], probabilities[len(pieces) :]
    spelled = byte_characters()
    entries = [(token, _NEVER) for token in special_tokens]
    entries += [(spelled[byte], _score(bytes_[byte])) for byte in range(256)]
    spellings = ["".join(spelled[byte] for byte in piece.encode()) for piece in pieces]
    scored = zip(spellings, map(_score, learned), strict=True)
    entries += sorted(scored, key=lambda entry: (-entry[1], entry[0]))
    backend.model = models.Unigram(entries, unk_id=1, byte_fallback=False)
    backend.add_special_tokens(special_tokens)
    return backend


def _score(probability: float) -> float:
    return round(float(np.log(probability)), _DIGITS)


def _count_words(backend: tokenizers.Tokenizer, texts: Iterable[list[str]]) -> list[tuple[str, int]]:
    """Returns the most frequent words with their counts, in order.

    Where there are too many different ones, those seen once are forgotten on the way (after Manku & Motwani 2002).
    """
    counts: Counter[str] = Counter()
    for batch in texts:
        for text in batch:
            normalized = backend.normalizer.normalize_str(text)
            counts.update(word for word, _ in backend.pre_tokenizer.pre_tokenize_str(normalized))
            if len(counts) > _MOST_WORDS:
                counts = Counter({word: count for word, count in counts.items() if count > 1})
    byte_of = {character: byte for byte, character in enumerate(byte_characters())}
    parts: Counter[str] = Counter()
    for spelled, count in counts.items():
        word = bytes(byte_of[character] for character in spelled).decode()
        for start in range(0, len(word), _LONGEST):
            parts[word[start : start + _LONGEST]] += count
    ranked = sorted(parts.items(), key=lambda item: (-item[1], item[0]))
    lengths = np.cumsum([len(word) for word, _ in ranked])
    return sorted(ranked[: int(np.searchsorted(lengths, _MOST_CHARACTERS, side="right"))])


@dataclass(frozen=True)
class _Seeds:
    """The first pieces and where they stand.

    Attributes:
        pieces: their texts.
        first: the place where each occurrence starts, [occurrences].
        last: the place after it, [occurrences].
        piece: which piece it is, [occurrences].
    """

    pieces: list[str]
    first: Arcs
    last: Arcs
    piece: Arcs


def _find_seeds(words: Words, counts: Floats, least: int, most: int) -> _Seeds:
    """Finds the substrings of words that cover most of them: those with the highest count times length.

    A substring is as frequent as is needed only if both those without its last and without its first character are; so
    every length is counted from the one before.
    """
    remaining = words.ends[words.word_of] - np.arange(len(words.characters))
    weights = counts[words.word_of]
    ids = words.characters  # of the substring that starts at each place; -1 where it is too rare
    levels: list[_Level] = []
    for length in range(1, _LONGEST + 1):
        if length == 1:
            places = np.flatnonzero(ids >= 0)
            keys = ids[places]
        else:
            places = np.flatnonzero((ids[:-1] >= 0) & (ids[1:] >= 0) & (remaining[:-1] >= length))
            keys = ids[places] * len(words.alphabet) + words.characters[places + length - 1]
        if not len(places):
            break
        _, first, numbers = np.unique(keys, return_index=True, return_inverse=True)
        frequency: Floats = np.bincount(numbers, weights=weights[places]).astype(np.float64)
        kept = frequency >= least
        example = places[first[kept]]
        is_kept = kept[numbers]
        places, numbers = places[is_kept], (np.cumsum(kept) - 1)[numbers[is_kept]]
        levels.append(_Level(length, places.astype(np.int32), numbers.astype(np.int32), example, frequency[kept]))
        ids = np.full(len(words.characters), -1, dtype=np.int64)
        ids[places] = numbers
    return _choose_seeds(words, levels, most)


@dataclass(frozen=True)
class _Level:
    """The frequent substrings of one length.

    Attributes:
        length: in characters.
        places: where they start, [occurrences].
        numbers: which of them, [occurrences].
        example: where each starts first, [substrings].
        frequency: how often each occurs, [substrings].
    """

    length: int
    places: Arcs
    numbers: Arcs
    example: Ints
    frequency: Floats


def _choose_seeds(words: Words, levels: list[_Level], most: int) -> _Seeds:
    """Takes all characters that are more than a byte, and of longer substrings the best."""
    lengths = np.concatenate([np.full(len(level.example), level.length) for level in levels])
    examples = np.concatenate([level.example for level in levels])
    scores = np.concatenate([level.frequency * level.length for level in levels])
    is_byte = (lengths == 1) & np.array([ord(c) < 128 for c in words.alphabet])[words.characters[examples]]
    scores[lengths == 1] = np.inf
    order = np.lexsort((examples, lengths, -scores))
    order = order[~is_byte[order]][:most]
    renumbered = np.full(len(lengths), -1, dtype=np.int64)
    renumbered[order] = np.arange(len(order))
    first, last, piece, offset = [], [], [], 0
    for level in levels:
        found = renumbered[offset + level.numbers.astype(np.int64)]
        offset += len(level.example)
        first.append(level.places[found >= 0])
        last.append(first[-1] + np.int32(level.length))
        piece.append(found[found >= 0].astype(np.int32))
    spans = zip(examples[order].tolist(), lengths[order].tolist(), strict=True)
    characters = words.characters.tolist()
    texts = ["".join(words.alphabet[number] for number in characters[start : start + n]) for start, n in spans]
    return _Seeds(texts, *(np.concatenate(arrays) for arrays in (first, last, piece)))


def _learn(counted: list[tuple[str, int]], room: int, least: int) -> tuple[list[str], Floats]:
    """Returns the pieces, and the probabilities of pieces and bytes, [pieces + 256]."""
    words = lay_out([word for word, _ in counted])
    counts = np.array([count for _, count in counted], dtype=np.float64)
    seeds = _find_seeds(words, counts, least, max(_FEWEST_SEEDS, _SEEDS * room))
    model = _Model(words, counts, seeds)
    is_settled = False
    while not is_settled:
        for _ in range(_PASSES):
            model.improve()
        before = len(model.pieces)
        model.prune(max(room, int(_KEPT_A_ROUND * before)) if before > room else room)
        is_settled = len(model.pieces) == before
    return model.pieces, model.probabilities


class _Model:
    """The pieces that are left, with the probabilities of pieces and bytes, [pieces + 256].

    Args:
        words: to learn from.
        counts: how often each occurs, [words].
        seeds: the first pieces.
    """

    def __init__(self, words: Words, counts: Floats, seeds: _Seeds) -> None:
        self._counts = counts
        self.pieces = seeds.pieces
        self._alphabet = words.alphabet
        spelled = [character.encode() for character in words.alphabet]
        self._bytes = np.frombuffer(b"".join(spelled), dtype=np.uint8)
        self._bytes_a_character = np.array([len(bytes_) for bytes_ in spelled])
        self._lattice = _fall_back(words, seeds.first, seeds.last, seeds.piece, len(seeds.pieces))
        self._others = _cut_pieces(seeds.pieces, words.alphabet)
        self._origin = np.arange(len(seeds.pieces))  # of each piece, among the seeds
        self._expected: Floats = np.bincount(seeds.piece, weights=counts[words.word_of[seeds.first]]).astype(np.float64)
        self._expected_bytes = self._spread(np.bincount(words.characters[words.characters >= 0]).astype(np.float64))
        self.probabilities = self._normalize()

    def improve(self) -> None:
        """Goes once through expectation and maximization."""
        expected = self._lattice.expect(self._weights(), self._counts)
        self._expected = expected[: len(self.pieces)]
        self._expected_bytes = self._spread(expected[len(self.pieces) :])
        self.probabilities = self._normalize()

    def prune(self, most: int) -> None:
        """Keeps at most so many pieces: those without which the likelihood of the words would lose most."""
        lengths = np.array([len(piece) for piece in self.pieces])
        with np.errstate(divide="ignore", invalid="ignore"):
            without = np.log(self._others.sum_paths(self._weights())[self._origin]) - lengths * np.log(_GAIN)
            loss = self._expected * (np.log(self.probabilities[: len(self.pieces)]) - without)
        loss = np.where(self._expected >= _LEAST_EXPECTED, np.round(loss, _DIGITS - 3), -np.inf)
        order = np.argsort(-loss, kind="stable")[:most]
        order = np.sort(order[loss[order] > -np.inf])
        self._take(order)

    def _take(self, chosen: Ints) -> None:
        before, letters = len(self.pieces), len(self._alphabet)
        is_kept = np.zeros(before + letters, dtype=bool)
        is_kept[chosen] = is_kept[before:] = True
        renumbered = np.cumsum(is_kept) - 1
        for lattice in (self._lattice, self._others):
            lattice.keep(is_kept, renumbered)
        self.pieces = [self.pieces[number] for number in chosen]
        self._origin, self._expected = self._origin[chosen], self._expected[chosen]
        self.probabilities = self._normalize()

    def _normalize(self) -> Floats:
        expected = np.concatenate([self._expected, self._expected_bytes])
        probabilities = expected / expected.sum()
        probabilities[len(self._expected) :] = np.maximum(probabilities[len(self._expected) :], _LOWEST_BYTE)
        return np.asarray(probabilities)

    def _weights(self) -> Floats:
        """Returns the weight of every piece, and of every character spelled in bytes, [pieces + characters]."""
        gains = _GAIN ** np.array([len(piece) for piece in self.pieces], dtype=np.float64)
        logarithms = np.log(self.probabilities[len(self.pieces) :])[self._bytes]
        starts = np.cumsum(self._bytes_a_character) - self._bytes_a_character
        spelled = np.exp(np.add.reduceat(logarithms, starts)) * _GAIN
        return np.concatenate([self.probabilities[: len(self.pieces)] * gains, spelled])

    def _spread(self, expected: Floats) -> Floats:
        """Returns how often each byte is expected, given how often each character is spelled in bytes, [256]."""
        spread = np.bincount(self._bytes, weights=np.repeat(expected, self._bytes_a_character), minlength=256)
        return spread.astype(np.float64)


def _fall_back(words: Words, first: Arcs, last: Arcs, piece: Arcs, pieces: int) -> Lattice:
    """Returns a lattice in which every character can also be spelled in bytes."""
    places = np.flatnonzero(words.characters >= 0)
    spelled = (places, places + 1, pieces + words.characters[places])
    arcs = [np.concatenate([a, b.astype(np.int32)]) for a, b in zip((first, last, piece), spelled, strict=True)]
    return Lattice(words, *arcs)


def _cut_pieces(pieces: list[str], alphabet: list[str]) -> Lattice:
    """Returns the lattice of the pieces themselves, each to be cut into others."""
    words, number_of = lay_out(pieces, alphabet), {piece: number for number, piece in enumerate(pieces)}
    arcs = [
        (place + start, place + end, number_of[piece[start:end]])
        for place, piece in zip(words.starts.tolist(), pieces, strict=True)
        for start in range(len(piece))
        for end in range(start + 1, len(piece) + 1)
        if end - start < len(piece) and piece[start:end] in number_of
    ]
    first, last, piece = np.array(arcs, dtype=np.int32).reshape(-1, 3).T
    return _fall_back(words, first, last, piece, len(pieces))
