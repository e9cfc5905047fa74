"""Pairs are laid out as they are used: what is read is what a model folder's tokenizer gives for the text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.errors import RecipeError
from penjing.text.pair_renderer import PairRenderer, PairRendererSettings
from penjing.text.tokenizer import Tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

TEXTS = ["the quick brown fox", "der schnelle braune Fuchs", "狐狸跳过懒狗"]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer([TEXTS * 20], TokenizerSettings(kind="bpe", vocab_size=400))


def test_a_pair_is_what_is_read_then_what_is_written_of_which_that_is_learned(tokenizer: Tokenizer) -> None:
    (pair,) = PairRenderer(tokenizer, PairRendererSettings()).render([{"text": TEXTS[0], "target": TEXTS[1]}])
    read, written = tokenizer.encode(TEXTS[:2])
    assert pair.read.ids == [*tokenizer.prompt_start, *read, tokenizer.end_id]
    assert pair.written.ids == [*written, tokenizer.end_id]
    assert pair.joined.ids == pair.read.ids + pair.written.ids
    assert pair.joined.learned == [False] * len(pair.read.ids) + [True] * len(pair.written.ids)


def test_what_is_read_is_what_transformers_reads(tokenizer: Tokenizer, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    tokenizer.save(tmp_path)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    rendered = PairRenderer(tokenizer, PairRendererSettings()).render_texts(TEXTS)
    assert [row.ids for row in rendered] == theirs(TEXTS)["input_ids"]


@given(st.text(), st.text(), st.integers(4, 20), st.integers(4, 20))
def test_no_side_is_longer_than_allowed_and_what_is_cut_is_counted(
    tokenizer: Tokenizer, text: str, target: str, most: int, most_written: int
) -> None:
    settings = PairRendererSettings(max_tokens=most, max_target_tokens=most_written)
    (pair,) = PairRenderer(tokenizer, settings).render([{"text": text, "target": target}])
    whole = PairRenderer(tokenizer, PairRendererSettings(max_tokens=10**6, max_target_tokens=10**6))
    (uncut,) = whole.render([{"text": text, "target": target}])
    assert len(pair.read.ids) + pair.read.cut_tokens == len(uncut.read.ids)
    assert len(pair.written.ids) + pair.written.cut_tokens == len(uncut.written.ids)
    assert len(pair.read.ids) <= most
    assert len(pair.written.ids) <= most_written
    assert pair.written.ids[-1] == pair.read.ids[-1] == tokenizer.end_id
    assert whole.render_texts([text])[0] == uncut.read


def test_the_fingerprint_follows_both_templates_and_lengths(tokenizer: Tokenizer) -> None:
    changes = [{}, {"template": "{text}[SEP]"}, {"target": "{target}"}, {"max_tokens": 9}, {"max_target_tokens": 9}]
    prints = [PairRenderer(tokenizer, PairRendererSettings.model_validate(change)).fingerprint for change in changes]
    assert len(set(prints)) == len(changes)


@pytest.mark.parametrize("change", [{"target": "words"}, {"template": "[MASK]{text}"}])
def test_a_template_that_cannot_be_is_refused(tokenizer: Tokenizer, change: dict[str, str]) -> None:
    with pytest.raises(RecipeError, match="the template"):
        PairRenderer(tokenizer, PairRendererSettings.model_validate(change))
