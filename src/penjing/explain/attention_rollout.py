"""Attention roll-out (Abnar & Zuidema 2020, arXiv 2005.00928): how much of each token reaches the classifier."""

from __future__ import annotations

import torch

from penjing.explain.attribution import Explanation, Method
from penjing.explain.reading import Reading
from penjing.models.interface import AttentionClassifier
from penjing.tasks.scoring_model import ScoringModel


def explain_by_attention_rollout(model: ScoringModel, reading: Reading, label: int) -> Explanation:
    """Scores words by attention, multiplied through the layers, half of each being the residual path.

    The scores are shares of what the classifier reads, the same for every label, and never negative.
    """
    del label
    network = model.engine.network
    assert isinstance(network, AttentionClassifier)
    with torch.inference_mode():
        layers, readers = network.attention_weights(torch.tensor([reading.ids], device=model.engine.device))
        mixed = torch.eye(len(reading.ids), device=model.engine.device)
        for weights in layers:  # [1, heads, tokens, tokens]
            mixed = (0.5 * weights[0].mean(dim=0) + 0.5 * torch.eye(len(mixed), device=mixed.device)) @ mixed
        tokens = (readers[0] @ mixed).double().cpu().numpy()  # [tokens]
    return Explanation(reading.shares @ tokens)


ATTENTION_ROLLOUT = Method(
    explain_by_attention_rollout,
    fits=lambda network: isinstance(network, AttentionClassifier),
    passes=lambda tokens: 1,
)
