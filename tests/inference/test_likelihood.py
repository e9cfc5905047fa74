"""Log-probabilities are those of Transformers, whatever the batches and windows."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.inference.networks import POSITIONS, VOCAB, random_sequences

from penjing.errors import Interrupted
from penjing.inference.likelihood import CausalScorer, plan_windows
from penjing.models.llama import LLAMA
from penjing.models.lstm import LSTM
from penjing.progress import Silent

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


def test_sequences_without_a_token_to_score_have_the_log_probability_zero(llamas: tuple[Any, Any]) -> None:
    found = CausalScorer(llamas[0], 0).measure([[], [2], [2, 7, 3]])
    assert found.log_probabilities[:2].tolist() == [0.0, 0.0]
    assert found.log_probabilities[2] < 0.0
    assert found.tokens.tolist() == [0, 0, 2]
    assert CausalScorer(llamas[0], 0).measure([]).log_probabilities.shape == (0,)


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
