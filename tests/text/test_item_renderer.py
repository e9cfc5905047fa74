"""Histories become rows: every item but the first is guessed once, from those before it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.text.item_renderer import ItemRenderer, ItemRendererSettings
from penjing.text.tokenizer import Tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    settings = TokenizerSettings(kind="word", vocab_size=300, min_frequency=1)
    return train_tokenizer([["red cup", "blue hat 帽子"]], settings, 0)


@given(length=st.integers(0, 60), most=st.integers(1, 12))
def test_each_item_but_the_first_is_guessed_once(tokenizer: Tokenizer, length: int, most: int) -> None:
    renderer = ItemRenderer(tokenizer, ItemRendererSettings(max_items=most))
    items = np.arange(1, length + 1)
    rows = renderer.training_rows(items)
    guessed = sorted(item for row in rows for item in row.items[row.given :].tolist())
    assert guessed == items[1:].tolist()
    for row in rows:
        assert len(row.items) - 1 <= most
        assert np.diff(row.items).tolist() == [1] * (len(row.items) - 1)


def test_of_a_question_the_last_item_alone_is_guessed_and_older_ones_are_cut(tokenizer: Tokenizer) -> None:
    renderer = ItemRenderer(tokenizer, ItemRendererSettings(max_items=3))
    row = renderer.question_row(np.array([4, 5, 6, 7]), 9)
    assert (row.items.tolist(), row.given, row.cut) == ([5, 6, 7, 9], 3, 1)
    assert row.rendered.learned == [False, False, False, True]


def test_texts_are_cut_and_the_fingerprint_follows_the_settings(tokenizer: Tokenizer) -> None:
    short = ItemRenderer(tokenizer, ItemRendererSettings(max_tokens=4))
    (row,) = short.render_texts(["red cup blue hat red cup"])
    assert (len(row.ids), row.cut_tokens) == (4, 2)
    assert short.fingerprint != ItemRenderer(tokenizer, ItemRendererSettings()).fingerprint
