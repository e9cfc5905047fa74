"""Log-probabilities are those of Transformers, whatever the batches and windows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

from penjing.errors import Interrupted, UsageError
from penjing.inference.likelihood import (
    CausalScorer,
    DenoisingScorer,
    MaskedScorer,
    SpanScorer,
    build_scorer,
    plan_windows,
)
from penjing.models.bert import BERT
from penjing.models.llama import LLAMA
from penjing.models.lstm import LSTM
from penjing.models.t5 import T5
from penjing.progress import Silent
from penjing.text.tokenizer import train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

VOCAB, POSITIONS, MASK, SPECIAL = 60, 16, 4, frozenset({0, 2, 3, 4})
LLAMA_SHAPE: dict[str, Any] = {
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": POSITIONS,
    "initializer_range": 0.4,
    "pad_token_id": 0,
}
BERT_SHAPE: dict[str, Any] = {
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": POSITIONS,
    "initializer_range": 0.4,
    "pad_token_id": 0,
}


def random_sequences(longest: int, count: int = 20) -> list[list[int]]:
    rng = np.random.default_rng(0)
    lengths = [*rng.integers(2, longest, size=count - 1).tolist(), longest]
    return [[2, *rng.integers(5, VOCAB, size=length - 2).tolist(), 3] for length in lengths]


@pytest.fixture(scope="module")
def llamas() -> tuple[Any, Any]:
    """Ours and theirs, with the same weights."""
    torch.manual_seed(0)
    theirs = transformers.LlamaForCausalLM(transformers.LlamaConfig(**LLAMA_SHAPE)).eval()
    ours = LLAMA.language_model(LLAMA.config_from_dict(LLAMA_SHAPE))
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


@torch.no_grad()
def their_log_probabilities(theirs: Any, ids: list[int]) -> list[float]:
    """Of each token but the first, read alone."""
    logits = theirs(torch.tensor([ids])).logits[0].log_softmax(dim=-1)
    return [float(logits[place - 1, ids[place]]) for place in range(1, len(ids))]


@pytest.mark.parametrize("batch_tokens", [4, 40, 4096])
def test_causal_log_probabilities_are_those_of_transformers(llamas: tuple[Any, Any], batch_tokens: int) -> None:
    ours, theirs = llamas
    sequences = random_sequences(POSITIONS)
    found = CausalScorer(ours, 0, batch_tokens).measure(sequences)
    expected = [sum(their_log_probabilities(theirs, ids)) for ids in sequences]
    assert found.log_probabilities == pytest.approx(expected, rel=1e-4)
    assert found.tokens.tolist() == [len(ids) - 1 for ids in sequences]


@pytest.mark.parametrize("batch_tokens", [4, 4096])
def test_each_token_s_log_probability_is_that_of_transformers(llamas: tuple[Any, Any], batch_tokens: int) -> None:
    ours, theirs = llamas
    sequences = [*random_sequences(POSITIONS), [2]]
    for ids, found in zip(sequences, CausalScorer(ours, 0, batch_tokens).measure_tokens(sequences), strict=True):
        assert found == pytest.approx(their_log_probabilities(theirs, ids), rel=1e-4)


def test_only_the_tokens_from_the_first_on_are_scored(llamas: tuple[Any, Any]) -> None:
    ours, theirs = llamas
    sequences = random_sequences(POSITIONS)
    found = CausalScorer(ours, 0).measure(sequences, first=5)
    expected = [sum(their_log_probabilities(theirs, ids)[4:]) for ids in sequences]
    assert found.log_probabilities == pytest.approx(expected, rel=1e-4)
    assert found.tokens.tolist() == [max(0, len(ids) - 5) for ids in sequences]


def test_a_long_document_is_read_in_windows_half_a_window_apart(llamas: tuple[Any, Any]) -> None:
    ours, theirs = llamas
    (ids,) = random_sequences(45, count=1)
    found = CausalScorer(ours, 0).measure([ids])
    expected, end = 0.0, 0
    while end < len(ids) - 1:
        begin = 0 if not end else end - POSITIONS // 2
        window = ids[begin : begin + POSITIONS + 1]  # the last is guessed, not read
        with torch.no_grad():
            logits = theirs(torch.tensor([window[:-1]])).logits[0].log_softmax(dim=-1)
        guessed = [float(logits[place, token]) for place, token in enumerate(window[1:])]
        expected += sum(guessed[end - begin :])
        end = begin + len(window) - 1
    assert found.log_probabilities[0] == pytest.approx(expected, rel=1e-4)
    assert found.tokens[0] == 44


@given(tokens=st.integers(0, 200), first=st.integers(1, 30), limit=st.one_of(st.none(), st.integers(1, 20)))
@settings(max_examples=300)
def test_windows_guess_every_token_once_from_half_a_window_or_all_before_it(
    tokens: int, first: int, limit: int | None
) -> None:
    windows = list(plan_windows(0, tokens, first, limit))
    guessed = [place for window in windows for place in range(window.scored, window.end)]
    assert guessed == list(range(first - 1, tokens - 1))
    for window in windows:
        assert limit is None or window.end - window.begin <= limit
        assert window.begin == 0 or window.scored - window.begin >= (limit or 0) // 2


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("batch_tokens", [7, 4096])
@torch.no_grad()
def test_of_an_lstm_the_half_that_reads_forward_is_scored_however_long_the_text(
    bidirectional: bool, batch_tokens: int
) -> None:
    config = LSTM.config_from_dict(
        {"vocab_size": VOCAB, "embedding_size": 16, "hidden_size": 24, "bidirectional": bidirectional}
    )
    network: Any = LSTM.language_model(config)
    LSTM.initialize(network, config, 0)
    sequences = random_sequences(90)
    found = CausalScorer(network, 0, batch_tokens).measure(sequences)
    for ids, log_probability in zip(sequences, found.log_probabilities, strict=True):
        row = torch.tensor([ids])
        logits = network.score(network.encode(row)[0, :-1, :24]).log_softmax(dim=-1)
        assert log_probability == pytest.approx(float(logits.gather(1, row[0, 1:, None]).sum()), rel=1e-4)


@pytest.fixture(scope="module")
def berts() -> tuple[Any, Any]:
    """Ours and theirs, with the same weights."""
    torch.manual_seed(0)
    theirs = transformers.BertForMaskedLM(transformers.BertConfig(**BERT_SHAPE)).eval()
    ours = BERT.language_model(BERT.config_from_dict(BERT_SHAPE))
    names = ours.state_dict().keys()
    ours.load_state_dict({name: value for name, value in theirs.state_dict().items() if name in names})
    return ours, theirs


def masked_scorer(network: Any, batch_tokens: int = 4096) -> MaskedScorer:
    return MaskedScorer(
        network, longest=POSITIONS, mask_id=MASK, pad_id=0, unscored_ids=SPECIAL, batch_tokens=batch_tokens
    )


@torch.no_grad()
def their_guess(theirs: Any, ids: list[int], place: int) -> float:
    hidden = [*ids[:place], MASK, *ids[place + 1 :]]
    return float(theirs(torch.tensor([hidden])).logits[0, place].log_softmax(dim=-1)[ids[place]])


@pytest.mark.parametrize("batch_tokens", [4, 40, 4096])
def test_pseudo_log_likelihood_is_that_of_a_loop_over_transformers(berts: tuple[Any, Any], batch_tokens: int) -> None:
    ours, theirs = berts
    sequences = random_sequences(POSITIONS)
    found = masked_scorer(ours, batch_tokens).measure(sequences)
    expected = [sum(their_guess(theirs, ids, place) for place in range(1, len(ids) - 1)) for ids in sequences]
    assert found.log_probabilities == pytest.approx(expected, rel=1e-4)
    assert found.tokens.tolist() == [len(ids) - 2 for ids in sequences]


def test_a_masked_model_guesses_the_tokens_of_a_long_document_from_the_window_around_them(
    berts: tuple[Any, Any],
) -> None:
    ours, theirs = berts
    (ids,) = random_sequences(40, count=1)
    found = masked_scorer(ours).measure([ids])
    expected = 0.0
    for place in range(1, 39):
        begin = min(max(0, place - 8), 40 - POSITIONS)
        expected += their_guess(theirs, ids[begin : begin + POSITIONS], place - begin)
    assert found.log_probabilities[0] == pytest.approx(expected, rel=1e-4)


def test_sequences_without_a_token_to_score_have_the_log_probability_zero(
    llamas: tuple[Any, Any], berts: tuple[Any, Any]
) -> None:
    causal = CausalScorer(llamas[0], 0).measure([[], [2], [2, 7, 3]])
    masked = masked_scorer(berts[0]).measure([[], [2, 3], [2, 7, 3]])
    for found, scored in ((causal, 2), (masked, 1)):
        assert found.log_probabilities[:2].tolist() == [0.0, 0.0]
        assert found.log_probabilities[2] < 0.0
        assert found.tokens.tolist() == [0, 0, scored]
    assert CausalScorer(llamas[0], 0).measure([]).log_probabilities.shape == (0,)
    assert masked_scorer(berts[0]).measure([]).log_probabilities.shape == (0,)


def test_few_positions_are_scored_at_once(llamas: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    ours, _ = llamas
    sequences = random_sequences(POSITIONS)
    expected = CausalScorer(ours, 0).measure(sequences).log_probabilities
    most = []
    score = ours.score
    monkeypatch.setattr("penjing.inference.likelihood._LOGITS_AT_ONCE", 7 * VOCAB)
    monkeypatch.setattr("penjing.inference.likelihood._FEWEST_POSITIONS", 1)
    monkeypatch.setattr(ours, "score", lambda hidden: most.append(len(hidden)) or score(hidden))
    assert CausalScorer(ours, 0).measure(sequences).log_probabilities == pytest.approx(expected, rel=1e-5)
    assert max(most) == 7


def test_scoring_stops_when_asked(llamas: tuple[Any, Any]) -> None:
    class Asked(Silent):
        def should_stop(self) -> bool:
            return True

    with pytest.raises(Interrupted):
        CausalScorer(llamas[0], 0).measure([[2, 7, 3]], Asked())


def test_objective_decides_how_a_model_is_measured() -> None:
    tokenizer = train_tokenizer([["a lovely film"] * 3], TokenizerSettings(kind="wordpiece", vocab_size=300))
    config = BERT.config_from_dict({**BERT_SHAPE, "vocab_size": tokenizer.vocab_size})
    scorer = build_scorer(BERT, BERT.language_model(config), config, tokenizer)
    assert (scorer.reads_both_sides, scorer.longest) == (True, POSITIONS)
    with pytest.raises(UsageError, match="learns spans, for which there is no likelihood"):
        build_scorer(replace(BERT, objectives=frozenset({"spans"})), BERT.language_model(config), config, tokenizer)


def test_an_unknown_word_is_scored_and_other_special_tokens_are_not() -> None:
    tokenizer = train_tokenizer([["a lovely film"] * 3], TokenizerSettings(kind="word", vocab_size=300))
    config = BERT.config_from_dict({**BERT_SHAPE, "vocab_size": tokenizer.vocab_size})
    network = BERT.language_model(config)
    BERT.initialize(network, config, 0)
    scorer = build_scorer(BERT, network, config, tokenizer)
    row = [tokenizer.start_id, tokenizer.unknown_id, tokenizer.encode(["film"])[0][0], tokenizer.end_id]
    assert scorer.measure([row], Silent()).tokens.tolist() == [2]


def small_t5(seed: int = 0) -> Any:
    """Returns an encoder-decoder with random weights and 40 tokens."""
    shape = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
    config = T5.config_from_dict({**shape, "vocab_size": 40, "decoder_start_token_id": 0})
    network = T5.language_model(config)
    T5.initialize(network, config, seed)
    return network.eval()


def test_of_an_encoder_decoder_each_token_in_turn_is_a_hidden_span() -> None:
    network = small_t5()
    sentinel, special = 39, frozenset({0, 1, 2, 3})
    scorer = SpanScorer(network, longest=64, mask_id=sentinel, pad_id=0, unscored_ids=special, batch_tokens=40)
    rows = [[2, 7, 8, 9, 3], [2, 11, 3], [2, 5, 6, 12, 13, 14, 3]]
    measured = scorer.measure(rows)
    for ids, found, count in zip(rows, measured.log_probabilities, measured.tokens, strict=True):
        total = 0.0
        for place, token in enumerate(ids):
            if token not in special:
                hidden = torch.tensor([[*ids[:place], sentinel, *ids[place + 1 :]]])
                with torch.no_grad():
                    logits = network(hidden, None, torch.tensor([[0, sentinel]]))[0, 1]
                total += float(logits.log_softmax(dim=-1)[token])
        assert found == pytest.approx(total, rel=1e-4)
        assert count == len(ids) - 2


def test_what_restores_texts_guesses_each_token_from_the_hidden_text_and_those_before() -> None:
    network, mask, special = small_t5(), 4, frozenset({0, 1, 2, 3})
    scorer = DenoisingScorer(network, longest=64, mask_id=mask, pad_id=0, unscored_ids=special, batch_tokens=40)
    rows = [[2, 7, 8, 9, 3], [2, 11, 3], [2, 5, 6, 12, 13, 14, 3]]
    measured = scorer.measure(rows)
    for ids, found in zip(rows, measured.log_probabilities, strict=True):
        total = 0.0
        for place in range(1, len(ids) - 1):
            hidden = torch.tensor([[*ids[:place], mask, *ids[place + 1 :]]])
            with torch.no_grad():
                logits = network(hidden, None, torch.tensor([[0, *ids[:place]]]))[0, -1]
            total += float(logits.log_softmax(dim=-1)[ids[place]])
        assert found == pytest.approx(total, rel=1e-4)
    assert measured.tokens.tolist() == [3, 1, 5]


@pytest.mark.parametrize(("objective", "kind"), [("span", SpanScorer), ("denoise", DenoisingScorer)])
def test_what_a_model_learned_decides_how_it_is_measured(objective: str, kind: type) -> None:
    settings = TokenizerSettings(kind="wordpiece", vocab_size=400, sentinels=4)
    tokenizer = train_tokenizer([["a lovely film"] * 3], settings)
    network = small_t5()
    assert type(build_scorer(T5, network, network.config, tokenizer, objective)) is kind
    assert type(build_scorer(T5, network, network.config, tokenizer)) is SpanScorer
