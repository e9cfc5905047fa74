"""What lies between an engine and the texts of a request."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from penjing.errors import PenjingError
from penjing.inference.decoding.interface import EngineFullError
from penjing.inference.decoding.request import DecodeRequest
from penjing.inference.sampling import SamplingSettings
from penjing.serve.failures import RequestError
from penjing.serve.settings import ServeSettings
from penjing.serve.writing import Ending, TextService, load_text_service

REQUESTS = [DecodeRequest((5, seed), SamplingSettings(2, seed=seed), frozenset()) for seed in range(1, 41)]


@pytest.fixture
def service(decoders: Path) -> Iterator[TextService]:
    settings = ServeSettings({"talker": decoders / "talker"}, weights="fp32", threads=1, cache_mb=8)
    made = load_text_service(decoders / "talker", settings, is_trained_on_texts=False)
    yield made
    made.close(0)


def fill_line(service: TextService, monkeypatch: pytest.MonkeyPatch, after: int, idle_s: float) -> None:
    """Has so many texts taken on, and no other one until the engine has had nothing to do for a while."""
    engine: Any = service._engine
    submit, taken, idle_since = engine.submit, 0, float("inf")

    def refuse(*arguments: Any) -> Any:
        nonlocal taken, idle_since
        if taken >= after:
            if not engine.stats().active:
                idle_since = min(idle_since, time.monotonic())
            if time.monotonic() < idle_since + idle_s:
                raise EngineFullError("1,024 requests wait already", do="Ask again in a while.")
        taken += 1
        return submit(*arguments)

    monkeypatch.setattr(engine, "submit", refuse)


async def write(service: TextService, within_s: float = 60) -> int:
    """Returns how many texts were completed."""
    deadline = asyncio.get_running_loop().time() + within_s
    async with aclosing(service.write(REQUESTS, deadline=deadline)) as written:
        return len([number async for number, item in written if isinstance(item, Ending)])


def test_a_request_that_was_begun_waits_where_the_line_of_the_engine_is_full(
    service: TextService, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_line(service, monkeypatch, after=32, idle_s=0.5)
    assert asyncio.run(write(service)) == len(REQUESTS)


def test_it_waits_no_longer_than_it_may(service: TextService, monkeypatch: pytest.MonkeyPatch) -> None:
    fill_line(service, monkeypatch, after=32, idle_s=float("inf"))
    with pytest.raises(TimeoutError):
        asyncio.run(write(service, within_s=2))


def test_a_request_that_was_not_begun_is_refused(service: TextService, monkeypatch: pytest.MonkeyPatch) -> None:
    fill_line(service, monkeypatch, after=0, idle_s=60)
    with pytest.raises(RequestError, match="wait already"):
        asyncio.run(write(service))


def test_an_engine_whose_template_cannot_be_used_is_let_go(decoders: Path, tmp_path: Path) -> None:
    folder = tmp_path / "talker"
    shutil.copytree(decoders / "talker", folder)
    (folder / "chat_template.jinja").write_text("{{ raise_exception('no') }}", encoding="utf-8")
    settings = ServeSettings({"talker": folder}, weights="fp32", threads=1, cache_mb=8)
    before = engines()
    for _ in range(2):  # each request that asks for it has it loaded again
        with pytest.raises(PenjingError, match="chat template"):
            load_text_service(folder, settings, is_trained_on_texts=False)
    assert engines() == before


def engines() -> list[threading.Thread]:
    """Returns the threads of engines that are open."""
    return [thread for thread in threading.enumerate() if thread.name == "decoding"]
