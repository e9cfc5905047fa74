"""``/v1/embeddings``: texts as vectors."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Literal, cast

import numpy as np
from fastapi import APIRouter
from numpy.typing import NDArray
from pydantic import BaseModel, Field, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from penjing.inference.embedding import TextEncoder
from penjing.serve.account import Remembered
from penjing.serve.asked import read_long
from penjing.serve.context import Context
from penjing.serve.failures import RequestError
from penjing.serve.openai.body import WithoutEffect
from penjing.serve.openai.completions import Prompts
from penjing.serve.openai.fields import Body
from penjing.serve.tasks.computing import refusing_when_full
from penjing.serve.tasks.weighing import check_read

router = APIRouter(prefix="/v1", tags=["embeddings"])


class EmbeddingBody(WithoutEffect, Body):
    """Texts."""

    model: str = Field(max_length=200)
    input: str | Prompts = Field(description="texts, or their tokens")
    encoding_format: Literal["float", "base64"] | None = Field(
        None, description="base64: of the numbers as 32-bit floats, little-endian; float"
    )
    dimensions: StrictInt | None = Field(None, ge=1, description="as many as the model gives")

    @model_validator(mode="after")
    def _has_texts(self) -> EmbeddingBody:
        texts = self.input if isinstance(self.input, list) else [self.input]
        if not texts or any(text in ("", []) for text in texts):
            raise PydanticCustomError("too_short", "input is empty, or a text of it is. Leave empty texts out")
        return self


class Embedding(BaseModel):
    """The vector of a text, of length 1."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingUsage(BaseModel):
    """How many tokens were read."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingList(BaseModel):
    """The vectors in the order of the texts."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


@router.post("/embeddings")
async def embed(body: EmbeddingBody, context: Context, account: Remembered) -> EmbeddingList:
    """Returns a vector for each text: an encoder's last states, pooled as its folder says."""
    account.model = context.pool.peek(body.model).name
    async with context.pool.use(body.model) as model:
        if not model.facts.embeds:
            what = f"The model {model.name} makes no vectors. /v1/models says what each can do."
            raise RequestError(400, what, param="model", code="model_cannot_embed")
        encoder = await model.text_encoder()
        rows = await _read(encoder, body, context.settings.limits.rows)
        longest = max(map(len, rows))
        most = min(encoder.longest, context.settings.limits.prompt_tokens or encoder.longest)
        if longest > most:
            what = f"A text has {longest:,} tokens, and {most:,} are read here. Shorten it, or send it in parts."
            raise RequestError(400, what, param="input", code="context_length_exceeded")
        check_read(sum(map(len, rows)), context.settings.limits, "input")
        batcher = model.batcher

        def compute(given: Sequence[list[int]]) -> list[NDArray[np.float32]]:
            return list(encoder.encode_rows(given, batcher.progress))

        with refusing_when_full():
            vectors = await batcher.run(("vectors", id(encoder)), compute, rows, list(map(len, rows)))
    if body.dimensions not in (None, width := len(vectors[0])):
        what = f"The vectors of {body.model} have {width:,} numbers, and not {body.dimensions:,}. Leave dimensions out."
        raise RequestError(400, what, param="dimensions", code="wrong_dimensions")
    account.prompt_tokens = tokens = sum(map(len, rows))
    context.gauges.tokens.labels(model.name, "prompt").inc(tokens)
    data = [Embedding(index=i, embedding=_written(vector, body.encoding_format)) for i, vector in enumerate(vectors)]
    return EmbeddingList(data=data, model=model.name, usage=EmbeddingUsage(prompt_tokens=tokens, total_tokens=tokens))


async def _read(encoder: TextEncoder, body: EmbeddingBody, most: int) -> list[list[int]]:
    """Returns the tokens of each text, with those around it."""
    given = body.input
    if isinstance(given, str) or isinstance(given[0], str):
        texts = [given] if isinstance(given, str) else list(given)
        _check_count(len(texts), most)
        return await read_long(lambda: encoder.read(texts), sum(map(len, texts)))
    rows = cast("list[list[int]]", given if isinstance(given[0], list) else [given])
    _check_count(len(rows), most)
    if any(max(row) >= encoder.tokenizer.vocab_size for row in rows):
        what = f"A text of tokens has one that is none of the model's {encoder.tokenizer.vocab_size:,}."
        raise RequestError(400, what, param="input", code="no_such_token")
    return encoder.surround(rows)


def _check_count(count: int, most: int) -> None:
    if count > most:
        what = f"There are {count:,} texts, and the server takes {most:,} at once. Send them in parts."
        raise RequestError(400, what, param="input", code="too_many_texts")


def _written(vector: NDArray[np.float32], layout: str | None) -> list[float] | str:
    if layout == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    numbers: list[float] = vector.tolist()
    return numbers
