"""What a model learned decides how it is measured."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.inference.networks import BERT_SHAPE, POSITIONS, small_t5

from penjing.errors import UsageError
from penjing.inference.learned import Learned
from penjing.inference.pseudo_likelihood import DenoisingScorer, SpanScorer
from penjing.inference.scorers import build_scorer
from penjing.models.bert import BERT
from penjing.models.llama import LLAMA
from penjing.models.t5 import T5
from penjing.progress import Silent
from penjing.text.tokenizer import train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

LLAMA_SHAPE = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


def test_objective_decides_how_a_model_is_measured() -> None:
    tokenizer = train_tokenizer([["a lovely film"] * 3], TokenizerSettings(kind="wordpiece", vocab_size=300))
    config = BERT.config_from_dict({**BERT_SHAPE, "vocab_size": tokenizer.vocab_size})
    scorer = build_scorer(BERT, BERT.language_model(config), config, tokenizer)
    assert (scorer.reads_both_sides, scorer.longest) == (True, POSITIONS)
    with pytest.raises(UsageError, match="learns spans, for which there is no likelihood"):
        build_scorer(replace(BERT, objectives=frozenset({"spans"})), BERT.language_model(config), config, tokenizer)


def test_a_model_is_measured_in_windows_no_longer_than_those_it_saw() -> None:
    settings = TokenizerSettings(kind="wordpiece", vocab_size=400, sentinels=4)
    tokenizer = train_tokenizer([["a lovely film"] * 3], settings)
    bert = BERT.config_from_dict({**BERT_SHAPE, "vocab_size": tokenizer.vocab_size})
    llama = LLAMA.config_from_dict({**LLAMA_SHAPE, "vocab_size": tokenizer.vocab_size})
    t5 = small_t5()
    cases = ((BERT, BERT.language_model(bert), bert), (LLAMA, LLAMA.language_model(llama), llama), (T5, t5, t5.config))
    for architecture, network, config in cases:
        scorer = build_scorer(architecture, network, config, tokenizer, Learned(window=8))
        assert scorer.longest == (9 if architecture is LLAMA else 8)  # its last token is guessed, and not read
        wider = build_scorer(architecture, network, config, tokenizer, Learned(window=10**6))
        assert architecture is T5 or wider.longest == build_scorer(architecture, network, config, tokenizer).longest


def test_an_unknown_word_is_scored_and_other_special_tokens_are_not() -> None:
    tokenizer = train_tokenizer([["a lovely film"] * 3], TokenizerSettings(kind="word", vocab_size=300))
    config = BERT.config_from_dict({**BERT_SHAPE, "vocab_size": tokenizer.vocab_size})
    network = BERT.language_model(config)
    BERT.initialize(network, config, 0)
    scorer = build_scorer(BERT, network, config, tokenizer)
    row = [tokenizer.start_id, tokenizer.unknown_id, tokenizer.encode(["film"])[0][0], tokenizer.end_id]
    assert scorer.measure([row], Silent()).tokens.tolist() == [2]


@pytest.mark.parametrize(("objective", "kind"), [("span", SpanScorer), ("denoise", DenoisingScorer)])
def test_what_a_model_learned_decides_how_it_is_measured(objective: str, kind: type) -> None:
    settings = TokenizerSettings(kind="wordpiece", vocab_size=400, sentinels=4)
    tokenizer = train_tokenizer([["a lovely film"] * 3], settings)
    network = small_t5()
    assert type(build_scorer(T5, network, network.config, tokenizer, Learned(objective))) is kind
    assert type(build_scorer(T5, network, network.config, tokenizer)) is SpanScorer
