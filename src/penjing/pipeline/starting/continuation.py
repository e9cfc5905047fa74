"""Recipes for texts that are to be gone on with."""

from __future__ import annotations

from pathlib import Path

from penjing.pipeline.starting.looking import Found
from penjing.pipeline.starting.wanted import Document, Wanted, rows_section

_SHORT_LINES = 12  # words: lines of plays and novels, which say little by themselves
_PASSAGE = 1000  # characters
_EPOCHS, _EPOCHS_OF_START = 8, 2
_TOKENS_A_WORD = 1.5
_SIZES = {"small": 20e6, "mini": 200e3, "tiny": 0.0}  # fewest tokens that it is worth trying with
_LARGE = 2e6  # tokens from which a vocabulary is large


def propose_continuations(wanted: Wanted, found: Found) -> list[tuple[str, Document]]:
    """Returns recipes, the best first: from the folder that is to be a start, or from scratch, as large as texts allow.

    Short lines of plain files are joined to passages.
    """
    data = rows_section(wanted, found)
    if Path(wanted.addresses[0]).suffix == ".txt" and found.words < _SHORT_LINES:
        data["passage"] = _PASSAGE
    shared: Document = {
        "name": wanted.name,
        "task": wanted.task,
        "seed": 0,
        "data": data,
        "report": {"language": wanted.language},
    }
    if wanted.start is not None:
        return [("transfer", {**shared, "model": {"start": wanted.start}, "finetune": {"epochs": _EPOCHS_OF_START}})]
    tokens = found.rows * found.words * _TOKENS_A_WORD
    return [
        (
            f"decoder, {size}",
            {
                **shared,
                "tokenizer": {"kind": "bpe", "vocab_size": 8000 if tokens >= _LARGE else 2000},
                "model": {"family": "llama", "size": size},
                "finetune": {"epochs": _EPOCHS, "batch_tokens": 4096, "schedule": "cosine"},
            },
        )
        for size, fewest in _SIZES.items()
        if tokens >= fewest
    ]
