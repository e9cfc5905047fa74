"""Counts of events and items, as a report says them."""

from __future__ import annotations

from typing import Any

from penjing.pipeline.recipe import Recipe


def count_events(counts: dict[str, Any]) -> dict[str, Any]:
    """Returns the counts of events from what the data stage reported."""
    files, tables = (", ".join(dict.fromkeys(counts["files"][name])) for name in ("train", "items"))
    return {
        "read": {files: counts["read"], tables: counts["items_read"]},
        "splits": {split: figures["rows"] for split, figures in counts["splits"].items()},
        "removed": counts["left_out"],
        "items_removed": counts["items_left_out"],
        "cold_items": counts["cold"]["items"],
        "cold_events": counts["cold"]["events"],
        **{key: counts[key] for key in ("users", "short_users", "items", "ties")},
    }


def count_item_texts(recipe: Recipe, tokenizer: dict[str, Any], examples: dict[str, Any]) -> dict[str, Any]:
    """Returns how items and histories are read, from what the stages reported."""
    texts, test = examples["texts"], examples["splits"]["test"]
    return {
        "vocabulary": tokenizer["vocabulary"],
        "kind": tokenizer["kind"],
        "max_tokens": examples["max_tokens"],
        "max_items": examples["max_items"],
        "cut_texts": texts["cut_rows"],
        "cut_tokens": texts["cut_tokens"],
        "cut_histories": test["cut_rows"],
        "cut_items": test["cut_items"],
        "has_encoder": recipe.text_encoder is not None,
    }
