"""Log-probabilities, in the two shapes that OpenAI's clients read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penjing.inference.decoding.request import Token
from penjing.text.tokenizer import Tokenizer


def tell_chat_logprobs(tokenizer: Tokenizer, tokens: Sequence[Token]) -> dict[str, Any]:
    """Returns those of a chat's answer: of each token, and of the likeliest at its place."""
    return {"content": [_entry(tokenizer, token) for token in tokens], "refusal": None}


def tell_text_logprobs(tokenizer: Tokenizer, tokens: Sequence[Token], offset: int) -> dict[str, Any]:
    """Returns those of a completion.

    Args:
        tokenizer: of the model.
        tokens: of the text.
        offset: characters that stand before it.
    """
    names = [_name(tokenizer, token.id) for token in tokens]
    offsets = [offset]
    for name in names[:-1]:
        offsets.append(offsets[-1] + len(name))
    return {
        "tokens": names,
        "token_logprobs": [token.logprob for token in tokens],
        "top_logprobs": [
            {_name(tokenizer, token_id): logprob for token_id, logprob in reversed(token.top)} for token in tokens
        ],
        "text_offset": offsets[: len(names)],
    }


def _entry(tokenizer: Tokenizer, token: Token) -> dict[str, Any]:
    top = [_one(tokenizer, token_id, logprob) for token_id, logprob in token.top]
    return {**_one(tokenizer, token.id, token.logprob), "top_logprobs": top}


def _one(tokenizer: Tokenizer, token_id: int, logprob: float) -> dict[str, Any]:
    name = _name(tokenizer, token_id)
    whole = None if _BROKEN not in name else _part_bytes(tokenizer.token(token_id))
    return {"token": name, "logprob": logprob, "bytes": list(name.encode() if whole is None else whole)}


def _part_bytes(entry: str) -> bytes | None:
    """Returns the bytes of a vocabulary entry that is a part of a character; None where it does not say them.

    Tokenizers of bytes write each as a character: those that can be printed as themselves, the others from 256 on
    (Radford et al. 2019, the code of GPT-2).
    """
    found = [_BYTES.get(character) for character in entry]
    return bytes(byte for byte in found if byte is not None) if None not in found else None


def _byte_characters() -> dict[str, int]:
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {chr(256 + place): byte for place, byte in enumerate(hidden)}


_BYTES = _byte_characters()
_BROKEN = "\ufffd"  # what stands for bytes that are no whole character


def _name(tokenizer: Tokenizer, token_id: int) -> str:
    """Returns the text of a token; of one without text, such as an end token, its name."""
    return tokenizer.decode([token_id]) or tokenizer.token(token_id)
