"""Requests that wait together are computed together, and nobody notices."""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

import penjing
from penjing.progress import stop_if_asked
from penjing.serve.batcher import Batcher, BatcherFullError


@pytest.fixture
def batcher() -> Iterator[Batcher]:
    """One with batches of up to eight rows."""
    made = Batcher(most_rows=8, most_waiting=100)
    yield made
    made.close()


class Doubling:
    """Doubles numbers, refuses 13, and can be held back; it notes what came together."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go = threading.Event()

    def __call__(self, rows: Sequence[int]) -> list[int]:
        self.batches.append(list(rows))
        assert self.go.wait(10)
        if 13 in rows:
            raise ValueError("13")
        return [2 * row for row in rows]


async def started(doubling: Doubling) -> None:
    """Returns when the first batch is being computed."""
    while not doubling.batches:
        await asyncio.sleep(0.001)


def test_a_lone_request_is_computed_at_once(batcher: Batcher) -> None:
    doubling = Doubling()
    doubling.go.set()
    assert asyncio.run(batcher.run("k", doubling, [1, 2])) == [2, 4]
    assert doubling.batches == [[1, 2]]


def test_while_nothing_is_asked_nothing_of_what_was_is_kept(batcher: Batcher) -> None:
    class Text(str):
        pass

    async def ask() -> weakref.ref[Text]:
        row = Text("long")
        assert await batcher.run("k", lambda rows: [len(row) for row in rows], [row]) == [4]
        return weakref.ref(row)

    asked = asyncio.run(ask())
    for _ in range(1000):
        if asked() is None:
            break
        time.sleep(0.01)
    assert asked() is None


def test_requests_that_wait_while_one_is_computed_are_one_batch(batcher: Batcher) -> None:
    doubling = Doubling()

    async def ask() -> list[list[int]]:
        first = asyncio.create_task(batcher.run("k", doubling, [1]))
        await started(doubling)
        others = [asyncio.create_task(batcher.run("k", doubling, [n, n + 10])) for n in (2, 4)]
        await asyncio.sleep(0)
        doubling.go.set()
        return await asyncio.gather(first, *others)

    assert asyncio.run(ask()) == [[2], [4, 24], [8, 28]]
    assert doubling.batches == [[1], [2, 12, 4, 14]]


def test_other_keys_are_other_batches_and_keep_their_turn(batcher: Batcher) -> None:
    doubling = Doubling()

    async def ask() -> None:
        tasks = [asyncio.create_task(batcher.run("a", doubling, [1]))]
        await started(doubling)
        tasks += [asyncio.create_task(batcher.run(key, doubling, [n])) for key, n in (("b", 2), ("a", 3), ("b", 4))]
        await asyncio.sleep(0)
        doubling.go.set()
        await asyncio.gather(*tasks)

    asyncio.run(ask())
    assert doubling.batches == [[1], [2, 4], [3]]


def test_a_long_request_lets_others_pass(batcher: Batcher) -> None:
    doubling = Doubling()

    async def ask() -> list[int]:
        long = asyncio.create_task(batcher.run("k", doubling, list(range(20, 60))))
        await started(doubling)
        short = asyncio.create_task(batcher.run("k", doubling, [1]))
        await asyncio.sleep(0)
        doubling.go.set()
        assert await short == [2]
        return await long

    assert asyncio.run(ask()) == [2 * n for n in range(20, 60)]
    assert 1 in doubling.batches[1]


def test_a_fault_reaches_only_the_request_that_caused_it(batcher: Batcher) -> None:
    doubling = Doubling()

    async def ask() -> list[Any]:
        tasks = [asyncio.create_task(batcher.run("k", doubling, [1]))]
        await started(doubling)
        tasks += [asyncio.create_task(batcher.run("k", doubling, rows)) for rows in ([2], [13], [4])]
        await asyncio.sleep(0)
        doubling.go.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, second, wrong, third = asyncio.run(ask())
    assert (first, second, third) == ([2], [4], [8])
    assert isinstance(wrong, ValueError)
    assert batcher.waiting == 0


def test_a_request_given_up_is_not_computed(batcher: Batcher) -> None:
    doubling = Doubling()

    async def ask() -> None:
        first = asyncio.create_task(batcher.run("k", doubling, [1]))
        await started(doubling)
        gone = asyncio.create_task(batcher.run("k", doubling, [2]))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        doubling.go.set()
        await first
        assert await batcher.run("k", doubling, [3]) == [6]

    asyncio.run(ask())
    assert doubling.batches == [[1], [3]]
    assert batcher.waiting == 0


def test_too_much_is_refused_and_nothing_is_lost(batcher: Batcher) -> None:
    doubling = Doubling()

    async def ask() -> list[int]:
        first = asyncio.create_task(batcher.run("k", doubling, list(range(20, 100))))
        await started(doubling)
        with pytest.raises(BatcherFullError, match="80 rows wait"):
            await batcher.run("k", doubling, list(range(21)))
        doubling.go.set()
        return await first

    assert asyncio.run(ask()) == [2 * n for n in range(20, 100)]


def test_closing_completes_what_waits() -> None:
    batcher, doubling = Batcher(most_rows=2), Doubling()

    async def ask() -> list[int]:
        task = asyncio.create_task(batcher.run("k", doubling, [1, 2, 3, 4, 5]))
        await started(doubling)
        doubling.go.set()
        await asyncio.to_thread(batcher.close)
        with pytest.raises(BatcherFullError):
            await batcher.run("k", doubling, [1])
        return await task

    assert asyncio.run(ask()) == [2, 4, 6, 8, 10]


def test_a_batch_has_no_more_tokens_than_allowed_and_a_longer_row_is_one_of_its_own() -> None:
    batcher, doubling = Batcher(most_rows=8, most_tokens=100), Doubling()
    doubling.go.set()

    async def ask() -> list[int]:
        return await batcher.run("k", doubling, [1, 2, 3, 4, 5], [60, 40, 1000, 10, 90])

    assert asyncio.run(ask()) == [2, 4, 6, 8, 10]
    assert doubling.batches == [[1, 2], [3], [4, 5]]
    batcher.close()


class Endless:
    """Goes on until it is told to stop; what does not listen is let go by hand."""

    def __init__(self, batcher: Batcher, *, listens: bool = True) -> None:
        self.begun, self.ended, self.go = threading.Event(), threading.Event(), threading.Event()
        self._batcher, self._listens = batcher, listens

    def __call__(self, rows: Sequence[int]) -> list[int]:
        self.begun.set()
        try:
            while not self.go.wait(0.01):
                if self._listens:
                    stop_if_asked(self._batcher.progress)
        finally:
            self.ended.set()
        return list(rows)


def test_what_is_computed_is_told_to_stop_when_all_who_asked_are_gone(batcher: Batcher) -> None:
    endless, doubling = Endless(batcher), Doubling()
    doubling.go.set()

    async def ask() -> None:
        blocking = Doubling()
        first = asyncio.create_task(batcher.run("a", blocking, [1]))
        await started(blocking)
        tasks = [asyncio.create_task(batcher.run("k", endless, [number])) for number in (1, 2)]
        await asyncio.sleep(0)
        blocking.go.set()
        await first
        assert await asyncio.to_thread(endless.begun.wait, 10)
        tasks[0].cancel()
        await asyncio.sleep(0.1)
        assert not endless.ended.is_set()  # the other still waits
        tasks[1].cancel()
        assert await asyncio.to_thread(endless.ended.wait, 10)
        assert await batcher.run("k", doubling, [3]) == [6]

    asyncio.run(ask())
    assert batcher.waiting == 0


@pytest.mark.parametrize("listens", [True, False])
def test_closing_waits_no_longer_than_it_may(listens: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penjing.serve.batcher._REST_S", 0.3)
    batcher = Batcher()
    endless, doubling = Endless(batcher, listens=listens), Doubling()

    async def ask() -> None:
        asked = asyncio.create_task(batcher.run("k", endless, [1]))
        assert await asyncio.to_thread(endless.begun.wait, 10)
        behind = asyncio.create_task(batcher.run("other", doubling, [1]))
        await asyncio.sleep(0)
        began = time.monotonic()
        assert await asyncio.to_thread(batcher.close, 0.2) == listens
        assert time.monotonic() - began < 5
        endless.go.set()
        found = await asyncio.gather(asked, behind, return_exceptions=True)
        assert isinstance(found[1], BatcherFullError)
        assert isinstance(found[0], BatcherFullError) or not listens

    asyncio.run(ask())
    assert not doubling.batches
    assert batcher.waiting == 0


def test_answers_of_concurrent_requests_are_those_of_one_by_one(small_bert_run: Any) -> None:
    model: Any = penjing.load(small_bert_run.model)
    texts = [f"{'a lovely plot ' * (n % 7)}dull scene {n}" for n in range(60)]
    batcher = Batcher(most_rows=16)

    async def ask() -> list[Any]:
        asked = (batcher.run("predict", model.predict_texts, [text]) for text in texts)
        return [answers[0] for answers in await asyncio.gather(*asked)]

    together = asyncio.run(ask())
    batcher.close()
    for text, found in zip(texts, together, strict=True):
        [alone] = model.predict([text])
        assert (found.text, found.label) == (text, alone.label)
        assert found.probability == pytest.approx(alone.probability, abs=1e-5)
