"""What the shards of all kinds have in common."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from penjing.data.dividing import COUNTS
from penjing.errors import RecipeError, UsageError
from penjing.files import read_json
from penjing.pipeline.kinds.kind import SPLITS
from penjing.pipeline.recipe import Recipe
from penjing.text.renderer import Rendered, RendererSettings
from penjing.text.shards import open_shard, write_shard
from penjing.text.tokenizer import Tokenizer

ROWS_AT_ONCE = 2048
_ROOMY = 10**9  # tokens that a row never has
S = TypeVar("S", bound=RendererSettings)


def with_room(settings: S) -> S:
    """Returns how rows are rendered if nothing of them is cut."""
    roomy = {name: _ROOMY for name in type(settings).model_fields if name.startswith("max_")}
    return settings.model_copy(update=roomy)


def check_positions(recipe: Recipe, tokens: int, keys: str, longest: int | None) -> None:
    """Refuses rows that can have more tokens than the network has positions; ``keys`` names what allows them."""
    if longest is not None and tokens > longest:
        raise RecipeError(
            f"[render] {keys} is {tokens}, but the model has {longest} positions",
            where=recipe.name,
            do="Lower max_tokens, or raise max_position_embeddings in [model.shape].",
        )


def filled_splits(data: Path) -> list[str]:
    """Returns the splits that have rows: there are no test rows where none are asked for."""
    counts = read_json(data / COUNTS)["splits"]
    return [split for split in SPLITS if counts[split]["rows"]]


def check_rendered(examples: Path, fingerprint: str) -> None:
    """Refuses examples that another renderer has written than the one with this fingerprint.

    Raises:
        UsageError: it was another.
    """
    if open_shard(examples / "train").fingerprint != fingerprint:
        raise UsageError(
            "these examples were made of the rows for another network, or by another version",
            where=str(examples),
            do="Remove this folder, and run the same command again.",
        )


def write_split(
    folder: Path, batches: Iterable[tuple[list[Rendered], list[int]]], tokenizer: Tokenizer, fingerprint: str
) -> dict[str, Any]:
    """Writes a split's rendered rows, each with a number, into a new folder, and returns what was counted."""
    folder.mkdir()
    shard = write_shard(
        folder,
        batches,
        vocab_size=tokenizer.vocab_size,
        unknown_id=tokenizer.unknown_id if tokenizer.has_unknown else -1,
        fingerprint=fingerprint,
    )
    return {
        "rows": shard.rows,
        "tokens": len(shard.tokens),
        "cut_rows": shard.cut_rows,
        "cut_tokens": shard.cut_tokens,
        "unknown_tokens": shard.unknown_tokens,
    }
