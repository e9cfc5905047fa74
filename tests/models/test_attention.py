from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from penjing.models.attention import (
    _document_starts,
    attend_causally,
    causal_mask,
    find_borders,
    same_document,
)


@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=6), min_size=1, max_size=4), st.integers(0, 5))
def test_documents_begin_where_their_number_changes_and_in_every_row(rows: list[list[int]], first: int) -> None:
    time = max(sum(lengths) for lengths in rows)
    rows = [[*lengths, time - sum(lengths)] if sum(lengths) < time else lengths for lengths in rows]
    number, numbers, starts, place = first, [], [], 0
    for lengths in rows:
        row = []
        for length in lengths:
            starts.append(place)
            place += length
            row += [number] * length
            number += 1
        number -= 1  # the next row goes on with the same document
        numbers.append(row)
    found = _document_starts(torch.tensor(numbers)).tolist()
    assert found[: len(starts)] == starts
    assert len(found) > len(starts)
    assert set(found[len(starts) :]) == {len(rows) * time}
    assert len(found).bit_count() == 1


def test_on_a_cpu_and_in_fp32_a_mask_is_needed() -> None:
    documents, hidden = torch.zeros(2, 4, dtype=torch.int64), torch.zeros(2, 4, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert find_borders(documents, hidden, 8, 0.0) is None
    if torch.cuda.is_available():
        assert find_borders(documents.cuda(), hidden.cuda(), 8, 0.0) is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no GPU")
@pytest.mark.parametrize("groups", [4, 2])
def test_attention_inside_documents_is_that_with_a_mask(groups: int) -> None:
    torch.manual_seed(0)
    documents = torch.tensor([[0] * 40 + [1] * 24, [1] * 5 + [2] + [3] * 58], device="cuda")
    query, key, value, upstream = (
        torch.randn(2, heads, 64, 32, device="cuda", dtype=torch.bfloat16) for heads in (4, groups, groups, 4)
    )
    borders = find_borders(documents, query, 32, 0.0)
    assert borders is not None
    assert find_borders(documents, query, 20, 0.0) is None
    assert find_borders(documents, query, 512, 0.0) is None
    assert find_borders(documents, query, 32, 0.1) is None
    mask = causal_mask(64, 64, None, None, documents.device) & same_document(documents)
    results = []
    for kind, how in ((torch.bfloat16, borders), (torch.float64, mask)):
        parts = [part.detach().clone().to(kind).requires_grad_() for part in (query, key, value)]
        mixed = attend_causally(*parts, how, 0.0)
        mixed.backward(upstream.to(kind))
        results.append([mixed.double(), *(part.grad.double() for part in parts if part.grad is not None)])
    for found, expected in zip(*results, strict=True):
        assert (found - expected).norm() / expected.norm() < 1e-2


def test_a_model_is_asked_without_the_compiler() -> None:
    code = "import sys, penjing.tasks.model, penjing.models.llama; sys.exit('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0  # it takes a second to import
