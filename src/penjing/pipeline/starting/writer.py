"""Recipes for texts with another text each."""

from __future__ import annotations

import math

from penjing.pipeline.starting.looking import Found
from penjing.pipeline.starting.wanted import Document, Wanted, row_tokens, rows_section

_FEWEST_STEPS, BATCH_TOKENS = 2000, 4096
_MOST_EPOCHS = 40
TOKENS_A_WORD = 1.5  # of a small vocabulary that two languages share
WIDTHS = {"wide": 256, "narrow": 128}


def propose_writers(wanted: Wanted, found: Found) -> list[tuple[str, Document]]:
    """Returns recipes, the best first: from the folder that is to be a start, or from scratch, wide and narrow."""
    longest = row_tokens(found.long_words, TOKENS_A_WORD), row_tokens(found.long_target_words, TOKENS_A_WORD)
    shared: Document = {
        "name": wanted.name,
        "task": wanted.task,
        "seed": 0,
        "data": rows_section(wanted, found),
        "render": {"max_tokens": longest[0], "max_target_tokens": longest[1]},
        "write": {"max_tokens": longest[1], "beams": 4},
        "report": {"language": wanted.language},
    }
    if wanted.start is not None:
        model: Document = {"model": {"start": wanted.start}, "finetune": {"epochs": 3, "batch_tokens": BATCH_TOKENS}}
        return [("transfer", {**shared, **model})]
    return [
        (f"decoder, {name}", {**shared, **decoder_for(found, width, sum(longest))}) for name, width in WIDTHS.items()
    ]


def decoder_for(found: Found, width: int, longest: int) -> Document:
    """Returns the decoder of the recipe multi30k-en-de; a small set is read more often, by fewer pieces."""
    words = found.words + found.long_target_words / 2
    steps = found.rows * words * TOKENS_A_WORD / BATCH_TOKENS
    epochs = min(_MOST_EPOCHS, max(8, math.ceil(_FEWEST_STEPS / max(1.0, steps))))
    heads = width // 32
    return {
        "tokenizer": {"kind": "bpe", "vocab_size": 8000 if found.rows >= 10_000 else 2000},
        "model": {
            "family": "llama",
            "shape": {
                "hidden_size": width,
                "intermediate_size": 2 * width,
                "num_hidden_layers": 4,
                "num_attention_heads": heads,
                "num_key_value_heads": heads,
                "max_position_embeddings": longest,
            },
        },
        "finetune": {
            "epochs": epochs,
            "batch_tokens": BATCH_TOKENS,
            "learning_rate": 1.5e-3,
            "dropout": 0.2,
            "evaluations": min(epochs, 10),
        },
    }
