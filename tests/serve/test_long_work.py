"""A real server whose models are asked for more than there is time for."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

_QUESTIONS = [f"how many {number}?" for number in range(500)]


def ask(server: Any, body: dict[str, Any], **options: Any) -> httpx.Response:
    url = f"{server.url}/v1/tasks/answer"
    return httpx.post(url, json={"model": "reader", **body}, trust_env=False, **{"timeout": 120, **options})


@pytest.mark.parametrize("leaves", [False, True])
def test_a_request_that_takes_too_long_or_is_left_makes_room_at_once(
    start_server: Callable[..., Any], question_run: Any, leaves: bool
) -> None:
    limits = ("--timeout", 2 if not leaves else 300, "--max-read", 10**9, "--drain", 1)
    server = start_server(f"reader={question_run.model}", *limits)
    short = {"question": "how many 7?", "context": "film scene three red ending 7."}
    assert ask(server, short).status_code == 200
    for long in (
        {"question": _QUESTIONS, "context": "film scene three red ending 7. " * 10_000},
        {"question": "how many 7?", "context": "film scene three red ending 7. " * 120_000},
    ):
        if leaves:
            with pytest.raises(httpx.ReadTimeout):
                ask(server, long, timeout=3)
        else:
            assert ask(server, long).status_code == 504
        began = time.monotonic()
        assert ask(server, short).status_code == 200 or not leaves
        assert time.monotonic() - began < 20
    waiting = threading.Thread(target=_ask_in_vain, args=(server, long), daemon=True)
    waiting.start()
    time.sleep(1)
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(30)
    assert time.monotonic() - began < 20


def _ask_in_vain(server: Any, body: dict[str, Any]) -> None:
    with pytest.raises(httpx.HTTPError):
        ask(server, body).raise_for_status()


def test_without_being_told_a_server_reads_no_more_than_two_million_tokens_for_one(
    start_server: Callable[..., Any], question_run: Any
) -> None:
    server = start_server(f"reader={question_run.model}")
    reply = ask(server, {"question": _QUESTIONS, "context": "film scene three red ending 7. " * 10_000})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "too_much_to_read")
    assert "2,097,152 are read for one request" in reply.json()["error"]["message"]
