from __future__ import annotations

from itertools import chain

import pytest
from pydantic import ValidationError

from penjing.text.continuation_renderer import (
    ContinuationRenderer,
    ContinuationRendererSettings,
    RenderedText,
    Text,
    split_beginning,
)
from penjing.text.tokenizer import Tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

LONG = "  What light through yonder window breaks?\n\nIt is the east, 很好看 and Juliet is the sun.  " * 3


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer([[LONG]], TokenizerSettings(kind="bpe", vocab_size=300), 0)


def renderer(tokenizer: Tokenizer, *, reads_first: bool, tokens: int = 16) -> ContinuationRenderer:
    settings = ContinuationRendererSettings(max_tokens=tokens, prompt_words=2)
    return ContinuationRenderer(tokenizer, settings, reads_first=reads_first)


def learned(text: RenderedText) -> list[int]:
    return [*chain.from_iterable(w.ids[border:] for w, border in zip(text.windows, text.borders, strict=True))]


@pytest.mark.parametrize("reads_first", [False, True])
def test_every_token_of_a_long_text_is_learned_exactly_once(tokenizer: Tokenizer, reads_first: bool) -> None:
    rendering = renderer(tokenizer, reads_first=reads_first)
    (text,) = rendering.divide([LONG], [""])
    (found,) = rendering.render([text])
    assert len(found.windows) > 2
    assert text.given + tokenizer.decode(learned(found)[:-1]) == LONG
    assert learned(found)[-1] == tokenizer.end_id
    assert sum(window.cut_tokens for window in found.windows) == 0
    longest = max(len(window.ids) for window in found.windows)
    assert longest <= (32 if reads_first else 16)  # of an encoder-decoder each side has a window of its own


def test_a_window_goes_on_from_the_last_token_of_the_one_before(tokenizer: Tokenizer) -> None:
    (found,) = renderer(tokenizer, reads_first=False).render([Text("", LONG)])
    for before, after in zip(found.windows, found.windows[1:], strict=False):
        assert after.ids[0] == before.ids[-1]
    assert found.borders == [1] * len(found.windows)


def test_of_a_given_beginning_the_oldest_tokens_are_cut_and_counted(tokenizer: Tokenizer) -> None:
    whole = len(tokenizer.encode([LONG])[0])
    for reads_first, kept in ((False, 7), (True, 14)):  # half a window, or one; without the special tokens
        (found,) = renderer(tokenizer, reads_first=reads_first).render([Text(LONG, "x" * 40)])
        assert [window.cut_tokens for window in found.windows[:2]] == [whole - kept, 0]
        assert tokenizer.decode(learned(found)[:-1]) == "x" * 40


@pytest.mark.parametrize("words", [1, 3, 1000])
def test_beginning_and_rest_are_the_text(words: int) -> None:
    for text in (LONG, "很好看", "one", "", " \n "):
        given, rest = split_beginning(text, words)
        assert given + rest == text
    assert split_beginning("one", words).given == ""


def test_an_encoder_decoder_learns_from_beginnings_of_many_lengths_and_the_same_again(tokenizer: Tokenizer) -> None:
    rendering = renderer(tokenizer, reads_first=True)
    drawn = rendering.divide([LONG] * 20, [""] * 20, first_row=5)
    assert len({len(text.given) for text in drawn}) == 4  # words: 1 to twice the 2
    assert drawn[3:] == rendering.divide([LONG] * 17, [""] * 17, first_row=8)
    assert len({text.given for text in rendering.divide([LONG] * 3, [""] * 3)}) == 1


def test_a_prompt_is_read_as_it_was_learned(tokenizer: Tokenizer) -> None:
    rendering = renderer(tokenizer, reads_first=False, tokens=1000)
    (whole,) = rendering.render([Text("", "the east, and")])
    (prompt,) = rendering.render_prompts(["the east,"], None)
    assert whole.windows[0].ids[: len(prompt.ids)] == prompt.ids
    (short,) = rendering.render_prompts([LONG], 8)
    assert (len(short.ids), short.ids[0]) == (8, prompt.ids[0])
    assert short.cut_tokens == len(tokenizer.encode([LONG])[0]) - 7


def test_templates_and_cuts_are_refused() -> None:
    for change in ({"template": "[CLS]{text}"}, {"cut": "end"}, {"rejoin": True}):
        with pytest.raises(ValidationError, match="a text is learned whole"):
            ContinuationRendererSettings.model_validate(change)
