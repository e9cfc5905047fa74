"""Counts of rows, texts and tokens, as a report says them."""

from __future__ import annotations

from typing import Any

from penjing.pipeline.stage import Artifact


def count_data(counts: dict[str, Any]) -> dict[str, Any]:
    """Returns the counts of labelled rows, those that were drawn and described among them."""
    splits = {split: figures["labels"] for split, figures in counts["splits"].items()}
    rows, drawn = count_rows(counts), counts.get("drawn")
    if drawn is not None:
        rows["removed"]["undrawn"] = sum(drawn["of"].values()) - drawn["per_class"] * len(drawn["of"])
    return {**rows, "splits": splits, "drawn": drawn, "described": counts.get("described", {})}


def count_rows(counts: dict[str, Any]) -> dict[str, Any]:
    """Returns the rows that were read, and those that were left out."""
    files = ", ".join(dict.fromkeys(name for names in counts["files"].values() for name in names))
    reasons = ("filtered", "empty", "unlabelled", "unknown", "removed", "duplicates", "conflicts", "broken", "equal")
    removed = {reason: counts[reason] for reason in reasons if reason in counts}
    leaks = {"overlaps": sum(counts["overlap"].values()), "containing": sum(counts["containing"].values())}
    return {"read": {files: counts["read"]}, "removed": {**removed, **leaks}}


def rows_by_split(counts: dict[str, Any]) -> dict[str, int]:
    """Returns how many rows each split has."""
    return {split: figures["rows"] for split, figures in counts["splits"].items()}


def count_corpus(done: dict[str, Artifact]) -> dict[str, int]:
    """Returns the counts of the pretraining texts; none without them."""
    corpus = done["corpus"].facts if "corpus" in done else {}
    counts = {key: value for key, value in corpus.items() if isinstance(value, int)}  # but not files and reasons
    if "shards" in done:
        counts |= {key: done["shards"].facts[key] for key in ("tokens", "held_out_tokens")}
    return counts


def count_tokens(done: dict[str, Artifact]) -> dict[str, Any]:
    """Returns how texts became tokens."""
    tokenizer, examples = done["tokenizer"].facts, done["examples"].facts
    splits = examples["splits"].values()
    tokens = sum(split["tokens"] for split in splits)
    return {
        "vocabulary": tokenizer["vocabulary"],
        "kind": tokenizer["kind"],
        "rows": sum(split["rows"] for split in splits),
        "max_tokens": examples["max_tokens"],
        "cut_rows": sum(split["cut_rows"] for split in splits),
        "cut_tokens": sum(split["cut_tokens"] for split in splits),
        "pretraining_tokens": done["shards"].facts["tokens"] if "pretrain" in done else None,
        "unknown_share": sum(split["unknown_tokens"] for split in splits) / max(1, tokens),
    }
