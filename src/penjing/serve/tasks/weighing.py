"""How much a request has a model read: refused where it is too much for one, before anything is computed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from penjing.serve.failures import RequestError
from penjing.serve.settings import Limits
from penjing.text.tokenizer import Tokenizer

_SPREAD = 11  # bytes that NFKC makes of one at most (U+FDFA); no token has less than a byte
_AROUND = 8  # tokens around a text


@dataclass(frozen=True)
class Weight:
    """How much a row is.

    Attributes:
        tokens: of its text.
        read: that the network reads for it: all windows, and again as often as a method of explaining asks.
    """

    tokens: int
    read: int


#: Tokens of a text, exactly or at most.
Count = Callable[[str], int]
#: The weight of each row, by what counts tokens.
Weigh = Callable[[Count], Sequence[Weight]]


async def weigh_rows(weigh: Weigh, tokenizer: Tokenizer, limits: Limits, param: str) -> list[int]:
    """Returns about how many tokens the network reads for each row.

    Texts are tokenized for that only where, by their bytes, they might be too long.

    Args:
        weigh: says it of all rows.
        tokenizer: of the model.
        limits: of the server.
        param: the field that holds the texts.

    Raises:
        RequestError: a text is longer than the server reads, or all of them are too much for one request.
    """
    if _find_fault(weigh(_most_tokens()), limits, param) is None:
        return [weight.read for weight in weigh(_bytes())]
    exact = await asyncio.to_thread(lambda: weigh(_tokens(tokenizer)))
    fault = _find_fault(exact, limits, param)
    if fault is not None:
        raise fault
    return [weight.read for weight in exact]


def weigh_texts(texts: Sequence[str]) -> Weigh:
    """Returns how much texts are that are read once."""
    return lambda count: [Weight(tokens, tokens) for tokens in map(count, texts)]


def check_read(read: int, limits: Limits, param: str) -> None:
    """Refuses to have a model read more for one request than the server allows.

    Raises:
        RequestError: it is more.
    """
    if read > limits.read_tokens:
        what = f"This has the model read {read:,} tokens, and {limits.read_tokens:,} are read for one request."
        raise RequestError(400, f"{what} Send less at once.", param=param, code="too_much_to_read")


def _find_fault(weights: Sequence[Weight], limits: Limits, param: str) -> RequestError | None:
    longest = max(weight.tokens for weight in weights)
    if limits.prompt_tokens is not None and longest > limits.prompt_tokens:
        what = f"A text has {longest:,} tokens, and at most {limits.prompt_tokens:,} are read here. Shorten it."
        return RequestError(400, what, param=param, code="context_length_exceeded")
    try:
        check_read(sum(weight.read for weight in weights), limits, param)
    except RequestError as error:
        return error
    return None


def _bytes() -> Count:
    return cache(lambda text: len(text.encode()) + _AROUND)


def _most_tokens() -> Count:
    return cache(lambda text: len(text.encode()) * _SPREAD + _AROUND)


def _tokens(tokenizer: Tokenizer) -> Count:
    return cache(lambda text: len(tokenizer.encode([text])[0]))
