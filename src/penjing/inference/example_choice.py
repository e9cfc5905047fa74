"""Which labelled texts stand before a text as examples: the most similar of each label, or some drawn for it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from penjing.hashing import hash_json
from penjing.inference.bm25 import LexicalIndex
from penjing.inference.text_vectors import TextEncoder
from penjing.text.name_renderer import ChooseExamples, Examples, NameLayout

Floats = NDArray[np.float64]


def choose_balanced(scores: Floats, classes: NDArray[np.int64], count: int) -> list[int]:
    """Returns the numbers of examples: the best of each label, best first, then the second of each, and so on.

    Args:
        scores: the more the better, [examples]; minus infinity: never.
        classes: the number of the label of each, [examples].
        count: how many.
    """
    order = np.argsort(-scores, kind="stable")
    order = order[np.isfinite(scores[order])]
    ranks = np.zeros(len(order), dtype=np.int64)  # the place of each among those of its label
    for label in np.unique(classes[order]):
        own = classes[order] == label
        ranks[own] = np.arange(own.sum())
    chosen: list[int] = order[np.argsort(ranks, kind="stable")][:count].tolist()
    return chosen


class _Chooser:
    """What all ways to choose have in common: see `ChooseExamples`."""

    def __init__(self, examples: Examples, count: int) -> None:
        self._texts = list(examples.texts)
        self._classes, self._count = np.asarray(examples.classes, dtype=np.int64), count

    def __call__(self, texts: Sequence[str], own: Sequence[int] | None) -> list[list[int]]:
        chosen = []
        for row, scores in enumerate(self._score(texts)):
            if own is not None:
                scores[own[row]] = -np.inf
            chosen.append(choose_balanced(scores, self._classes, self._count))
        return chosen

    def _score(self, texts: Sequence[str]) -> list[Floats]:
        """Returns how much each example is wanted for each text, [examples] each."""
        raise NotImplementedError


class _Drawn(_Chooser):
    """Draws by a seed and the text, so that a text has the same examples wherever it is asked about."""

    def __init__(self, examples: Examples, count: int, seed: int) -> None:
        super().__init__(examples, count)
        self._seed = seed

    def _score(self, texts: Sequence[str]) -> list[Floats]:
        seeds = ([self._seed, int(hash_json(text)[:16], 16)] for text in texts)
        return [np.random.default_rng(seed).random(len(self._texts)) for seed in seeds]


class _ByWords(_Chooser):
    """Compares by BM25."""

    @cached_property
    def _index(self) -> LexicalIndex:
        return LexicalIndex.build(self._texts)

    def _score(self, texts: Sequence[str]) -> list[Floats]:
        return [np.array(self._index.score(text), dtype=np.float64) for text in texts]


class _ByVectors(_Chooser):
    """Compares by the cosine of vectors; the encoder is opened when it is first asked."""

    def __init__(self, examples: Examples, count: int, folder: Path, max_tokens: int) -> None:
        super().__init__(examples, count)
        self._folder, self._max_tokens = folder, max_tokens

    @cached_property
    def _encoder(self) -> TextEncoder:
        return TextEncoder(self._folder, self._max_tokens)

    @cached_property
    def _vectors(self) -> NDArray[np.float32]:
        return self._encoder.encode(self._texts)[0]

    def _score(self, texts: Sequence[str]) -> list[Floats]:
        cosines = self._encoder.encode(texts)[0] @ self._vectors.T  # [texts, examples]
        return list(cosines.astype(np.float64))


def example_chooser(
    layout: NameLayout, examples: Examples, *, seed: int, max_tokens: int, encoder: Path | None = None
) -> ChooseExamples | None:
    """Returns what chooses examples as a layout says; None where it has none.

    Args:
        layout: how many, and by what.
        examples: what is chosen from.
        seed: of those that are drawn.
        max_tokens: longest text that is compared by vectors.
        encoder: the folder of a BERT that makes them; None: texts are compared by BM25.
    """
    if not layout.examples:
        return None
    if layout.by == "random":
        return _Drawn(examples, layout.examples, seed)
    if encoder is not None:
        return _ByVectors(examples, layout.examples, encoder, max_tokens)
    return _ByWords(examples, layout.examples)
