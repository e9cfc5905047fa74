"""Recipes for events of users with items."""

from __future__ import annotations

from penjing.pipeline.starting.looking import Found
from penjing.pipeline.starting.wanted import Document, Wanted, row_tokens

_TOKENS_A_WORD = 1.3


def propose_rankers(wanted: Wanted, found: Found) -> list[tuple[str, Document]]:
    """Returns a recipe: the ranker of the recipe ml-100k, which learns items by their ids and texts."""
    data: Document = {"path": wanted.addresses[0], "encoding": "auto"}
    if found.columns is not None:
        data["columns"] = list(found.columns)
    tokenizer: Document = {"kind": "word", "vocab_size": 3000, "min_frequency": 1}
    if found.language in ("zh", "ja"):
        tokenizer["words"] = {"segment": True}
    document: Document = {
        "name": wanted.name,
        "task": wanted.task,
        "seed": 0,
        "data": {**data, **found.section},
        "tokenizer": tokenizer,
        "model": {"family": "sasrec"},
        "render": {"max_tokens": row_tokens(found.long_words, _TOKENS_A_WORD), "max_items": 50},
        "finetune": {"epochs": 8, "batch_rows": 16, "learning_rate": 3e-3, "evaluations": 8},
        "report": {"language": wanted.language},
    }
    return [("ranker", document)]
