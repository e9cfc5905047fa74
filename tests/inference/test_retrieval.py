"""BM25 is that of its formula, ranks are put together by theirs, and vectors are means."""

from __future__ import annotations

from itertools import pairwise
from math import log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.errors import UsageError
from penjing.inference.bm25 import LexicalIndex, list_terms
from penjing.inference.embedding import load_encoder
from penjing.inference.retrieval import Retriever, fuse_ranks
from penjing.pipeline.run import RunResult

PASSAGES = ["北京是中国的首都", "the cat sat on the mat", "上海 is a large city", "a cat", "cats and dogs"]


def by_hand(query: str, passages: list[str]) -> list[float]:
    """BM25 with k1 = 1.5 and b = 0.75, and Lucene's inverse document frequency."""
    documents = [list_terms(passage) for passage in passages]
    mean = sum(map(len, documents)) / len(documents)
    scores = []
    for document in documents:
        score = 0.0
        for term in list_terms(query):
            found = sum(term in other for other in documents)
            count = document.count(term)
            weight = log(1 + (len(documents) - found + 0.5) / (found + 0.5))
            score += weight * count / (count + 1.5 * (1 - 0.75 + 0.75 * len(document) / mean))
        scores.append(score)
    return scores


@pytest.mark.parametrize("query", ["the cat", "首都是哪里", "上海 city", "nothing here", ""])
def test_scores_are_those_of_the_formula(query: str, tmp_path: Path) -> None:
    pytest.importorskip("bm25s")
    index = LexicalIndex.build(PASSAGES)
    assert index.score(query) == pytest.approx(by_hand(query, PASSAGES), abs=1e-5)
    index.save(tmp_path)
    assert LexicalIndex.load(tmp_path).score(query) == pytest.approx(index.score(query))


def test_a_passage_without_a_word_in_common_is_not_found() -> None:
    pytest.importorskip("bm25s")
    retriever = Retriever(LexicalIndex.build(PASSAGES))
    assert retriever.search("the cat", 10)[:1] == [1]
    assert set(retriever.search("the cat", 10)) == {1, 3}
    assert retriever.search("zzz", 10) == []


@given(st.lists(st.lists(st.integers(0, 9), unique=True, max_size=8), min_size=1, max_size=4))
def test_ranks_are_put_together_by_the_sum_of_their_reciprocals(rankings: list[list[int]]) -> None:
    fused = fuse_ranks(rankings)
    sums = {item: sum(1 / (61 + ranks.index(item)) for ranks in rankings if item in ranks) for item in fused}
    assert set(fused) == {item for ranks in rankings for item in ranks}
    assert all(sums[a] >= sums[b] - 1e-12 for a, b in pairwise(fused))


def test_a_vector_is_the_mean_of_hidden_states_whatever_stands_beside(small_bert_run: RunResult) -> None:
    encoder = load_encoder(small_bert_run.model, "cpu")
    alone, longer = (
        encoder.encode_documents(["a lovely film"]),
        encoder.encode_documents(["a lovely film", "dull " * 8]),
    )
    assert np.allclose(alone[0], longer[0], atol=1e-5)
    assert np.allclose(np.linalg.norm(longer, axis=1), 1, atol=1e-5)


def test_a_model_of_one_direction_makes_no_vectors(small_run: RunResult) -> None:
    with pytest.raises(UsageError, match="does not read both sides"):
        load_encoder(small_run.model, "cpu")
