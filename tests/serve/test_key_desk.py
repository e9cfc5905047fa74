"""Wrong keys are limited by address before they cost anything; right ones are not kept waiting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from penjing.serve.failures import RequestError
from penjing.serve.key_desk import KeyDesk
from penjing.serve.keys import create_key


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def wait_of(desk: KeyDesk, address: str) -> float | None:
    try:
        desk.check(address)
    except RequestError as error:
        return error.retry_after_s if error.status == 429 else None
    return None


def test_an_address_gains_twenty_a_minute_and_never_more_than_twenty() -> None:
    clock = Clock()
    desk = KeyDesk(clock)
    for _ in range(3):
        for _ in range(20):
            assert wait_of(desk, "10.0.0.1") is None
            desk.count_wrong("10.0.0.1")
        assert (wait_of(desk, "10.0.0.1"), wait_of(desk, "10.0.0.2")) == (3, None)
        clock.seconds += 2.9
        assert wait_of(desk, "10.0.0.1") == 1
        clock.seconds += 3600


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("fe80::1%eth0", "fe80::2", True),
        ("", "", True),
    ],
)
def test_addresses_that_one_client_has_count_together(one: str, other: str, together: bool) -> None:
    desk = KeyDesk(Clock())
    for _ in range(20):
        desk.count_wrong(one)
    assert (wait_of(desk, other) is not None) == together


def test_many_addresses_take_no_more_room() -> None:
    desk = KeyDesk(Clock())
    for number in range(10_050):
        desk.count_wrong(f"client-{number}")
    assert len(desk._left) == 10_000


def test_wrong_keys_are_refused_before_they_are_hashed_and_known_ones_pass(
    start_server: Callable[..., Any], decoders: Path, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.json"
    anna, entry = create_key(keys, "Anna")
    ben, _ = create_key(keys, "Ben")
    server = start_server(f"talker={decoders / 'talker'}", "--keys", keys)
    wrong = f"pj-{entry.id}-{'A' * 43}"

    async def ask(some: list[str]) -> list[httpx.Response]:
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            asked = (client.get(f"{server.url}/v1/models", headers={"Authorization": f"Bearer {key}"}) for key in some)
            return await asyncio.gather(*asked)

    assert {reply.status_code for reply in asyncio.run(ask([anna] * 25))} == {200}  # at once, and not known yet
    replies = asyncio.run(ask([wrong] * 30))
    refused = [reply for reply in replies if reply.status_code == 429]
    assert {reply.status_code for reply in replies} == {401, 429}
    assert 5 <= len(refused) <= 10  # some are gained back meanwhile
    assert all(1 <= int(reply.headers["Retry-After"]) <= 3 for reply in refused)
    assert refused[0].json()["error"]["code"] == "too_many_wrong_keys"
    create_key(keys, "Cleo")
    time.sleep(1.1)  # the file is read again
    known, new = asyncio.run(ask([anna])), asyncio.run(ask([*[wrong] * 10, ben]))
    assert known[0].status_code == 200
    assert 429 in {reply.status_code for reply in new}
    metrics = httpx.get(f"{server.url}/metrics", headers={"Authorization": f"Bearer {anna}"}, trust_env=False).text
    assert 'penjing_refused_total{reason="too_many_wrong_keys"}' in metrics
