"""How the tokenizers of Qwen 2 cut a text before its pieces are made of entries.

Transformers 5 reads every folder whose ``model_type`` is ``qwen2`` so, whatever its ``tokenizer.json`` says
beside the entries and their merges. A tokenizer that cuts otherwise would be read as other tokens there.
"""

from __future__ import annotations

import json
from typing import Any

import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

#: Contractions, words with the sign or space before them, digits one by one, signs, white space.
QWEN_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def cut_as_qwen(backend: tokenizers.Tokenizer) -> None:
    """Lets a byte-level BPE normalize and cut texts as Qwen's do."""
    backend.normalizer = normalizers.NFC()
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN_PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def cuts_as_qwen(rules: str) -> bool:
    """Whether a tokenizer makes tokens as Qwen's do, whatever its entries.

    Args:
        rules: as ``tokenizer.json`` has them.
    """
    document: dict[str, Any] = json.loads(rules)
    wanted = tokenizers.Tokenizer(tokenizers.models.BPE())
    cut_as_qwen(wanted)
    own = json.loads(wanted.to_str())
    return (
        document["normalizer"] == own["normalizer"]
        and document["model"]["type"] == "BPE"
        and not document["model"].get("ignore_merges")
        and _without_offsets(document["pre_tokenizer"]) == _without_offsets(own["pre_tokenizer"])
    )


def _without_offsets(part: Any) -> Any:
    """Returns the rules of a pre-tokenizer without how it counts characters, which changes no token."""
    if isinstance(part, list):
        return [_without_offsets(one) for one in part]
    if isinstance(part, dict):
        return {key: _without_offsets(value) for key, value in part.items() if key != "trim_offsets"}
    return part
