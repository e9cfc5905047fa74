"""Recipes for dialogues."""

from __future__ import annotations

import math

from penjing.pipeline.starting.looking import Found
from penjing.pipeline.starting.wanted import DECODER_WIDTHS, Document, Wanted, decoder_section, row_tokens, rows_section

_LONGEST, _SHORTEST = 512, 64  # tokens of a window
_TOKENS_A_WORD = 1.5
_TOKENS_A_MESSAGE = 4  # marks of who speaks


def propose_dialogues(wanted: Wanted, found: Found) -> list[tuple[str, Document]]:
    """Returns recipes, the best first: from the folder that is to be a start, or a decoder, wide and narrow."""
    reply = min(_LONGEST // 4, row_tokens(found.long_target_words, _TOKENS_A_WORD))
    needed = found.long_words * _TOKENS_A_WORD + 8 * _TOKENS_A_MESSAGE
    window = min(_LONGEST, max(_SHORTEST, 2 * reply, 32 * math.ceil(needed / 32)))
    shared: Document = {
        "name": wanted.name,
        "task": wanted.task,
        "seed": 0,
        "data": rows_section(wanted, found),
        "render": {"max_tokens": window},
        "write": {"max_tokens": reply},
        "report": {"language": wanted.language},
    }
    if wanted.start is not None:
        finetune = {"epochs": 3, "batch_rows": 8, "both_sides": found.are_peers}
        made: Document = {"model": {"start": wanted.start}, "finetune": finetune}
        return [("transfer", {**shared, **made})]
    return [
        (f"decoder, {name}", {**shared, **_decoder(found, width, window)}) for name, width in DECODER_WIDTHS.items()
    ]


def _decoder(found: Found, width: int, window: int) -> Document:
    return {
        "tokenizer": {"kind": "bpe", "vocab_size": 8000 if found.rows >= 5000 else 2000},
        "model": decoder_section(width, window),
        "finetune": {
            "epochs": 10,
            "batch_rows": 16,
            "learning_rate": 1e-3,
            "dropout": 0.1,
            "evaluations": 10,
            "both_sides": found.are_peers,
        },
    }
