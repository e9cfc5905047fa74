"""Vectors of words: words that are used alike are near, and the same texts give the same vectors."""

from __future__ import annotations

import random

import numpy as np
import pytest

from penjing.errors import DataError
from penjing.progress import Silent
from penjing.text.vectors import VectorSettings
from penjing.text.word_vectors import WordVectors, train_word_vectors

ANIMALS, TOOLS = ("cat", "dog", "horse", "goat"), ("hammer", "saw", "drill", "chisel")
酒店, 书 = ("酒店", "宾馆", "饭店"), ("小说", "诗歌", "散文")


def texts_of(seed: int) -> list[list[str]]:
    rng = random.Random(seed)
    frames = [
        (ANIMALS, "The {} eats grass, sleeps in the barn and runs over fields."),
        (TOOLS, "The {} lies on the bench, made of steel with a wooden handle."),
        (酒店, "这家{}的房间很干净，早餐也不错。"),
        (书, "这本{}的文字很优美，值得一读。"),
    ]
    return [[frame.format(rng.choice(names)) for names, frame in frames] for _ in range(400)]


def train(seed: int = 0, min_count: int = 5) -> WordVectors:
    return train_word_vectors(texts_of(0), 24, min_count, VectorSettings(epochs=8), seed, Silent())


def test_words_that_are_used_alike_are_nearest_in_both_languages() -> None:
    pytest.importorskip("gensim")
    pytest.importorskip("rjieba")
    vectors = train()
    for words in (ANIMALS, TOOLS, 酒店, 书):
        for word in words:
            near = [item.word for item in vectors.nearest(word, len(words) - 1)]
            assert set(near) == set(words) - {word}, (word, near)
    (neighbor,) = vectors.nearest("Cat", 1)
    cat, other = (vectors.vectors[vectors.words.index(word)] for word in ("cat", neighbor.word))
    assert neighbor.similarity == pytest.approx(float(cat @ other))
    np.testing.assert_allclose(np.linalg.norm(vectors.vectors, axis=1), 1, rtol=1e-5)
    assert vectors.counts == sorted(vectors.counts, reverse=True)


def test_same_texts_and_seed_give_the_same_vectors_and_map() -> None:
    pytest.importorskip("gensim")
    first, again, other = train(), train(), train(seed=1)
    assert first.words == again.words
    assert np.array_equal(first.vectors, again.vectors)
    assert not np.array_equal(first.vectors, other.vectors)
    words = [*ANIMALS, *TOOLS]
    places = first.lay_out(words)
    assert places.shape == (8, 2)
    assert np.array_equal(places, again.lay_out(words))


def test_word_without_vector_and_too_little_text_are_refused() -> None:
    pytest.importorskip("gensim")
    vectors = train()
    assert not vectors.has("elephant")
    with pytest.raises(KeyError):
        vectors.nearest("elephant", 1)
    with pytest.raises(DataError, match="0 words occur 5 times or more; 10 are needed"):
        train_word_vectors([["only a few words"]], 8, 5, VectorSettings(), 0, Silent())
