"""The methods, each against what it is defined to be."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from penjing.explain.attention_rollout import ATTENTION_ROLLOUT
from penjing.explain.integrated_gradients import INTEGRATED_GRADIENTS
from penjing.explain.log_odds import chances, log_odds
from penjing.explain.occlusion import OCCLUSION
from penjing.explain.random_ranking import RANDOM
from penjing.explain.reading import read_text
from penjing.tasks.label_model import LabelModel

TEXT = "a lovely film with a dull 音乐"


def odds(model: LabelModel, texts: list[str], label: int) -> np.ndarray:
    return log_odds(torch.from_numpy(model.score_texts(texts)[0]), label).numpy()


def test_log_odds_are_those_of_the_softmax() -> None:
    logits = torch.tensor([[0.3, -1.2, 2.0]], dtype=torch.float64)
    share = logits.softmax(dim=1)[0, 2]
    assert float(log_odds(logits, 2)) == pytest.approx(float(torch.log(share / (1 - share))))


def test_log_odds_are_those_of_the_sigmoid_where_labels_are_asked_one_by_one() -> None:
    logits = torch.tensor([[0.3, -1.2, 2.0]], dtype=torch.float64)
    share = torch.tensor(chances(logits.numpy(), asks_each=True)[0, 1])
    assert float(log_odds(logits, 1, asks_each=True)) == pytest.approx(float(torch.log(share / (1 - share))))


def test_integrated_gradients_are_the_integral_in_float64(model: LabelModel) -> None:
    reading = read_text(model.renderer, TEXT)
    found = INTEGRATED_GRADIENTS.explain(model, reading, 1)
    network = model.engine.network.double()
    try:
        ids = torch.tensor([reading.ids], device=model.engine.device)
        words = network.input_embeddings(ids).detach()  # type: ignore[operator]
        start = words.clone()
        start[0, torch.from_numpy(reading.is_word).to(ids.device)] = network.input_embeddings.weight[0].detach()  # type: ignore[index, union-attr]
        total = torch.zeros_like(words)
        steps = 1000
        for step in range(steps):  # the midpoint rule
            point = (start + (step + 0.5) / steps * (words - start)).requires_grad_()
            with torch.backends.cudnn.flags(enabled=False):
                total += torch.autograd.grad(log_odds(network(None, inputs_embeds=point), 1).sum(), point)[0]
        expected = reading.shares @ ((words - start) * total / steps)[0].sum(dim=-1).cpu().numpy()
    finally:
        network.float()
    np.testing.assert_allclose(found.scores, expected, atol=0.01 * np.abs(expected).max())
    assert found.completeness_error is not None
    assert found.completeness_error < 0.05


def test_scores_of_integrated_gradients_turn_round_with_the_label(model: LabelModel) -> None:
    reading = read_text(model.renderer, TEXT)
    scores = [INTEGRATED_GRADIENTS.explain(model, reading, label).scores for label in (0, 1)]
    np.testing.assert_allclose(scores[0], -scores[1], atol=1e-4)


def test_occlusion_is_what_the_model_says_without_the_word(model: LabelModel) -> None:
    words = TEXT.split()
    scores = OCCLUSION.explain(model, read_text(model.renderer, TEXT), 1).scores
    whole = odds(model, [TEXT], 1)[0]
    without = odds(model, [" ".join(words[:i] + words[i + 1 :]) for i in range(len(words))], 1)
    np.testing.assert_allclose(scores, whole - without, atol=1e-5)


def test_words_that_were_learned_speak_for_their_labels(model: LabelModel) -> None:
    for method in (INTEGRATED_GRADIENTS, OCCLUSION):
        scores = method.explain(model, read_text(model.renderer, TEXT), model.labels.index("positive")).scores
        assert scores[1] > 0 > scores[5]


def test_roll_out_shares_what_the_classifier_reads(bert: LabelModel) -> None:
    reading = read_text(bert.renderer, TEXT)
    scores = ATTENTION_ROLLOUT.explain(bert, reading, 0).scores
    assert (scores > 0).all()
    assert scores.sum() < 1  # the rest is that of the special tokens
    ids = torch.tensor([reading.ids], device=bert.engine.device)
    [layer], reads = bert.engine.network.attention_weights(ids)  # type: ignore[operator]
    mixed = reads[0].cpu() @ (layer[0].mean(dim=0).cpu() + torch.eye(len(reading.ids))) / 2
    np.testing.assert_allclose(scores, reading.shares @ mixed.detach().numpy(), atol=1e-6)


def test_random_ranking_is_the_text_s_own_and_the_same_every_time(model: LabelModel) -> None:
    first, again, other = (
        RANDOM.explain(model, read_text(model.renderer, text), 0).scores for text in (TEXT, TEXT, TEXT + "!")
    )
    assert (first == again).all()
    assert (first != other[: len(first)]).all()
