"""A tokenizer as GGUF holds it: byte-level BPE, which llama.cpp calls ``gpt2``, and what cuts texts before it.

llama.cpp knows what cuts texts by names; a tokenizer whose pattern is none of those cannot be exported.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penjing.errors import UsageError
from penjing.files import read_json
from penjing.text.qwen import QWEN_PATTERN
from penjing.text.tokenizer import Tokenizer

NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5
_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)"
    r"|\s+"
)
#: llama.cpp's name of what cuts a text, by its pattern.
PATTERNS = {_GPT2: "gpt-2", _LLAMA3: "llama-bpe", QWEN_PATTERN: "qwen2"}
_WHOLE_WORDS_FIRST = frozenset({"llama-bpe"})  # a piece that is an entry is taken whole, whatever the merges say


@dataclass(frozen=True)
class GgufTokenizer:
    """What GGUF says of a tokenizer.

    Attributes:
        pre: llama.cpp's name of what cuts a text.
        tokens: entries by id; those that the network has and the tokenizer lacks are filled up.
        types: of each: normal, control, defined by the user, unused.
        merges: of pairs, the first first.
        adds_begin: whether a text begins with the begin token.
        normalizes: whether texts are brought into the form NFC first, which llama.cpp does not do.
    """

    pre: str
    tokens: tuple[str, ...]
    types: tuple[int, ...]
    merges: tuple[str, ...]
    adds_begin: bool
    normalizes: bool


def read_gguf_tokenizer(folder: Path, tokenizer: Tokenizer, vocab_size: int) -> GgufTokenizer:
    """Returns what GGUF says of the tokenizer in a folder.

    Args:
        folder: of the model.
        tokenizer: the one in it.
        vocab_size: entries of the network.

    Raises:
        UsageError: llama.cpp cannot read texts as this tokenizer does.
    """
    document = read_json(folder / "tokenizer.json")
    model = document["model"]
    if not tokenizer.words.is_plain:
        raise _refusal(folder, "it cuts texts into words, or leaves words out, before they are read")
    if model.get("type") != "BPE" or model.get("byte_fallback"):
        raise _refusal(folder, f"it is of the kind {model.get('type')}, and byte-level BPE alone is written")
    faults = [f"{key} is {model[key]!r}" for key in ("continuing_subword_prefix", "end_of_word_suffix") if model[key]]
    if faults:
        raise _refusal(folder, ", ".join(faults))
    pre = _name_of_cutter(folder, document["pre_tokenizer"])
    if bool(model.get("ignore_merges")) != (pre in _WHOLE_WORDS_FIRST):
        raise _refusal(folder, f"ignore_merges is {model.get('ignore_merges')}, and not with the pattern of {pre}")
    start = tokenizer.prompt_start
    if start not in ([], [tokenizer.start_id]):
        raise _refusal(folder, f"a text begins with {len(start)} special tokens")
    added = {entry["id"]: entry for entry in document["added_tokens"]}
    tokens = {
        **{i: token for token, i in model["vocab"].items()},
        **{i: entry["content"] for i, entry in added.items()},
    }
    kinds = {i: CONTROL if entry["special"] else USER_DEFINED for i, entry in added.items()}
    return GgufTokenizer(
        pre=pre,
        tokens=tuple(tokens.get(i, f"[PAD{i}]") for i in range(vocab_size)),
        types=tuple(kinds.get(i, NORMAL) if i in tokens else UNUSED for i in range(vocab_size)),
        merges=tuple(merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]),
        adds_begin=bool(start),
        normalizes=_normalizes(folder, document.get("normalizer")),
    )


def _name_of_cutter(folder: Path, cutter: dict[str, Any] | None) -> str:
    """Returns llama.cpp's name of a pre-tokenizer."""
    parts = (cutter or {}).get("pretokenizers") or [cutter or {}]
    *before, last = parts
    if last.get("type") != "ByteLevel" or last.get("add_prefix_space"):
        raise _refusal(folder, "it does not spell texts in bytes as GPT-2 does")
    if not before and last.get("use_regex", True):
        return "gpt-2"
    if len(before) == 1 and before[0].get("type") == "Split" and not last.get("use_regex", True):
        pattern, way = before[0]["pattern"].get("Regex"), before[0].get("behavior")
        if pattern in PATTERNS and way == "Isolated" and not before[0].get("invert"):
            return PATTERNS[pattern]
    raise _refusal(folder, "it cuts texts by a pattern that llama.cpp has no name for (guards are one)")


def _normalizes(folder: Path, normalizer: dict[str, Any] | None) -> bool:
    """Returns whether a tokenizer brings texts into the form NFC, and does nothing else to them."""
    parts = [] if normalizer is None else normalizer.get("normalizers", [normalizer])
    kinds = [part["type"] for part in parts]
    if any(kind != "NFC" for kind in kinds):
        raise _refusal(folder, f"it changes texts first ({', '.join(kinds)}), which llama.cpp does not do")
    return bool(kinds)


def _refusal(folder: Path, why: str) -> UsageError:
    return UsageError(
        f"llama.cpp cannot read texts as this tokenizer does: {why}",
        where=str(folder / "tokenizer.json"),
        do='Export another model: one whose [tokenizer] is kind = "bpe" without guards, strip_tags or words.',
    )
