"""The best span over windows is the one that trying them all finds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from penjing.inference.extraction import Extractor, best_span
from penjing.text.question_renderer import RenderedQuestion, Window


@given(st.integers(1, 12), st.integers(1, 15), st.integers(0, 1000))
def test_the_best_span_is_that_of_trying_all(tokens: int, longest: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    starts, ends = rng.normal(size=tokens), rng.normal(size=tokens)
    every = {
        (first, last): starts[first] + ends[last]
        for first in range(tokens)
        for last in range(first, min(tokens, first + longest))
    }
    first, last, score, total = best_span(starts, ends, longest)
    assert every[first, last] == max(every.values()) == score
    assert total == pytest.approx(np.log(sum(np.exp(list(every.values())))))


class Fixed(nn.Module):
    """Gives each token the logits that stand under its id in a table."""

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        self.table = nn.Parameter(table)

    def forward(self, ids: Tensor, mask: Any = None, *, token_type_ids: Tensor | None = None) -> Tensor:
        return self.table[ids]


def question(*windows: tuple[list[int], int]) -> RenderedQuestion:
    """Makes windows of ids, given with the number of the first token of the text in each."""
    return RenderedQuestion(
        [Window([0, 9, 1, *ids, 1], 3, [(n, n + 1) for n in range(at, at + len(ids))]) for ids, at in windows], []
    )


def table(**logits: tuple[float, float]) -> Tensor:
    values = torch.zeros(10, 2)
    for name, pair in logits.items():
        values[int(name[1:])] = torch.tensor(pair)
    return values


def test_an_answer_never_lies_in_the_question_nor_ends_before_it_begins() -> None:
    network = Fixed(table(t9=(50.0, 50.0), t1=(40.0, 40.0), t2=(5.0, 0.0), t3=(0.0, 6.0)))
    (found,) = Extractor(network, 0).find([question(([3, 4, 2, 5], 0))], 10)
    assert (found.start, found.end) in ((0, 1), (2, 3), (2, 4))  # 3 before 2 would be the highest sum
    assert found.start < found.end


def test_windows_compete_and_shares_count_a_span_of_both_once() -> None:
    logits = table(t0=(0.5, 0.5), t2=(2.0, 1.0), t3=(1.0, 4.0))
    (found,) = Extractor(Fixed(logits), 0).find([question(([4, 5, 2, 3], 0), ([2, 3, 6], 2))], 2)
    assert (found.start, found.end) == (2, 4)
    assert found.margin == pytest.approx(6.0 - 1.0)
    own = 2 * np.exp(6.0)
    others = [*(0, 0, 2 + 1, 1 + 4), *(0, 0 + 1), *(2 + 1, 1 + 4, 0), *(1,)]  # of both windows, by hand
    total = own + sum(map(np.exp, others))
    assert found.probability == pytest.approx(own / total)
    assert found.share == pytest.approx(own / (total + np.e))
    assert found.null_share == pytest.approx(np.e / (total + np.e))


def test_a_text_without_tokens_has_no_answer() -> None:
    (found,) = Extractor(Fixed(table()), 0).find([question(([], 0))], 5)
    assert (found.start, found.end, found.null_share) == (0, 0, 1.0)
