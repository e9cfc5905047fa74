"""What the bodies of OpenAI's routes have in common."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, StrictBool, StrictFloat, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from penjing.inference.sampling import SamplingSettings
from penjing.serve.bounds import Several, check_fields
from penjing.serve.openai.fields import Body
from penjing.serve.openai.formats import ResponseFormat

_SHOWN, _MOST_STOPS = 80, 16


class WithoutEffect(BaseModel):
    """Fields that clients send, and that change nothing here."""

    user: str | None = Field(None, description="changes nothing here")
    metadata: dict[str, Any] | None = Field(None, description="changes nothing here")
    store: StrictBool | None = Field(None, description="changes nothing here: nothing is stored")
    service_tier: str | None = Field(None, description="changes nothing here")
    safety_identifier: str | None = Field(None, description="changes nothing here")
    prompt_cache_key: str | None = Field(None, description="changes nothing here: prompts are shared where they agree")
    prompt_cache_options: dict[str, Any] | None = Field(None, description="changes nothing here")
    prompt_cache_retention: str | None = Field(None, description="changes nothing here")


class StreamOptions(Body):
    """What else a stream tells."""

    include_usage: StrictBool | None = None
    include_obfuscation: StrictBool | None = Field(None, description="changes nothing here")


Penalty = Annotated[StrictFloat, Field(ge=-2, le=2)]
Bias = Annotated[StrictFloat, Field(ge=-100, le=100)]
StopString = Annotated[str, Field(min_length=1, max_length=200)]
StopStrings = Annotated[list[StopString], Several(_MOST_STOPS, least=0)]


class SampledBody(WithoutEffect, Body):
    """How texts are asked for."""

    model: str = Field(max_length=200)
    n: StrictInt | None = Field(None, ge=1, le=1024, description="how many answers; 1")
    seed: StrictInt | None = Field(None, ge=-(2**63), lt=2**63, description="the same one gives the same answer")
    temperature: StrictFloat | None = Field(None, ge=0, le=100, description="0 takes the likeliest token always; 1")
    top_p: StrictFloat | None = Field(None, gt=0, le=1)
    top_k: StrictInt | None = Field(None, ge=-1, description="so many of the likeliest tokens; 0 or -1: all")
    min_p: StrictFloat | None = Field(
        None, ge=0, le=1, description="tokens that are at least so likely, beside the likeliest"
    )
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    repetition_penalty: StrictFloat | None = Field(None, ge=0.01, le=100)
    logit_bias: Annotated[dict[str, Bias], BeforeValidator(check_fields)] | None = Field(
        None, max_length=1024, description="added to the logits of tokens, by their numbers"
    )
    response_format: ResponseFormat | None = Field(None, description="what an answer must be; text")
    stop: StopString | StopStrings | None = Field(None, description="ends an answer, and is not given")
    stream: StrictBool | None = None
    stream_options: StreamOptions | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> SampledBody:
        for token in self.logit_bias or ():
            if not (token.isascii() and token.isdigit() and len(token) < 10):
                what = "logit_bias names tokens by their numbers, and one is called {token}"
                raise PydanticCustomError("no_token", what, {"token": json.dumps(token[:_SHOWN])})
        if self.stream_options is not None and not self.stream:
            raise PydanticCustomError("not_streaming", "stream_options is for streams; set stream too, or leave it out")
        return self

    @property
    def stops(self) -> list[str]:
        """The strings that end an answer."""
        return [self.stop] if isinstance(self.stop, str) else list(self.stop or ())

    @property
    def choices(self) -> int:
        """How many answers are wanted."""
        return self.n or 1

    @property
    def tells_usage(self) -> bool:
        """Whether a stream ends with how many tokens there were."""
        return self.stream_options is not None and bool(self.stream_options.include_usage)

    def sampling(self, max_tokens: int, seed: int) -> SamplingSettings:
        """Returns how tokens are chosen.

        Args:
            max_tokens: most that are written.
            seed: of this choice.
        """
        return SamplingSettings(
            max_tokens=max_tokens,
            temperature=1.0 if self.temperature is None else self.temperature,
            top_p=1.0 if self.top_p is None else self.top_p,
            seed=seed % 2**63,
            top_k=max(0, self.top_k or 0),
            min_p=self.min_p or 0.0,
            repetition_penalty=self.repetition_penalty or 1.0,
            presence_penalty=self.presence_penalty or 0.0,
            frequency_penalty=self.frequency_penalty or 0.0,
            logit_bias={int(token): bias for token, bias in (self.logit_bias or {}).items()},
        )


class Usage(BaseModel):
    """How many tokens were read and written."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


def count_usage(prompt_tokens: int, written_tokens: int) -> Usage:
    """Returns both and their sum."""
    return Usage(
        prompt_tokens=prompt_tokens, completion_tokens=written_tokens, total_tokens=prompt_tokens + written_tokens
    )
