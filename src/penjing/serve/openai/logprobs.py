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
    return {"token": name, "logprob": logprob, "bytes": list(name.encode())}


def _name(tokenizer: Tokenizer, token_id: int) -> str:
    """Returns the text of a token; of one without text, such as an end token, its name."""
    return tokenizer.decode([token_id]) or tokenizer.token(token_id)
