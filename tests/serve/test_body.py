"""What no request can be is refused before it is parsed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable
from contextlib import nullcontext, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("fastapi")

from penjing.serve.body import ClientGoneError, check_json, is_deeper, read_body
from penjing.serve.failures import RequestError

VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(VALUES, st.integers(1, 6))
def test_depth_is_that_of_lists_and_objects_whatever_texts_hold(value: Any, most: int) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert is_deeper(text.encode("utf-8", "replace"), most) == (depth(value) > most)


@pytest.mark.parametrize(
    "body",
    [b"[" * 2_000_000, b"[]" * 2_000_000, b'{"a":' * 700_000, b'"' * 4_000_000, b"\\" * 4_000_000, b'"\\' * 2_000_000],
    ids=["open", "flat", "objects", "quotes", "backslashes", "escapes"],
)
def test_depth_of_four_megabytes_is_found_in_a_moment(body: bytes) -> None:
    began = time.process_time()
    is_deeper(body, 64)
    assert time.process_time() - began < 2


@pytest.mark.parametrize("body", [b"\xff", b'{"a": "\xed\xa0\x80"}', b"\xc0\xaf", b'{"a": "\xe4\xb8"}'])
def test_what_is_no_utf_8_is_refused_with_its_place(body: bytes) -> None:
    with pytest.raises(RequestError, match=r"no UTF-8 \(byte \d+\)"):
        check_json(body, 64)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (r'{"a": "\ud800"}', 7),
        (r'{"a": "\uDFFF"}', 7),
        (r'{"a": "\ud83d", "b": "\ude00"}', 7),
        (r'{"a": "\ud83d\ud83d\ude00"}', 7),
        (r'{"a": "\\\ud800"}', 9),
        (r'{"a\ude00": 1}', 3),
        (r'{"a": "\ud83d\ude00"}', None),
        (r'{"a": "\\ud800"}', None),
        (r'{"a": "\ud7ff\ue000 \n"}', None),
    ],
)
def test_half_a_character_is_refused_wherever_it_stands_and_whole_ones_pass(text: str, place: int | None) -> None:
    whole = not any("\ud800" <= letter <= "\udfff" for letter in json.dumps(json.loads(text), ensure_ascii=False))
    assert whole == (place is None)
    if place is None:
        check_json(text.encode(), 64)
        return
    with pytest.raises(RequestError, match=rf"half of a character \(byte {place}\)"):
        check_json(text.encode(), 64)


@given(VALUES)
def test_what_json_writes_of_whole_characters_passes(value: Any) -> None:
    check_json(json.dumps(value).encode(), 64)


@pytest.mark.parametrize("body", [b'"' + b"\\ud83d\\ude00" * 340_000 + b'"', b"\\ud83d" * 600_000, b"\\n" * 2_000_000])
def test_half_a_character_is_looked_for_in_a_moment(body: bytes) -> None:
    began = time.process_time()
    with suppress(RequestError):
        check_json(body, 64)
    assert time.process_time() - began < 2


def messages(parts: Iterable[bytes], *, ends: bool = True) -> Any:
    waiting = iter(parts)

    async def receive() -> dict[str, Any]:
        for part in waiting:
            return {"type": "http.request", "body": part, "more_body": True}
        if not ends:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": b"", "more_body": False}

    return receive


def test_a_body_comes_in_parts() -> None:
    assert asyncio.run(read_body(messages([b"a", b"", b"bc"]), None, 3, 1)) == b"abc"


@pytest.mark.parametrize("length", [None, 4])
def test_a_body_that_is_too_large_is_refused_though_nothing_says_how_large(length: int | None) -> None:
    with pytest.raises(RequestError) as caught:
        asyncio.run(read_body(messages([b"ab", b"cd"]), length, 3, 1))
    assert caught.value.status == 413


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    with pytest.raises(RequestError) as caught:
        asyncio.run(read_body(messages([b"ab"], ends=False), None, 3, 0.05))
    assert caught.value.status == 408


def test_a_client_that_goes_away_is_no_error_of_a_request() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientGoneError):
        asyncio.run(read_body(receive, None, 3, 1))


@given(
    st.lists(st.sampled_from([r"\ud83d", r"\uDE00", r"\\", r"\"", r"\n", "u", "d", "8", "a", r"\u00e9"]), max_size=12)
)
def test_halves_are_found_in_whatever_is_escaped(pieces: list[str]) -> None:
    text = '{"a": "' + "".join(pieces) + '"}'
    has_half = any("\ud800" <= letter <= "\udfff" for letter in json.loads(text)["a"])
    with pytest.raises(RequestError, match="half of a character") if has_half else nullcontext():
        check_json(text.encode(), 64)
