"""Vectors of words: word2vec over the words of texts, the nearest neighbors of a word, and a map of them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from penjing.errors import DataError
from penjing.progress import Progress, stop_if_asked
from penjing.text.text_words import find_text_words
from penjing.text.vectors import VectorSettings, load_word2vec

_MAX_WORDS = 1000  # of a line of the file that gensim reads
_FEWEST_WORDS = 10


class Neighbor(NamedTuple):
    """A word near another.

    Attributes:
        word: the word.
        similarity: cosine of the two vectors.
    """

    word: str
    similarity: float


@dataclass(frozen=True)
class WordVectors:
    """Words with their vectors, the most frequent first.

    Attributes:
        words: [words].
        counts: how often each occurs, [words].
        vectors: of length 1, float32 [words, size].
    """

    words: list[str]
    counts: list[int]
    vectors: NDArray[np.float32]

    def nearest(self, word: str, most: int) -> list[Neighbor]:
        """Returns the words whose vectors are most like that of a word, the nearest first.

        Raises:
            KeyError: there is no vector of the word.
        """
        place = self._place(word)
        similarities = self.vectors @ self.vectors[place]
        order = [int(other) for other in np.argsort(-similarities, kind="stable") if other != place]
        return [Neighbor(self.words[other], float(similarities[other])) for other in order[:most]]

    def has(self, word: str) -> bool:
        """Returns whether there is a vector of a word; case does not count."""
        return word.lower() in self.words

    def _place(self, word: str) -> int:
        try:
            return self.words.index(word.lower())
        except ValueError as error:
            raise KeyError(word) from error

    def lay_out(self, words: Sequence[str], seed: int = 0) -> NDArray[np.float64]:
        """Returns places in the plane, [words, 2], near each other where vectors are.

        By t-SNE (van der Maaten & Hinton 2008).

        Args:
            words: at least four, each with a vector.
            seed: the same gives the same places.

        Raises:
            KeyError: there is no vector of a word.
        """
        from sklearn.manifold import TSNE

        vectors = self.vectors[[self._place(word) for word in words]].astype(np.float64)
        perplexity = min(20.0, (len(words) - 1) / 3)
        return np.asarray(
            TSNE(metric="cosine", init="random", perplexity=perplexity, random_state=seed).fit_transform(vectors)
        )


def train_word_vectors(
    texts: Iterable[Sequence[str]],
    size: int,
    min_count: int,
    settings: VectorSettings,
    seed: int,
    progress: Progress,
) -> WordVectors:
    """Trains a vector for each word that is frequent enough; the same texts and seed give the same vectors.

    Words are those between spaces in lower case, and in Chinese those of rjieba's dictionary (extra ``zh``), each
    character where that is not installed. They are written to a temporary file, so that memory does not grow with the
    texts.

    Args:
        texts: batches of texts; read once.
        size: numbers of a vector.
        min_count: the fewest times that a word must occur.
        settings: of word2vec; their ``length`` does not count, vectors have length 1.
        seed: of the numbers at the start, and of what is drawn.
        progress: told how far the work is.

    Raises:
        DataError: there are too few words.
        MissingExtraError: gensim is not installed.
        Interrupted: the user asked to stop.
    """
    with tempfile.TemporaryDirectory(prefix="penjing-words-") as folder:
        path = Path(folder) / "words.txt"
        words = _write_words(texts, path, progress)
        lines = _Lines(path, progress)
        with progress.bar("word vectors", settings.epochs * words, "words") as bar:
            lines.advance = bar.advance
            model = load_word2vec(settings, size, seed, min_count)
            model.build_vocab(corpus_iterable=lines.quiet())
            stop_if_asked(progress)
            if len(model.wv.index_to_key) < _FEWEST_WORDS:
                raise DataError(
                    f"{len(model.wv.index_to_key)} words occur {min_count} times or more; {_FEWEST_WORDS} are needed",
                    do="Give more text, or a smaller --min-count.",
                )
            model.train(corpus_iterable=lines, total_examples=model.corpus_count, epochs=settings.epochs)
            stop_if_asked(progress)
    found = list(model.wv.index_to_key)
    vectors = np.asarray(model.wv.vectors, dtype=np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return WordVectors(found, [int(model.wv.get_vecattr(word, "count")) for word in found], vectors / lengths)


def _write_words(texts: Iterable[Sequence[str]], path: Path, progress: Progress) -> int:
    """Writes the words of each text as lines, and returns how many words there are."""
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for batch in texts:
            stop_if_asked(progress)
            for text in batch:
                words = ["".join(text[start:end].split()).lower() for start, end in find_text_words(text)]
                count += len(words)
                for start in range(0, len(words), _MAX_WORDS):
                    file.write(" ".join(words[start : start + _MAX_WORDS]) + "\n")
    return count


class _Lines:
    """The lines of a file as lists of words; it ends early where the user asked to stop."""

    def __init__(self, path: Path, progress: Progress) -> None:
        self._path, self._progress = path, progress
        self.advance = _nothing

    def quiet(self) -> Iterator[list[str]]:
        with self._path.open(encoding="utf-8") as file:
            for line in file:
                if self._progress.should_stop():
                    return
                yield line.split()

    def __iter__(self) -> Iterator[list[str]]:
        for words in self.quiet():
            yield words
            self.advance(len(words))


def _nothing(amount: float = 1) -> None:
    """Takes no notice."""
