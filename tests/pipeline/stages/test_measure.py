"""Which held-out texts are measured."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from penjing.inference.language_model import MeasurableModel
from penjing.pipeline.stages.measure import affordable_texts


def model(*, reads_both_sides: bool) -> MeasurableModel:
    """Something that is asked only how it reads, and has as many tokens as characters."""
    measured: Any = SimpleNamespace(
        scorer=SimpleNamespace(reads_both_sides=reads_both_sides), render=lambda texts: texts
    )
    return cast("MeasurableModel", measured)


@pytest.mark.parametrize(("squares", "number"), [(1, 1), (16, 1), (24, 1), (25, 2), (60, 2), (61, 3), (1_000, 4)])
def test_a_model_that_reads_both_sides_measures_what_it_can_afford(squares: int, number: int) -> None:
    texts = ["four", "xyz", "longer", "last"]
    assert affordable_texts(model(reads_both_sides=True), texts, squares) == texts[:number]


def test_a_model_that_reads_to_the_right_measures_all() -> None:
    assert affordable_texts(model(reads_both_sides=False), ["four", "xyz"], 1) == ["four", "xyz"]
