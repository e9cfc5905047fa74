"""Which way a language model is measured: by what it learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from torch import nn

from penjing.errors import UsageError, nearest
from penjing.inference.learned import NOTHING_KNOWN, Learned
from penjing.inference.likelihood import CausalScorer, ReadingModel, Scorer
from penjing.inference.pseudo_likelihood import DenoisingScorer, MaskedScorer, SpanScorer
from penjing.models.interface import Architecture, LanguageModel
from penjing.text.tokenizer import Tokenizer

_ENCODED_WINDOW = 512  # tokens that an encoder without a limit of its own reads at once, where nothing says what it saw


def _build_causal(network: nn.Module, config: Any, tokenizer: Tokenizer, window: int | None) -> Scorer:
    return CausalScorer(cast("ReadingModel", network), tokenizer.pad_id, positions=window)


def _build_masked(network: nn.Module, config: Any, tokenizer: Tokenizer, window: int | None) -> Scorer:
    longest = min(config.max_position_embeddings, window or config.max_position_embeddings)
    return _build_hiding(MaskedScorer, network, tokenizer, tokenizer.mask_id, longest)


def _build_span(network: nn.Module, config: Any, tokenizer: Tokenizer, window: int | None) -> Scorer:
    sentinels = tokenizer.sentinel_ids
    if not sentinels:
        raise UsageError(
            "the tokenizer has no tokens for hidden spans, by which a model of this family is measured",
            do="A model that was trained to restore damaged texts is measured otherwise: its penjing.json, beside its "
            'weights, says "objective": "denoise".',
        )
    return _build_hiding(SpanScorer, network, tokenizer, sentinels[0], window or _ENCODED_WINDOW)


def _build_denoising(network: nn.Module, config: Any, tokenizer: Tokenizer, window: int | None) -> Scorer:
    return _build_hiding(DenoisingScorer, network, tokenizer, tokenizer.mask_id, window or _ENCODED_WINDOW)


def _build_hiding(
    kind: type[MaskedScorer], network: nn.Module, tokenizer: Tokenizer, mask_id: int, longest: int
) -> Scorer:
    unknown = {tokenizer.unknown_id} if tokenizer.has_unknown else set()
    return kind(
        cast("LanguageModel", network),
        longest=longest,
        mask_id=mask_id,
        pad_id=tokenizer.pad_id,
        unscored_ids=tokenizer.special_ids - unknown,
    )


#: How a model is measured, by what it learned; an architecture with another objective adds a line here.
SCORERS: Mapping[str, Callable[[nn.Module, Any, Tokenizer, int | None], Scorer]] = {
    "causal": _build_causal,
    "masked": _build_masked,
    "span": _build_span,
    "denoise": _build_denoising,
}


def build_scorer(
    architecture: Architecture, network: nn.Module, config: Any, tokenizer: Tokenizer, learned: Learned = NOTHING_KNOWN
) -> Scorer:
    """Returns what measures a language model, by what it learned, in windows no longer than those that it saw.

    Args:
        architecture: of the network.
        network: a language model with its weights.
        config: its numbers.
        tokenizer: the one it was trained with.
        learned: what is known of its training.

    Raises:
        UsageError: there is no way to measure what this architecture learns.
    """
    for known, build in SCORERS.items():
        if known in architecture.objectives and learned.objective in (known, None):
            return build(network, config, tokenizer, learned.window)
    objectives = ", ".join(sorted(architecture.objectives))
    raise UsageError(
        f"a language model of the family {architecture.name} learns {objectives}, for which there is no likelihood",
        do=nearest(objectives, SCORERS),
    )
