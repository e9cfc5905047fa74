"""Log-probabilities, in the two shapes that OpenAI's clients read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penjing.inference.decoding.request import Token
from penjing.inference.decoding.text_stream import TextStream, last_tokens
from penjing.serve.asked import Asked
from penjing.text.token_bytes import part_bytes
from penjing.text.tokenizer import Tokenizer

_BROKEN = "\ufffd"  # what stands for bytes that are no whole character


class Logprobs:
    """Tells those of a text's tokens as they come; several at a time or one by one, it tells the same.

    A token is called by what it adds to the text before it. One of a part of a character is called by U+FFFD, and its
    bytes are told.

    Args:
        tokenizer: of the model.
        prompt: tokens that the text goes on with.
    """

    def __init__(self, tokenizer: Tokenizer, prompt: Sequence[int]) -> None:
        self._tokenizer, self._special = tokenizer, tokenizer.added_ids
        self._stream, self._read = TextStream(tokenizer, (), prompt), 0
        #: Tokens of the text while it has no character, nor has the prompt: then the first is read otherwise.
        read = tokenizer.decode(last_tokens(tokenizer, prompt))
        self._opening: list[int] | None = None if read else []
        self._before = read[-1:]  # the last character so far

    def tell_chat(self, tokens: Sequence[Token]) -> dict[str, Any]:
        """Returns those of a chat's answer: of each token, and of the likeliest at its place."""
        content = []
        for token in tokens:
            top = [self._entry(token_id, logprob) for token_id, logprob in token.top]
            content.append({**self._entry(token.id, token.logprob), "top_logprobs": top})
            self._pass(token.id)
        return {"content": content, "refusal": None}

    def tell_text(self, tokens: Sequence[Token]) -> dict[str, Any]:
        """Returns those of a completion, with where in it the text of each token begins."""
        told: dict[str, list[Any]] = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
        for token in tokens:
            name = self._name(token.id)
            told["tokens"].append(name)
            told["token_logprobs"].append(token.logprob)
            told["top_logprobs"].append({self._name(token_id): logprob for token_id, logprob in reversed(token.top)})
            before = self._read
            self._pass(token.id)
            # What was no character and waited for one may have come with it, and stands before it.
            told["text_offset"].append(max(before, self._read - len(name)))
        return told

    def _pass(self, token_id: int) -> None:
        """Goes on behind a token."""
        self._read += len(self._stream.put(token_id))
        if token_id not in self._special:
            self._before = self._name(token_id)[-1:] or self._before
        if self._opening is None:
            return
        if self._tokenizer.decode([*self._opening, token_id]):
            self._opening = None
        elif token_id not in self._special:
            self._opening.append(token_id)

    def _entry(self, token_id: int, logprob: float) -> dict[str, Any]:
        name = self._name(token_id)
        parts = part_bytes(self._tokenizer.token(token_id)) if _BROKEN in name else None
        return {"token": name, "logprob": logprob, "bytes": list(name.encode() if parts is None else parts)}

    def _name(self, token_id: int) -> str:
        """Returns what a token adds to the text; of a special one, such as an end token, its name."""
        if self._opening is None:
            added = self._tokenizer.added_text(token_id, self._before)
        else:
            added = self._tokenizer.decode([*self._opening, token_id])
        return self._tokenizer.token(token_id) if not added and token_id in self._special else added


def open_logprobs(asked: Asked, *, tells: bool) -> list[Logprobs | None]:
    """Returns what tells the log-probabilities of each text; None where they are not told."""
    return [Logprobs(asked.service.tokenizer, request.prompt) if tells else None for request in asked.requests]
