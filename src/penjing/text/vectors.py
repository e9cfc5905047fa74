"""Word vectors: word2vec over the tokenizer's own tokens, as a start for a model's embeddings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from penjing.errors import MissingExtraError
from penjing.files import write_beside
from penjing.hashing import hash_text
from penjing.progress import Progress, stop_if_asked
from penjing.text.shards import TokenShard

_FILE = "vectors.npy"
_MAX_SENTENCE = 10_000  # gensim cuts longer ones without a word


class VectorSettings(BaseModel):
    """How word vectors are trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["skip-gram", "cbow"] = Field("skip-gram", description="which of the two word2vec models")
    window: int = Field(5, ge=1, description="neighbors on either side")
    negative: int = Field(5, ge=1, description="noise tokens drawn for each real one")
    epochs: int = Field(3, ge=1, description="passes over the corpus")
    sample: float = Field(1e-3, ge=0, description="threshold above which frequent tokens are thinned out")
    learning_rate: float = Field(0.025, gt=0, description="at the start; it falls to 0.0001")
    length: float = Field(2.0, gt=0, description="length that every vector is given at the end")


def train_vectors(
    shard: TokenShard, vocab_size: int, size: int, settings: VectorSettings, seed: int, progress: Progress
) -> NDArray[np.float32]:
    """Trains a vector for each vocabulary entry on the rows of a shard.

    Mikolov et al. 2013, arXiv 1301.3781 and 1310.4546, by gensim, on one thread, so that the same seed gives the same
    vectors. Entries that never occur get zeros.

    Returns:
        float32 [vocab_size, size].

    Raises:
        MissingExtraError: gensim is not installed.
        Interrupted: the user asked to stop.
    """
    model = load_word2vec(settings, size, seed, min_count=1)
    with progress.bar("vectors", settings.epochs * len(shard.tokens), "tokens") as bar:
        model.build_vocab(corpus_iterable=_Sentences(shard, progress.should_stop, lambda tokens: None))
        stop_if_asked(progress)
        model.train(
            corpus_iterable=_Sentences(shard, progress.should_stop, bar.advance),
            total_examples=model.corpus_count,
            epochs=settings.epochs,
        )
        stop_if_asked(progress)
    vectors = np.zeros((vocab_size, size), dtype=np.float32)
    lengths = np.linalg.norm(model.wv.vectors, axis=1, keepdims=True)
    vectors[[int(token) for token in model.wv.index_to_key]] = settings.length * model.wv.vectors / lengths
    return vectors


def load_word2vec(settings: VectorSettings, size: int, seed: int, min_count: int) -> Any:
    """Returns gensim's word2vec, untrained, on one thread.

    Raises:
        MissingExtraError: gensim is not installed.
    """
    try:
        from gensim.models import Word2Vec
    except ImportError as error:
        raise MissingExtraError("gensim", "words", "Training word vectors") from error
    return Word2Vec(
        vector_size=size,
        window=settings.window,
        negative=settings.negative,
        sg=1 if settings.method == "skip-gram" else 0,
        sample=settings.sample,
        alpha=settings.learning_rate,
        min_count=min_count,
        workers=1,
        seed=seed,
        hashfxn=_stable_hash,
    )


def _stable_hash(text: str) -> int:
    """A hash that does not change from one process to the next, unlike Python's own."""
    return int(hash_text(text)[:8], 16)


class _Sentences:
    """The rows of a shard as lists of token names; may be read several times.

    It ends early where the user asked to stop: raised in the thread that reads, an error would leave gensim waiting.
    """

    def __init__(self, shard: TokenShard, should_stop: Callable[[], bool], advance: Callable[[float], Any]) -> None:
        self._shard, self._should_stop, self._advance = shard, should_stop, advance

    def __iter__(self) -> Iterator[list[str]]:
        for index in range(self._shard.rows):
            if self._should_stop():
                return
            names = [str(token) for token in self._shard.row(index).tolist()]
            for start in range(0, len(names), _MAX_SENTENCE):
                yield names[start : start + _MAX_SENTENCE]
            self._advance(len(names))


def save_vectors(folder: Path, vectors: NDArray[np.float32]) -> None:
    """Writes the vectors, atomically."""
    with write_beside(folder / _FILE) as beside, beside.open("wb") as file:
        np.save(file, vectors, allow_pickle=False)


def load_vectors(folder: Path) -> NDArray[np.float32]:
    """Reads the vectors, [vocabulary, size]."""
    return np.asarray(np.load(folder / _FILE, allow_pickle=False), dtype=np.float32)
