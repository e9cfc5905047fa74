"""Integrated gradients (Sundararajan et al. 2017, arXiv 1703.01365) on the word embeddings, by the package captum."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import cast

import torch
from torch import Tensor

from penjing.errors import MissingExtraError
from penjing.explain.attribution import Explanation, Method
from penjing.explain.log_odds import log_odds
from penjing.explain.reading import Reading
from penjing.inference.ngram_engine import NgramEngine
from penjing.models.interface import Classifier, GeneratingModel
from penjing.tasks.scoring_model import ScoringModel

_ENOUGH = 0.03  # completeness error at which no more steps are taken
_STEPS = (16, 64, 256)
_BATCH_TOKENS = 8192


def explain_by_integrated_gradients(model: ScoringModel, reading: Reading, label: int) -> Explanation:
    """Scores words by the path from a row of padding to the text; special tokens stay where they are.

    f is the log-odds of the label. N-grams beside the network go the same path, from none to all of them, each token
    with its part of what they add. Steps by Gauss and Legendre, more of them until the scores add up to
    f(text) - f(baseline).

    Raises:
        MissingExtraError: captum is not installed.
    """
    try:
        from captum.attr import IntegratedGradients
    except ImportError as error:
        raise MissingExtraError("captum", "explain", "Integrated gradients") from error
    device = model.engine.device
    network = cast(Classifier, model.engine.network)
    ids = torch.tensor([reading.ids], device=device)
    is_word = torch.from_numpy(reading.is_word).to(device)
    with torch.no_grad():
        words = network.input_embeddings(ids)  # [1, tokens, dim]
        padding = network.input_embeddings.weight[model.renderer.tokenizer.pad_id]
        baseline = torch.where(is_word[None, :, None], padding, words)

    adds, bias, share = _ngrams_of(model, reading)

    def score(inputs: Tensor, present: Tensor) -> Tensor:
        by_ngrams = present @ adds.to(present.dtype) + bias
        logits = (1.0 - share) * network(None, inputs_embeds=inputs) + share * by_ngrams
        return log_odds(logits, label, asks_each=model.asks_each)

    present = torch.ones_like(words[:, :, 0])  # [1, tokens]: what n-grams of a token are there
    whole, nothing = (words, present), (baseline, torch.zeros_like(present))
    method = IntegratedGradients(score, multiply_by_inputs=True)
    with torch.no_grad(), _without_cudnn():
        change = float(score(*whole) - score(*nothing))
    for steps in _STEPS:
        rows = max(1, _BATCH_TOKENS // len(reading.ids))
        with _without_cudnn():
            found, by_ngrams = method.attribute(whole, nothing, n_steps=steps, internal_batch_size=rows)
        tokens = (found[0].sum(dim=-1) + by_ngrams[0]).double().cpu().numpy()  # [tokens]
        unexplained = abs(float(tokens.sum()) - change) / max(abs(change), 1e-9)
        if unexplained <= _ENOUGH:
            break
    return Explanation(reading.shares @ tokens, unexplained)


def _ngrams_of(model: ScoringModel, reading: Reading) -> tuple[Tensor, Tensor, float]:
    """Returns what each token adds by n-grams to the logit of each label, [tokens, labels], their bias and share."""
    engine = model.engine
    if not isinstance(engine, NgramEngine):
        nothing = torch.zeros(len(reading.ids) + 1, len(model.labels), device=engine.device)
        return nothing[1:], nothing[0], 0.0
    adds, bias = (
        torch.from_numpy(found).to(engine.device) for found in (engine.table.divide(reading.ids), engine.table.biases)
    )
    return adds, bias, engine.share


def _without_cudnn() -> AbstractContextManager[None]:
    """For a while a GPU computes an LSTM without cuDNN, whose has no gradient outside of training, and is TF32."""
    flags: AbstractContextManager[None] = torch.backends.cudnn.flags(enabled=False)
    return flags


INTEGRATED_GRADIENTS = Method(
    explain_by_integrated_gradients,
    fits=lambda network: not isinstance(network, GeneratingModel),
    passes=lambda tokens: 2 + 3 * sum(_STEPS),
)
