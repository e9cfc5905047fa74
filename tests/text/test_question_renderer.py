"""Questions and texts as one sequence in windows, from whose tokens the characters come back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from penjing.text.question_renderer import QuestionRenderer, QuestionRendererSettings
from penjing.text.tokenizer import Tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

TEXTS = ["北京是中国的首都，人口超过2100万。", "The tower was built in 1889, by Gustave Eiffel.", "naïve café 𝄞 ok"] * 4
SHORT = QuestionRendererSettings(max_tokens=24, max_question_tokens=6, overlap_tokens=4)


@pytest.fixture(scope="module", params=["wordpiece", "bpe", "unigram", "word"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return train_tokenizer(iter([TEXTS]), TokenizerSettings(kind=request.param, vocab_size=400, min_frequency=1))


def render(tokenizer: Tokenizer, question: str, text: str, shape: QuestionRendererSettings = SHORT):  # type: ignore[no-untyped-def]
    return QuestionRenderer(tokenizer, shape).render([{"question": question, "text": text}])[0]


def test_a_window_has_the_layout_of_bert(tokenizer: Tokenizer) -> None:
    (window,) = render(tokenizer, "built", "The tower", QuestionRendererSettings()).windows
    question, text = tokenizer.encode(["built", "The tower"])
    start, end = tokenizer.start_id, tokenizer.end_id
    assert window.ids == [start, *question, end, *text, end]
    assert window.text_start == len(question) + 2


@settings(max_examples=40)
@given(st.text(alphabet="北京是中the tower 1889,é𝄞\n", min_size=1, max_size=80))
def test_windows_cover_the_text_overlap_and_never_exceed_the_limit(tokenizer: Tokenizer, text: str) -> None:
    shown = render(tokenizer, "中国 the tower in 1889 by whom?", text)
    assert all(len(window.ids) <= 24 for window in shown.windows)
    whole = render(tokenizer, "x", text, QuestionRendererSettings(max_tokens=500)).windows[0].spans
    seen = [span for window in shown.windows for span in window.spans]
    assert dict.fromkeys(seen) == dict.fromkeys(whole)
    for before, after in zip(shown.windows, shown.windows[1:], strict=False):
        assert before.spans[-4:] == after.spans[:4]
    for start, end in whole:
        assert text[start:end] == text[start:end].strip() != ""


@settings(max_examples=40)
@given(st.data())
def test_an_answer_of_whole_tokens_comes_back_to_the_character(tokenizer: Tokenizer, data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(TEXTS))
    shown = render(tokenizer, "who", text, QuestionRendererSettings(max_tokens=500))
    (window,) = shown.windows
    first = data.draw(st.integers(0, len(window.spans) - 1))
    last = data.draw(st.integers(first, len(window.spans) - 1))
    wanted = window.spans[first][0], window.spans[last][1]
    assert window.characters(*window.find(*wanted)) == wanted


def test_chinese_answers_stand_on_the_borders_of_wordpieces() -> None:
    tokenizer = train_tokenizer(iter([TEXTS]), TokenizerSettings(vocab_size=400, min_frequency=1))
    text = "北京是中国的首都，人口超过2100万。"
    (window,) = render(tokenizer, "首都", text, QuestionRendererSettings()).windows
    for start in range(13):
        for end in range(start + 1, 13):
            assert window.characters(*window.find(start, end)) == (start, end)


def test_an_answer_that_a_window_lacks_is_not_in_it(tokenizer: Tokenizer) -> None:
    text = "The tower was built. " * 5 + "Gustave Eiffel"
    shown = render(tokenizer, "who", text)
    start = text.index("Gustave")
    found = [window.find(start, start + len("Gustave Eiffel")) for window in shown.windows]
    assert len(found) > 1
    assert found[0] == (0, 0)
    assert shown.windows[-1].find(len(text) - 1, len(text)) != (0, 0)


def test_a_question_that_is_too_long_is_cut_and_counted(tokenizer: Tokenizer) -> None:
    question = "the tower was built in 1889 " * 3
    shown = render(tokenizer, question, "北京")
    assert shown.cut_tokens == len(tokenizer.encode([question])[0]) - 6
    assert [row.cut_tokens for row in shown.rows] == [shown.cut_tokens]


def test_the_fingerprint_tells_settings_apart(tokenizer: Tokenizer) -> None:
    other = SHORT.model_copy(update={"overlap_tokens": 5})
    assert QuestionRenderer(tokenizer, SHORT).fingerprint != QuestionRenderer(tokenizer, other).fingerprint


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"template": "[CLS]{text}[SEP]"}, "and no other"),
        ({"max_tokens": 64, "overlap_tokens": 60}, "at least 8 are needed"),
        ({"rejoin": True}, "rejoin"),
    ],
)
def test_settings_that_cannot_be_are_refused(values: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        QuestionRendererSettings(**values)  # type: ignore[arg-type]
