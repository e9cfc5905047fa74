"""Recipes for texts with another text each."""

from __future__ import annotations

from penjing.pipeline.starting.looking import Found
from penjing.pipeline.starting.wanted import Document, Wanted, row_tokens, rows_section

BATCH_TOKENS = 4096
TOKENS_A_WORD = 1.5  # of a small vocabulary that two languages share
FEW_ROWS = 10_000  # get a small vocabulary
_MANY_ROWS = 100_000  # can fill a wide network, and need less dropout
_EPOCHS = 40
_WIDTHS = (256, 128, 64)
_SUMMARIZE = "summarize"
_HEAD = 32  # wide
_COURSE_RATE, _COURSE_TOKENS = 0.6, 2048  # of practice: its rate in that of fine-tuning alone, and its batches
_TUNED_WIDTH, _TUNED_RATE = 128, 2e-3  # as in the recipe multi30k-en-de; the rate falls as the width rises


def propose_writers(wanted: Wanted, found: Found) -> list[tuple[str, Document]]:
    """Returns recipes, the best first: from the folder that is to be a start, or from scratch, of several widths."""
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
    widths = _WIDTHS if found.rows >= _MANY_ROWS else _WIDTHS[1:]
    fresh = [(f"encoder-decoder, {width} wide", {**shared, **encoder_decoder_for(found, width)}) for width in widths]
    if wanted.task != _SUMMARIZE:
        return fresh
    return [*((f"{kind}, after practice", _with_practice(wanted, document)) for kind, document in fresh), *fresh]


def _with_practice(wanted: Wanted, document: Document) -> Document:
    """Returns a recipe whose model learns first to copy, and to find sentences, as that of the recipe scitldr does."""
    finetune = document["finetune"]
    rate = finetune["learning_rate"]
    course = {"learning_rate": rate * _COURSE_RATE, "batch_tokens": _COURSE_TOKENS}
    made: Document = {
        **document,
        "practice": {"write_off": course, "find": course},
        "finetune": {**finetune, "epochs": 8, "learning_rate": rate / 4, "dropout": 0.1, "evaluations": 8},
    }
    if wanted.texts is not None:
        made["corpus"] = {"path": wanted.texts}
    return made


def encoder_decoder_for(found: Found, width: int) -> Document:
    """Returns the model of the recipe multi30k-en-de, as wide as that."""
    return {
        "tokenizer": {"kind": "bpe", "vocab_size": 8000 if found.rows >= FEW_ROWS else 2000},
        "model": {
            "family": "t5",
            "shape": {
                "d_model": width,
                "d_kv": _HEAD,
                "d_ff": 2 * width,
                "num_layers": 4,
                "num_heads": width // _HEAD,
            },
        },
        "finetune": {
            "epochs": _EPOCHS,
            "batch_tokens": BATCH_TOKENS,
            "learning_rate": _TUNED_RATE * _TUNED_WIDTH / width,
            "dropout": 0.1 if found.rows >= _MANY_ROWS else 0.3,
            "evaluations": 10,
        },
    }
