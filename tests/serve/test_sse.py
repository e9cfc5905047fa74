"""Streams of events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")

from penjing.errors import ModelFolderError, UsageError
from penjing.serve.sse import stream_events

FOLDERS = {"mood": Path("/home/anna/secret/model")}


async def _break_off() -> AsyncGenerator[dict[str, Any]]:
    yield {"text": "好"}
    raise ModelFolderError("it is gone", where="/home/anna/secret/model/model.safetensors", do="Copy it.")


async def _refuse() -> AsyncGenerator[dict[str, Any]]:
    raise UsageError("no")
    yield {}


async def _read(chunks: AsyncGenerator[dict[str, Any]]) -> list[str]:
    answer = await stream_events(chunks, FOLDERS)
    whole = "".join([str(part) async for part in answer.body_iterator])
    return [event.removeprefix("data: ") for event in whole.split("\n\n")[:-1]]


def test_a_stream_that_breaks_off_says_why_and_not_where_a_folder_lies() -> None:
    first, error, end = asyncio.run(_read(_break_off()))
    assert json.loads(first) == {"text": "好"}
    assert json.loads(error)["error"]["message"] == "mood/model.safetensors: it is gone. Copy it."
    assert end == "[DONE]"


def test_what_is_wrong_with_the_first_event_is_raised_before_anything_is_sent() -> None:
    with pytest.raises(UsageError):
        asyncio.run(_read(_refuse()))
