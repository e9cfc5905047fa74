"""Rows are shown as they are rendered: every token once, and what was cut where it was."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penjing.text.renderer import Rendered, Renderer, RendererSettings
from penjing.text.showing import join_rows, show_row
from penjing.text.tokenizer import Tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

TEXTS = ["the quick brown fox 跳过了懒狗", "a lazy dog sleeps", "🙂 naïve café"]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer([TEXTS * 3], TokenizerSettings(kind="bpe", vocab_size=320))


@settings(max_examples=60)
@given(
    text=st.text(alphabet="abc 跳懒🙂é", max_size=40),
    most=st.integers(4, 30),
    side=st.sampled_from(["end", "middle", "start"]),
)
def test_what_is_not_cut_is_what_was_rendered(
    tokenizer: Tokenizer, text: str, most: int, side: Literal["end", "middle", "start"]
) -> None:
    asked = RendererSettings(max_tokens=most, cut=side)
    kept, whole = (
        Renderer(tokenizer, each).render([{"text": text}])[0]
        for each in (asked, asked.model_copy(update={"max_tokens": 10**9}))
    )
    row = show_row(tokenizer, kept, whole)
    assert row.counts == {"read": len(kept.ids), "learned": 0, "cut": kept.cut_tokens}
    shown = "".join(token.text for token in row.tokens if token.state == "read" and not token.is_special)
    assert shown == tokenizer.decode(kept.ids) or "\ufffd" in shown  # a character that was cut in two
    if not kept.cut_tokens:
        assert shown == text


def test_tokens_that_are_a_character_together_are_shown_as_one(tokenizer: Tokenizer) -> None:
    row = show_row(tokenizer, *[Renderer(tokenizer, RendererSettings()).render([{"text": "😀 dog"}])[0]] * 2)
    assert row.tokens[1].text == "😀"
    assert "".join(token.text for token in row.tokens if not token.is_special) == "😀 dog"
    assert row.counts["read"] > len(row.tokens)


def test_what_is_learned_is_told_from_what_is_read(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode(["the dog"])[0]
    read, learned = Rendered(ids, [False] * len(ids), 0), Rendered(ids, [True] * len(ids), 0)
    row = join_rows([show_row(tokenizer, read, read), show_row(tokenizer, learned, learned)])
    assert row.counts == {"read": len(ids), "learned": len(ids), "cut": 0}
    assert {token.state for token in row.tokens[: len(row.tokens) // 2]} == {"read"}
    assert {token.state for token in row.tokens[len(row.tokens) // 2 :]} == {"learned"}
