"""Which token comes next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from penjing.inference.repeats import repeating_tokens
from penjing.inference.sampling_settings import COLD as COLD
from penjing.inference.sampling_settings import SamplingSettings as SamplingSettings
from penjing.inference.sampling_settings import check_bias as check_bias


def change_logits(
    logits: NDArray[np.float32],
    settings: SamplingSettings,
    seen: NDArray[np.int64],
    written: NDArray[np.int64],
    times: NDArray[np.int64],
) -> None:
    """Applies the penalties and the bias, in place.

    Args:
        logits: one for each entry of the vocabulary, [vocab].
        settings: how much.
        seen: the tokens that the prompt or the text has, each once.
        written: the tokens that the text has, each once.
        times: how often it has each of them.
    """
    if settings.repetition_penalty != 1 and seen.size:
        found, penalty = logits[seen], np.float32(settings.repetition_penalty)
        logits[seen] = np.where(found < 0, found * penalty, found / penalty)
    if (settings.presence_penalty or settings.frequency_penalty) and written.size:
        taken = settings.presence_penalty + settings.frequency_penalty * times
        logits[written] -= taken.astype(np.float32)
    if settings.logit_bias:
        logits[list(settings.logit_bias)] += np.array(list(settings.logit_bias.values()), np.float32)


def choose_token(
    logits: Tensor,
    settings: SamplingSettings,
    generator: torch.Generator,
    prompt: Sequence[int] = (),
    written: Sequence[int] = (),
) -> int:
    """Returns the next token.

    Args:
        logits: one for each entry of the vocabulary, [vocab].
        settings: how it is chosen.
        generator: all randomness comes from it.
        prompt: what the text continues; only penalties ask for it.
        written: what the text has.
    """
    if settings.changes_logits:
        logits = _changed(logits, settings, prompt, written)
    if settings.no_repeat_ngram_size:
        logits = logits.clone()
        logits[repeating_tokens(written, settings.no_repeat_ngram_size)] = -torch.inf
    if settings.is_greedy:
        return int(logits.argmax())
    probabilities = ((logits.float() - logits.max()) / settings.temperature).softmax(dim=-1)
    if 0 < settings.top_k < len(probabilities):
        fewest = probabilities.topk(settings.top_k).values[-1]
        probabilities = probabilities.where(probabilities >= fewest, 0.0)
    if settings.top_p < 1:
        ordered, order = probabilities.sort(descending=True)
        before = ordered.cumsum(dim=-1) - ordered  # probability of all likelier tokens
        enough = settings.top_p * probabilities.sum() if settings.top_k else settings.top_p
        probabilities = torch.zeros_like(ordered).scatter(-1, order, ordered.where(before < enough, 0.0))
    if settings.min_p:
        probabilities = probabilities.where(probabilities >= settings.min_p * probabilities.max(), 0.0)
    return int(torch.multinomial(probabilities, 1, generator=generator))


def _changed(logits: Tensor, settings: SamplingSettings, prompt: Sequence[int], written: Sequence[int]) -> Tensor:
    """Returns logits with the penalties and the bias; the given ones stay."""
    changed = logits.detach().float().cpu().numpy().copy()
    unique, times = np.unique(np.array(written, dtype=np.int64), return_counts=True)
    seen = np.union1d(np.array(prompt, dtype=np.int64), unique)
    change_logits(changed, settings, seen, unique, times.astype(np.int64))
    return torch.from_numpy(changed)
