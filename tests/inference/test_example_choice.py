"""Examples are as many of each label, the most similar, or drawn by the text alone."""

from __future__ import annotations

import numpy as np
import pytest

from penjing.inference.example_choice import choose_balanced, example_chooser
from penjing.text.name_renderer import Examples, NameLayout

EXAMPLES = Examples(
    ["the plot is dull", "a lovely film", "dull scenes", "lovely music", "画面精彩动人", "剧情拖沓无聊"],
    [0, 1, 0, 1, 1, 0],
)


def test_as_many_of_each_label_are_chosen_best_first() -> None:
    scores, classes = np.array([5.0, 4.0, 3.0, 2.0, 1.0, -np.inf]), np.array([0, 0, 0, 1, 1, 1])
    assert choose_balanced(scores, classes, 4) == [0, 3, 1, 4]
    assert choose_balanced(scores, classes, 3) == [0, 3, 1]
    assert choose_balanced(scores, classes, 9) == [0, 3, 1, 4, 2]  # what is never wanted stays away


@pytest.mark.parametrize(
    ("text", "wanted"), [("what a dull plot", 0), ("lovely music", 3), ("精彩的画面", 4), ("剧情无聊", 5)]
)
def test_the_most_similar_comes_first_in_english_and_chinese(text: str, wanted: int) -> None:
    pytest.importorskip("bm25s")
    choose = example_chooser(NameLayout(template="{text}{label}", examples=2), EXAMPLES, seed=0, max_tokens=64)
    assert choose is not None
    [chosen] = choose([text], None)
    assert chosen[0] == wanted or wanted in chosen
    assert {EXAMPLES.classes[number] for number in chosen} == {0, 1}
    own = choose([EXAMPLES.texts[wanted]], [wanted])
    assert wanted not in own[0]


def test_a_text_has_the_same_drawn_examples_wherever_it_is_asked_about() -> None:
    layout = NameLayout(template="{text}{label}", examples=2, by="random")
    texts = [f"text {number}" for number in range(12)]
    first, again, other = (example_chooser(layout, EXAMPLES, seed=seed, max_tokens=64) for seed in (0, 0, 1))
    assert first is not None
    assert again is not None
    assert other is not None
    found = first(texts, None)
    assert [again([text], None)[0] for text in texts] == found
    assert other(texts, None) != found
    assert len({tuple(row) for row in found}) > 1
    assert all({EXAMPLES.classes[number] for number in row} == {0, 1} for row in found)


def test_nothing_is_chosen_where_no_examples_are_wanted() -> None:
    assert example_chooser(NameLayout(template="{text}{label}"), EXAMPLES, seed=0, max_tokens=64) is None
