"""Lexical search: BM25 (Robertson & Zaragoza 2009) over words, and over single characters and pairs of Chinese."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penjing.errors import MissingExtraError
from penjing.text.words import HAN_RUN

_WORD = re.compile(r"\w+")


def list_terms(text: str) -> list[str]:
    """Returns the terms that a text is found by: words in lower case; of Chinese, characters and pairs of them.

    >>> list_terms("In 北京市, 2008")
    ['北', '京', '市', '北京', '京市', 'in', '2008']
    """
    terms: list[str] = []
    for run in (match.group() for match in HAN_RUN.finditer(text)):
        terms += [*run, *(run[place : place + 2] for place in range(len(run) - 1))]
    return terms + _WORD.findall(HAN_RUN.sub(" ", text).lower())


class LexicalIndex:
    """An index of passages by their terms.

    Args:
        backend: of the package bm25s.
    """

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    @classmethod
    def build(cls, passages: Sequence[str]) -> LexicalIndex:
        """Indexes passages.

        Raises:
            MissingExtraError: bm25s is not installed.
        """
        backend = _package().BM25(method="lucene", k1=1.5, b=0.75)
        backend.index([list_terms(passage) or [""] for passage in passages], show_progress=False)
        return cls(backend)

    @classmethod
    def load(cls, folder: Path) -> LexicalIndex:
        """Reads what `save` wrote.

        Raises:
            MissingExtraError: bm25s is not installed.
        """
        return cls(_package().BM25.load(str(folder), show_progress=False))

    def save(self, folder: Path) -> None:
        """Writes the index into a folder."""
        self._backend.save(str(folder), show_progress=False)

    def score(self, query: str) -> NDArray[np.float64]:
        """Returns the BM25 score of each passage, [passages]; 0 where no term is in common."""
        known = self._backend.vocab_dict
        terms = [term for term in list_terms(query) if term in known]
        if not terms:
            return np.zeros(int(self._backend.scores["num_docs"]))
        return np.asarray(self._backend.get_scores(terms), dtype=np.float64)


def _package() -> Any:
    try:
        import bm25s
    except ImportError as error:
        raise MissingExtraError("bm25s", "answers", "Searching a folder of documents") from error
    return bm25s
