"""A prompt is read as one text; what is too long is cut out of its columns alone."""

from __future__ import annotations

import pytest

from penjing.errors import RecipeError
from penjing.text.pair_renderer import PairRendererSettings
from penjing.text.prompt_renderer import PromptPairRenderer, PromptRenderer
from penjing.text.renderer import RendererSettings
from penjing.text.tokenizer import Tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

TEXTS = ["the red bird sings", "a question about the bird", "sentiment is context", "红色的鸟在唱歌"] * 5


@pytest.fixture(scope="module", params=["bpe", "unigram"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return train_tokenizer([TEXTS], TokenizerSettings(kind=request.param, vocab_size=300))


def test_a_prompt_is_the_tokens_of_its_whole_text(tokenizer: Tokenizer) -> None:
    renderer = PromptRenderer(tokenizer, RendererSettings(template="question: {question} context: {text}"))
    (row,) = renderer.render([{"question": "which bird", "text": "红色的鸟"}])
    (whole,) = tokenizer.encode(["question: which bird context: 红色的鸟"])
    assert row.ids == [*tokenizer.prompt_start, *whole, tokenizer.end_id]
    assert row.cut_tokens == 0


def test_a_long_column_is_cut_and_the_words_of_the_template_stay(tokenizer: Tokenizer) -> None:
    settings = RendererSettings(template="sentiment: {text} the end", max_tokens=40)
    text = "the red bird sings " * 20
    (row,) = PromptRenderer(tokenizer, settings).render([{"text": text}])
    (whole,) = tokenizer.encode([f"sentiment: {text} the end"])
    assert len(row.ids) == 40
    assert row.cut_tokens == len(whole) - (len(row.ids) - len(tokenizer.prompt_start) - 1)
    shown = tokenizer.decode(row.ids).strip()
    assert shown.startswith("sentiment: the red bird")
    assert shown.endswith("the end")


@pytest.mark.parametrize(("cut", "read"), [("end", [True, False]), ("start", [False, True])])
def test_words_are_read_where_no_token_of_theirs_is_cut(tokenizer: Tokenizer, cut: str, read: list[bool]) -> None:
    settings = RendererSettings.model_validate({"template": "about {question}: {text}", "max_tokens": 40, "cut": cut})
    renderer = PromptRenderer(tokenizer, settings)
    row = {"question": "红色 bird", "text": f"sentiment {'the red bird sings ' * 20}context"}
    assert [renderer.reads(row, "text", words) for words in ("sentiment", "context")] == read
    assert not renderer.reads(row, "text", "红色")  # it stands in the question
    assert renderer.reads({**row, "text": "the context"}, "text", "context")


def test_what_is_written_ends_with_the_end_token(tokenizer: Tokenizer) -> None:
    renderer = PromptPairRenderer(tokenizer, PairRendererSettings(template="sentiment: {text}"))
    (pair,) = renderer.render([{"text": "bird", "target": "red"}])
    (name,) = renderer.render_written(["red"])
    assert pair.written.ids == name.ids == [*tokenizer.encode(["red"])[0], tokenizer.end_id]


@pytest.mark.parametrize(
    ("template", "named"),
    [
        ("sentiment:", "names no column"),
        ("{text} {", "a brace"),
        ("{text} {text}", "twice"),
        ("w " * 90 + "{text}", "room"),
    ],
)
def test_a_template_that_cannot_be_read_is_refused(tokenizer: Tokenizer, template: str, named: str) -> None:
    with pytest.raises(RecipeError, match=named):
        PromptRenderer(tokenizer, RendererSettings(template=template, max_tokens=64))
