from __future__ import annotations

import json

import numpy as np
import pytest
import tokenizers

from penjing.evaluate.tokenizer import count_whole, measure_tokenizer
from penjing.text.text_words import find_words_of
from penjing.text.tokenizer import Tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

TEXTS = ["the cat and the dog", "the bird and the cat"] * 5


def trained(kind: str = "bpe", texts: list[str] = TEXTS, size: int = 300) -> Tokenizer:
    return train_tokenizer([texts], TokenizerSettings.model_validate({"kind": kind, "vocab_size": size}))


def edited(tokenizer: Tokenizer, change: dict[str, int]) -> Tokenizer:
    document = json.loads(tokenizer._backend.to_str())
    document["model"]["vocab"] |= change
    return Tokenizer(tokenizers.Tokenizer.from_str(json.dumps(document)))


def test_figures_of_words_are_those_counted_by_hand() -> None:
    figures = measure_tokenizer("w", trained("word"), [find_words_of("the cat, unseen"), find_words_of("the dog")])
    english = figures.languages["en"]
    assert (english.texts, english.words, english.tokens, english.bytes) == (2, 5, 6, 22)
    assert english.whole_words == 5  # an unknown word is one token too
    assert english.fertility == pytest.approx(6 / 5)
    assert english.bytes_per_token == pytest.approx(22 / 6)
    assert figures.unknown_tokens == 2  # "," and "unseen"
    assert set(figures.uncovered) == set(",uns") - set("the cat dog")


def test_a_word_is_whole_if_one_token_has_it_and_nothing_else() -> None:
    text = " the cats"
    words = [(1, 4), (5, 9)]
    assert count_whole(text, words, [(0, 4), (4, 9)]) == 2
    assert count_whole(text, words, [(0, 4), (4, 8), (8, 9)]) == 1
    assert count_whole(text, words, [(0, 9)]) == 0
    assert count_whole("好", [(0, 1)], [(0, 1), (0, 1), (0, 1)]) == 0


def test_texts_that_are_not_given_back_are_counted() -> None:
    texts = [find_words_of(text) for text in ("the cat", "THE CAT", "the  cat")]
    assert measure_tokenizer("wordpiece", trained("wordpiece"), texts).altered_texts == 2
    assert measure_tokenizer("bpe", trained("bpe"), texts).altered_texts == 0


def test_entries_no_text_needed_are_counted_and_special_tokens_are_not_among_them() -> None:
    tokenizer = trained("word")
    figures = measure_tokenizer("w", tokenizer, [find_words_of("the cat")])
    assert sorted(figures.unused.examples) == ["and", "bird", "dog"]
    assert figures.unused.count == 3


def test_an_entry_that_no_merge_leads_to_is_found() -> None:
    tokenizer = trained("bpe")
    assert tokenizer.find_unreachable() == []
    spoiled = edited(tokenizer, {"zebra": tokenizer.vocab_size})
    assert spoiled.find_unreachable() == [tokenizer.vocab_size]
    figures = measure_tokenizer("spoiled", spoiled, [find_words_of("zebra")])
    assert figures.unreachable.examples == ["zebra"]


def test_wordpiece_entries_that_the_rules_take_apart_are_found() -> None:
    tokenizer = trained("wordpiece", ["unwatchable watchable unwatched 好看"] * 5)
    assert tokenizer.find_unreachable() == []
    size = tokenizer.vocab_size
    spoiled = edited(tokenizer, {"Upper": size, "##好": size + 1, "##good": size + 2})
    assert spoiled.find_unreachable() == [size, size + 1]


@pytest.mark.parametrize("kind", ["bpe", "unigram", "wordpiece"])
def test_every_entry_that_was_trained_can_be_reached(kind: str) -> None:
    texts = ["Walking talked, 1234 talkers' 酒店的服务很好！ don't\n\n  walk"] * 9
    assert trained(kind, texts, 380).find_unreachable() == []


def test_entries_hardly_learned_go_by_what_the_model_was_given() -> None:
    tokenizer = trained("word")
    learned = np.full(tokenizer.vocab_size, 100)
    learned[tokenizer.encode(["dog"])[0]] = 2
    figures = measure_tokenizer("w", tokenizer, [find_words_of("the cat")], learned)
    assert figures.hardly_learned is not None
    assert figures.hardly_learned.examples == ["dog"]
    assert measure_tokenizer("w", tokenizer, [find_words_of("the cat")]).hardly_learned is None
