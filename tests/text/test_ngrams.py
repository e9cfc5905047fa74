"""N-grams of token ids with weights."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.errors import ModelFolderError
from penjing.text.ngrams import NGRAMS, NgramRule, NgramTable, find_ngrams, read_table, which_ngrams, write_table

RULE = NgramRule(length=2, vocab_size=50, marks=frozenset({0, 1}))
ROWS = st.lists(st.integers(0, 49), max_size=12)


@cache
def table(columns: int, seed: int = 0, known: int = 2000) -> NgramTable:
    rng = np.random.default_rng(seed)
    every = np.unique(np.concatenate([find_ngrams([a, b], RULE).keys for a in range(50) for b in range(50)]))
    keys = np.sort(rng.choice(every, known, replace=False))
    ratios, weights = (rng.normal(size=(known, columns)).astype(np.float32) for _ in range(2))
    return NgramTable(RULE, keys, ratios, weights, rng.normal(size=columns))


def test_every_run_of_tokens_is_an_ngram_except_those_with_a_mark() -> None:
    found = find_ngrams([0, 7, 8, 7, 8, 1], RULE)
    spans = sorted(zip(found.starts.tolist(), found.sizes.tolist(), strict=True))
    assert spans == [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2), (4, 1)]
    places = zip(found.starts.tolist(), found.sizes.tolist(), strict=True)
    keys = dict(zip(places, found.keys.tolist(), strict=True))
    assert keys[1, 2] == keys[3, 2] != keys[2, 2]
    assert len(set(keys.values())) == 4  # 7, 8, 7 8, 8 7


@given(ROWS, ROWS)
def test_rows_have_the_same_ngrams_only_if_they_have_the_same_runs(first: list[int], second: list[int]) -> None:
    def runs(row: list[int]) -> set[tuple[int, ...]]:
        every = {tuple(row[at : at + size]) for size in (1, 2) for at in range(len(row) - size + 1)}
        return {run for run in every if not RULE.marks & set(run)}

    one, other = which_ngrams([first, second], RULE)
    assert len(one) == len(runs(first))
    assert len(np.intersect1d(one, other)) == len(runs(first) & runs(second))


@pytest.mark.parametrize("columns", [1, 3])
def test_score_is_that_of_the_written_formula(columns: int) -> None:
    model, row = table(columns), [0, 5, 6, 5, 9, 1]
    has = np.isin(model.keys, find_ngrams(row, RULE).keys)
    features = model.ratios.astype(np.float64) * has[:, None]
    columns_of = (features / np.linalg.norm(features, axis=0) * model.weights).sum(axis=0) + model.bias
    wanted = columns_of if columns > 1 else [-columns_of[0] / 2, columns_of[0] / 2]
    np.testing.assert_allclose(model.score([row, []])[0], wanted, rtol=1e-9)


@given(ROWS, st.sampled_from([1, 3]))
def test_what_tokens_add_is_the_score_less_that_of_an_empty_row(row: list[int], columns: int) -> None:
    model = table(columns)
    scores, added = model.score([row, []]), model.divide(row)
    np.testing.assert_allclose(added.sum(axis=0), scores[0] - scores[1], atol=1e-9)
    np.testing.assert_allclose(scores[1], model.biases)
    assert not added[[token in RULE.marks for token in row]].any()


def test_rows_beside_a_row_change_nothing() -> None:
    model = table(3)
    together = model.score([[5, 6, 7], [], [8] * 40])
    np.testing.assert_array_equal(together[0], model.score([[5, 6, 7]])[0])


def test_table_is_read_as_it_was_written_and_another_file_is_refused(tmp_path: Path) -> None:
    model = table(1)
    wanted = write_table(model, tmp_path)
    read = read_table(tmp_path, wanted)
    np.testing.assert_array_equal(read.score([[5, 6, 9]]), model.score([[5, 6, 9]]))
    assert read.rule == model.rule
    write_table(table(1, seed=1), tmp_path)
    with pytest.raises(ModelFolderError, match="not those of the training"):
        read_table(tmp_path, wanted)
    (tmp_path / NGRAMS).unlink()
    with pytest.raises(ModelFolderError, match="there is no file"):
        read_table(tmp_path, wanted)
