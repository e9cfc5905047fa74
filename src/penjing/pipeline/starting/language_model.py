"""Recipes for texts without labels."""

from __future__ import annotations

import math

from penjing.pipeline.recipe import SIZES
from penjing.pipeline.starting.looking import Found
from penjing.pipeline.starting.wanted import Document, Wanted

SPARE = 0.9  # share of the minutes that a plan may take
_TOKENS_A_PARAMETER = 20  # Hoffmann et al. 2022, arXiv 2203.15556
_REACHED = 0.35  # share of the machine's rate of products that a training step is taken to reach


def propose_language_models(wanted: Wanted, found: Found, rate: float) -> list[tuple[str, Document]]:
    """A Llama as large as the time allows: so many parameters that 20 tokens for each of them can be read."""
    operations = rate * _REACHED * 60 * wanted.minutes * SPARE
    parameters = math.sqrt(operations / (6 * _TOKENS_A_PARAMETER))
    depth = (parameters / (12 * 64**2)) ** (1 / 3)
    size = max((name for name, layers in SIZES.items() if layers <= max(depth, 2)), key=lambda name: SIZES[name])
    corpus: Document = {"path": wanted.addresses[0]}
    if found.columns is not None:
        corpus |= {"columns": list(found.columns)}
    if found.text != "text":
        corpus["text"] = found.text
    document = {
        "name": wanted.name,
        "seed": 0,
        "corpus": corpus,
        "tokenizer": {"kind": "bpe"},
        "model": {"family": "llama", "size": size},
        "pretrain": {"objective": "causal", "window_tokens": 256, "schedule": "wsd", "epochs": 1},
        "report": {"language": wanted.language},
    }
    return [("language_model", document)]
