from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.errors import RecipeError
from penjing.text.renderer import Renderer, RendererSettings
from penjing.text.tokenizer import train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

TOKENIZER = train_tokenizer([["a b c d e f g h i j k l m n o p"] * 3], TokenizerSettings(kind="word", vocab_size=300))


def render(text: str, **settings: object) -> tuple[list[int], int]:
    row = Renderer(TOKENIZER, RendererSettings(**settings)).render([{"text": text}])[0]  # type: ignore[arg-type]
    return row.ids, row.cut_tokens


def test_short_row_is_whole_between_its_marks() -> None:
    ids, cut = render("a b c")
    assert ids == [TOKENIZER.start_id, *TOKENIZER.encode(["a b c"])[0], TOKENIZER.end_id]
    assert cut == 0


@pytest.mark.parametrize(("side", "kept"), [("end", "a b c d"), ("start", "g h i j"), ("middle", "a b i j")])
def test_long_row_is_cut_where_asked_and_counted(side: str, kept: str) -> None:
    ids, cut = render("a b c d e f g h i j", max_tokens=6, cut=side)
    assert ids[1:-1] == TOKENIZER.encode([kept])[0]
    assert cut == 6


@given(st.lists(st.sampled_from("abcdefgh"), max_size=40), st.integers(4, 30), st.sampled_from(["end", "middle"]))
def test_rendered_plus_cut_is_the_whole_row(words: list[str], limit: int, side: str) -> None:
    ids, cut = render(" ".join(words), max_tokens=limit, cut=side)
    assert len(ids) <= limit
    assert len(ids) + cut == len(words) + 2


def test_longest_column_is_cut_first() -> None:
    settings = RendererSettings(template="[CLS]{question}[SEP]{context}[SEP]", max_tokens=8)
    row = Renderer(TOKENIZER, settings).render([{"question": "a b", "context": "c d e f g h"}])[0]
    question, context = TOKENIZER.encode(["a b", "c d e"])
    assert row.ids == [TOKENIZER.start_id, *question, TOKENIZER.end_id, *context, TOKENIZER.end_id]
    assert row.cut_tokens == 3


def test_fingerprint_follows_template_and_cutting() -> None:
    prints = {
        Renderer(TOKENIZER, RendererSettings(**changes)).fingerprint
        for changes in ({}, {"max_tokens": 64}, {"cut": "middle"}, {"template": "{text}[SEP]"})
    }
    assert len(prints) == 4


@pytest.mark.parametrize("template", ["[CLS][SEP]", "[CLS]{text}[EOS]", "Say: {text}", "{text} now"])
def test_impossible_template_is_refused(template: str) -> None:
    with pytest.raises(RecipeError, match="template"):
        Renderer(TOKENIZER, RendererSettings(template=template))


def test_documents_are_whole_and_learned_but_for_the_start() -> None:
    row = Renderer(TOKENIZER, RendererSettings(max_tokens=4)).render_documents(["a b c d e f"])[0]
    assert len(row.ids) == 8
    assert row.learned == [False] + [True] * 7


@given(
    st.lists(st.sampled_from(["a", "b", "unknown", "。"]), max_size=30),
    st.integers(4, 20),
    st.sampled_from(["end", "middle", "start"]),
)
def test_located_tokens_are_the_rendered_ones_with_their_words(words: list[str], limit: int, side: str) -> None:
    renderer = Renderer(TOKENIZER, RendererSettings(max_tokens=limit, cut=side))  # type: ignore[arg-type]
    row = {"text": "  ".join(words)}
    located = renderer.locate(row)
    assert [token_id for token_id, _ in located] == renderer.render([row])[0].ids
    for token_id, origin in located[1:-1]:
        assert origin is not None
        assert [token_id] == TOKENIZER.encode([row["text"][origin.start : origin.end]])[0]
    assert located[0][1] is None
    assert located[-1][1] is None


_NEGATED = "it does n't care , it 's fine"
_JOINED = "it doesn't care , it's fine"


def _contractions() -> tuple[Renderer, Renderer]:
    tokenizer = train_tokenizer([[_JOINED, _NEGATED] * 2], TokenizerSettings(kind="word", vocab_size=300))
    return Renderer(tokenizer, RendererSettings(rejoin=True)), Renderer(tokenizer, RendererSettings())


def test_split_contractions_are_read_as_if_they_were_whole() -> None:
    joining, plain = _contractions()
    assert joining.render([{"text": _NEGATED}])[0].ids == plain.render([{"text": _JOINED}])[0].ids
    assert plain.render([{"text": _NEGATED}])[0].ids != plain.render([{"text": _JOINED}])[0].ids
    assert joining.render_documents([_NEGATED])[0].ids == plain.render_documents([_JOINED])[0].ids


def test_tokens_of_rejoined_words_are_found_in_the_text_as_it_was_written() -> None:
    joining, _ = _contractions()
    located = joining.locate({"text": _NEGATED})
    assert [token_id for token_id, _ in located] == joining.render([{"text": _NEGATED}])[0].ids
    seen = [_NEGATED[origin.start : origin.end] for _, origin in located if origin]
    assert seen[:4] == ["it", "does n", "'", "t"]
    assert seen[-3:] == ["'", "s", "fine"]
