"""How many tokens are supposed for a text."""

from __future__ import annotations

import random

from penjing.inference.decoding.drafting import Pace


def suppose(pace: Pace, right: list[bool], most: int = 6) -> list[int]:
    """Returns how many tokens are supposed in each step of a text; each token says whether a guess of it is right."""
    written, asked = 0, []
    while written < len(right):
        count = min(pace.choose(written, most), len(right) - written)
        pace.supposed = count
        asked.append(count)
        came_true = next((n for n in range(count) if not right[written + n]), count)
        written += came_true + 1
    return asked


def test_a_drafter_that_is_right_is_asked_for_all() -> None:
    assert set(suppose(Pace(), [True] * 70)) == {6}


def test_a_drafter_that_is_wrong_is_hardly_asked() -> None:
    asked = suppose(Pace(), [False] * 400)
    assert asked[:4] == [6, 3, 1, 0]
    assert sum(asked) < 40


def test_a_drafter_that_becomes_right_is_soon_asked_for_all() -> None:
    asked = suppose(Pace(), [False] * 200 + [True] * 400)
    assert asked[-20:] == [6] * 20
    assert len(asked) < 200 + 32 + 70


def test_no_more_is_supposed_than_may_be() -> None:
    rng = random.Random(0)
    for most in (1, 2, 6):
        asked = suppose(Pace(), [rng.random() < 0.7 for _ in range(500)], most)
        assert 0 <= min(asked) <= max(asked) <= most
