"""Pseudo-log-likelihoods are those of a loop over the network, whatever the batches and windows."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers
from tests.inference.networks import BERT_SHAPE, POSITIONS, random_sequences, small_t5

from penjing.inference.pseudo_likelihood import DenoisingScorer, MaskedScorer, SpanScorer
from penjing.models.bert import BERT

MASK, SPECIAL = 4, frozenset({0, 2, 3, 4})


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


def test_sequences_without_a_token_to_score_have_the_log_probability_zero(berts: tuple[Any, Any]) -> None:
    found = masked_scorer(berts[0]).measure([[], [2, 3], [2, 7, 3]])
    assert found.log_probabilities[:2].tolist() == [0.0, 0.0]
    assert found.log_probabilities[2] < 0.0
    assert found.tokens.tolist() == [0, 0, 1]
    assert masked_scorer(berts[0]).measure([]).log_probabilities.shape == (0,)


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
