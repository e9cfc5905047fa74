"""Clients are held to so many requests a minute, and so many at once, each by itself."""

from __future__ import annotations

from contextlib import suppress

import pytest

pytest.importorskip("fastapi")

from penjing.serve.failures import RequestError
from penjing.serve.limits import ClientLimits
from penjing.serve.settings import Limits


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def admitted(limits: ClientLimits, name: str, times: int) -> int:
    count = 0
    for _ in range(times):
        with suppress(RequestError), limits.admit(name):
            count += 1
    return count


def test_a_client_gets_its_rate_and_no_more_over_any_time() -> None:
    clock = Clock()
    limits = ClientLimits(Limits(requests_a_minute=60, burst=5), clock)
    assert admitted(limits, "a", 20) == 5
    for _ in range(600):  # a minute
        clock.now += 0.1
        limits_before = admitted(limits, "a", 3)
        assert limits_before <= 1
    clock.now += 3600
    assert admitted(limits, "a", 20) == 5


def test_who_comes_again_when_told_is_let_in() -> None:
    clock = Clock()
    limits = ClientLimits(Limits(requests_a_minute=10, burst=1), clock)
    assert admitted(limits, "a", 1) == 1
    with pytest.raises(RequestError) as caught, limits.admit("a"):
        pass
    assert caught.value.status == 429
    clock.now += int(caught.value.all_headers()["Retry-After"])
    assert admitted(limits, "a", 1) == 1


def test_one_client_does_not_use_up_what_another_has() -> None:
    limits = ClientLimits(Limits(requests_a_minute=60, burst=2, at_once_a_key=1), Clock())
    with limits.admit("a"):
        assert admitted(limits, "a", 5) == 0
        assert admitted(limits, "b", 5) == 2
    assert admitted(limits, "a", 5) == 1


def test_a_request_that_fails_no_longer_counts_as_one_at_once() -> None:
    limits = ClientLimits(Limits(at_once_a_key=1), Clock())
    with pytest.raises(ValueError, match="x"), limits.admit("a"):
        raise ValueError("x")
    assert admitted(limits, "a", 3) == 3


def test_many_clients_are_not_remembered_for_ever() -> None:
    limits = ClientLimits(Limits(requests_a_minute=60), Clock())
    for number in range(10_500):
        assert admitted(limits, str(number), 1) == 1
    assert len(limits._clients) <= 10_000
