"""Prompts and names have the tokens that the whole would have at once; examples stand before texts whole."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from penjing.errors import DataError, RecipeError
from penjing.text.name_renderer import Examples, NameLayout, NameRenderer, check_examples
from penjing.text.renderer import RendererSettings
from penjing.text.tokenizer import Tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

TEXTS = [
    "Review: a lovely film\nSentiment: positive",
    "a dull plot\nSentiment: negative",
    "评价：画面精彩\n情感：好评 差评",
]
TEMPLATE = "Review: {text}\nSentiment: {label}"
LABELS = ["negative", "positive"]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer([TEXTS * 4], TokenizerSettings(kind="bpe", vocab_size=400))


def make(tokenizer: Tokenizer, max_tokens: int = 200, labels: list[str] = LABELS, **layout: Any) -> NameRenderer:
    settings = NameLayout(**{"template": TEMPLATE, **layout})
    examples = Examples(["a lovely film", "a dull plot", "lovely"], [1, 0, 1])
    choose = (lambda texts, own: [[2, 1, 0][: settings.examples] for _ in texts]) if settings.examples else None
    return NameRenderer(
        tokenizer, RendererSettings(max_tokens=max_tokens), settings, labels, examples=examples, choose=choose
    )


@pytest.mark.parametrize(
    ("template", "words", "text"),
    [
        (TEMPLATE, {}, "a lovely plot"),
        ("{text} {label}", {}, "a lovely plot"),
        ("评价：{text}\n情感：{label}", {"positive": "好评", "negative": "差评"}, "画面精彩"),
    ],
)
def test_prompt_and_name_have_the_tokens_of_both_at_once(
    tokenizer: Tokenizer, template: str, words: dict[str, str], text: str
) -> None:
    renderer = make(tokenizer, template=template, words=words)
    [prompt] = renderer.render([{"text": text}])
    for label, name in zip(LABELS, renderer.candidates, strict=True):
        whole = template.format(text=text, label=words.get(label, label))
        assert prompt.ids + name == [*tokenizer.prompt_start, *tokenizer.encode([whole])[0]]


def test_an_encoder_decoder_reads_all_but_the_name(tokenizer: Tokenizer) -> None:
    settings = RendererSettings(max_tokens=100)
    renderer = NameRenderer(tokenizer, settings, NameLayout(template=TEMPLATE), LABELS, reads_apart=True)
    [prompt] = renderer.render([{"text": "a lovely plot"}])
    read = tokenizer.encode(["Review: a lovely plot\nSentiment:"])[0]
    assert prompt.ids == [*tokenizer.prompt_start, *read, *tokenizer.prompt_end]
    assert renderer.candidates == tokenizer.encode(LABELS)


def test_examples_stand_before_the_text_the_most_wanted_last(tokenizer: Tokenizer) -> None:
    [prompt] = make(tokenizer, examples=3, separator="\n").lay_out(["a dull film"])
    said = tokenizer.decode(prompt.rendered.ids)
    answered = ("a lovely film", "positive"), ("a dull plot", "negative"), ("lovely", "positive")
    assert said == "\n".join(
        [*(TEMPLATE.format(text=text, label=label) for text, label in answered), "Review: a dull film\nSentiment:"]
    )


def test_examples_without_room_are_left_out_whole_and_counted(tokenizer: Tokenizer) -> None:
    [roomy] = make(tokenizer, examples=3).lay_out(["a dull film"])
    longest = max(map(len, make(tokenizer).candidates))
    for max_tokens in range(20, len(roomy.rendered.ids) + longest + 1):
        [prompt] = make(tokenizer, max_tokens, examples=3).lay_out(["a dull film"])
        assert len(prompt.rendered.ids) + longest <= max_tokens
        assert prompt.examples + prompt.dropped == 3
        assert tokenizer.decode(prompt.rendered.ids).count("Sentiment:") == prompt.examples + 1
    assert prompt.dropped == 0
    [narrow] = make(tokenizer, 20, examples=3).lay_out(["a dull film " * 9])
    assert narrow.examples == 0
    assert narrow.rendered.cut_tokens > 0
    assert len(narrow.rendered.ids) + longest == 20
    with pytest.raises(DataError, match="no prompt has room for an example"):
        check_examples([narrow], NameLayout(template=TEMPLATE, examples=3), 20)


def test_tokens_are_located_in_the_text(tokenizer: Tokenizer) -> None:
    text = "a lovely plot"
    located = make(tokenizer, examples=1).locate({"text": text})
    assert [token_id for token_id, _ in located] == make(tokenizer, examples=1).render([{"text": text}])[0].ids
    assert "".join(text[origin.start : origin.end] for _, origin in located if origin).replace(" ", "") == "alovelyplot"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"positive": "negative"}, 'the name "negative" is the same as "negative"'),
        ({"positive": "negative film"}, 'the name "negative" is the beginning of "negative film"'),
        ({"postive": "good"}, 'words has a name for "postive", which is no label: they are negative, positive'),
        ({"positive": " "}, 'the name of "positive" is empty'),
    ],
)
def test_names_that_cannot_be_told_apart_are_refused(tokenizer: Tokenizer, words: dict[str, str], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        make(tokenizer, words=words)


def test_names_that_the_vocabulary_lacks_are_refused() -> None:
    words = train_tokenizer([TEXTS], TokenizerSettings(kind="word", vocab_size=300))
    with pytest.raises(RecipeError, match="no tokens for the name"):
        make(words, words={"positive": "superb"})


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{text} Sentiment:", "names {text} and {label} once each"),
        ("{text} {text} {label}", "names {text} and {label} once each"),
        ("{label}: {text}", "ends in {label}"),
    ],
)
def test_templates_without_text_or_label_are_refused(template: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        NameLayout(template=template)


def test_a_window_that_the_template_fills_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(RecipeError, match="template and names alone have"):
        make(tokenizer, 5)


def test_fingerprint_changes_with_all_that_decides_tokens(tokenizer: Tokenizer) -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"template": "{text} {label}"},
        {"words": {"positive": "good"}},
        {"examples": 2},
        {"max_tokens": 100},
        {"labels": ["negative", "neutral", "positive"]},
    ]
    assert len({make(tokenizer, **change).fingerprint for change in changes}) == len(changes)
