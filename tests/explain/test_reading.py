from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.errors import DataError
from penjing.explain.reading import parts_not_read, read_text
from penjing.text.renderer import Renderer, RendererSettings
from penjing.text.tokenizer import train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

TEXTS = ["这部电影很好看，演员的表演也不错。", "a fine film, and not dull at all"] * 4
BPE = train_tokenizer([TEXTS], TokenizerSettings(kind="bpe", vocab_size=400))
WORD = train_tokenizer([TEXTS], TokenizerSettings(kind="word", vocab_size=300))


def test_every_token_of_the_text_belongs_to_words_and_special_ones_to_none() -> None:
    reading = read_text(Renderer(BPE, RendererSettings()), TEXTS[0])
    assert [reading.text[start:end] for start, end in reading.words][:4] == ["这部", "电影", "很", "好看"]
    assert reading.shares[:, 0].sum() == reading.shares[:, -1].sum() == 0
    np.testing.assert_allclose(reading.shares[:, 1:-1].sum(axis=0), 1)
    assert reading.is_read.all()


def test_token_across_two_words_is_shared_by_characters_and_goes_with_the_larger_part() -> None:
    joined = train_tokenizer([["好看的电影" * 3] * 30], TokenizerSettings(kind="bpe", vocab_size=300))
    reading = read_text(Renderer(joined, RendererSettings()), "好看的电影")
    assert [reading.text[start:end] for start, end in reading.words] == ["好看", "的", "电影"]
    across = np.flatnonzero((reading.shares > 0).sum(axis=0) > 1)
    assert len(across), "the vocabulary was to have a token of several words"
    for token in across:
        assert reading.shares[:, token].sum() == pytest.approx(1)
        kept = np.arange(3) != reading.shares[:, token].argmax()
        has_larger = reading.shares[:, token].max() > 0.5
        assert (reading.ids[token] in reading.keep(kept)) == (not has_larger)


@given(st.lists(st.booleans(), min_size=9, max_size=9))
def test_deleting_words_is_reading_the_text_without_them(kept: list[bool]) -> None:
    renderer = Renderer(WORD, RendererSettings())
    words = TEXTS[1].replace(",", " ,").split()
    reading = read_text(renderer, " ".join(words))
    shorter = " ".join(word for word, keep in zip(words, kept, strict=True) if keep)
    assert reading.keep(np.array(kept)) == renderer.render([{"text": shorter}])[0].ids


@pytest.mark.parametrize(
    ("side", "unread"),
    [("end", "and not dull at all"), ("start", "a fine film, and not"), ("middle", "film, and not dull")],
)
def test_what_lies_beyond_the_window_is_named(side: str, unread: str) -> None:
    settings = RendererSettings(max_tokens=6 if side != "start" else 5, cut=side)  # type: ignore[arg-type]
    reading = read_text(Renderer(WORD, settings), TEXTS[1])
    assert [reading.text[start:end] for start, end in parts_not_read(reading)] == [unread]


@pytest.mark.parametrize("text", ["", "  \n", "\u200b"])
def test_text_without_a_word_is_refused(text: str) -> None:
    renderer = Renderer(WORD, RendererSettings())
    if text == "\u200b":
        assert read_text(renderer, text).words == ((0, 1),)
        return
    with pytest.raises(DataError, match="no word"):
        read_text(renderer, text)
