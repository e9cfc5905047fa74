"""Clients that go away, say nothing, or say it too slowly; and the end of a server while an answer is under way."""

from __future__ import annotations

import json
import re
import resource
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from penjing.text.tokenizer import load_tokenizer


@pytest.fixture(scope="module")
def patient(start_server: Callable[..., Any], decoders: Path) -> Any:
    return start_server(
        f"endless={decoders / 'endless'}", "--max-output", 16_000, "--weights", "fp32", "--header-timeout", 1.5
    )


@pytest.fixture(scope="module")
def long_body(decoders: Path) -> dict[str, Any]:
    """Asks for an answer that takes many seconds: the tokens that would end it are forbidden."""
    tokenizer = load_tokenizer(decoders / "endless")
    ends = {str(tokenizer.end_id): -100, str(tokenizer.token_id("<|end|>")): -100}
    return {"model": "endless", "prompt": "a film", "max_tokens": 15_000, "seed": 1, "logit_bias": ends}


def busy(server: Any) -> int:
    """How many texts the engine writes."""
    page = httpx.get(f"{server.url}/metrics", trust_env=False, timeout=30).text
    values = [line for line in page.splitlines() if line.startswith("penjing_engine_texts{")]
    return sum(int(float(line.rpartition(" ")[2])) for line in values)


def until(is_so: Callable[[], bool], timeout_s: float = 30) -> None:
    ends = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < ends
        time.sleep(0.05)


@contextmanager
def streaming(server: Any, body: dict[str, Any], request_id: str) -> Iterator[Iterator[str]]:
    """An answer of which the first piece has come."""
    with httpx.Client(trust_env=False, timeout=120) as client:
        headers = {"X-Request-Id": request_id}
        with client.stream(
            "POST", f"{server.url}/v1/completions", json={**body, "stream": True}, headers=headers
        ) as got:
            assert got.status_code == 200
            lines = got.iter_lines()
            assert next(lines).startswith("data: {")
            yield lines


def test_a_client_that_vanishes_in_a_stream_frees_the_engine(patient: Any, long_body: dict[str, Any]) -> None:
    with streaming(patient, long_body, "gone-1"):
        until(lambda: busy(patient) == 1)
    account = patient.account("gone-1")
    assert account["ended"] == "client gone"
    assert account["written_tokens"] < 15_000
    until(lambda: busy(patient) == 0, 5)


def test_a_client_that_vanishes_while_it_waits_frees_the_engine(patient: Any, long_body: dict[str, Any]) -> None:
    headers = {"X-Request-Id": "gone-2"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{patient.url}/v1/completions", json={**long_body, "n": 3}, headers=headers, timeout=2, trust_env=False
        )
    assert patient.account("gone-2")["ended"] == "client gone"
    until(lambda: busy(patient) == 0, 5)


def test_a_client_that_breaks_off_its_body_is_forgotten(patient: Any) -> None:
    with socket.create_connection(("127.0.0.1", patient.port)) as connection:
        connection.sendall(
            b"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Request-Id: half\r\n"
            b'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"model": "endl'
        )
        time.sleep(0.2)
    assert patient.account("half")["ended"] == "client gone"


@pytest.mark.parametrize(
    "beginning", [b"", b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: b"]
)
def test_a_connection_that_does_not_finish_its_headers_is_closed(patient: Any, beginning: bytes) -> None:
    with socket.create_connection(("127.0.0.1", patient.port), timeout=20) as connection:
        began = time.monotonic()
        connection.sendall(beginning)
        assert connection.recv(1000) == b""
        assert 1 < time.monotonic() - began < 10


def test_a_header_that_comes_byte_by_byte_is_not_waited_for(patient: Any) -> None:
    with socket.create_connection(("127.0.0.1", patient.port), timeout=20) as connection:
        began = time.monotonic()
        with suppress(OSError):  # broken pipe, or reset
            for byte in b"GET /healthz HTTP/1.1\r\nX-Slow: " + b"a" * 1000:
                connection.sendall(bytes([byte]))
                time.sleep(0.05)
        assert time.monotonic() - began < 10


def test_a_connection_that_goes_silent_between_requests_is_closed(patient: Any) -> None:
    for after in (b"", b"\r\n", b"GET /hea"):
        with socket.create_connection(("127.0.0.1", patient.port), timeout=20) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")
            connection.sendall(after)
            began = time.monotonic()
            while connection.recv(1000):
                pass
            assert time.monotonic() - began < 10


def hold_idle(server: Any, count: int) -> None:
    """Opens connections that say nothing, and looks that the server serves meanwhile."""
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20))
        for _ in range(3):
            reply = httpx.get(f"{server.url}/v1/models", trust_env=False, timeout=20)
            assert reply.status_code == 200


def test_many_idle_connections_hinder_nobody(patient: Any) -> None:
    hold_idle(patient, 500)


@pytest.mark.slow
def test_ten_thousand_idle_connections_hinder_nobody(start_server: Callable[..., Any], decoders: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 10_500:
        pytest.skip(f"the system grants {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        server = start_server(f"talker={decoders / 'talker'}", "--header-timeout", 60)
        hold_idle(server, 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_pipelined_requests_are_answered_in_order(patient: Any) -> None:
    with socket.create_connection(("127.0.0.1", patient.port), timeout=20) as connection:
        one = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        last = b"GET /v1/nothing HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        connection.sendall(one + one + last)
        got = b""
        while part := connection.recv(65_536):
            got += part
    assert [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", got)] == [200, 200, 404]


def test_a_model_is_replaced_under_an_open_stream_that_ends_as_it_began(
    start_server: Callable[..., Any], decoders: Path, long_body: dict[str, Any], tmp_path: Path
) -> None:
    shutil.copytree(decoders / "endless", tmp_path / "endless")
    server = start_server(f"endless={tmp_path / 'endless'}", "--max-output", 16_000)
    body = {**long_body, "max_tokens": 3000}

    def ask() -> dict[str, Any]:
        reply = httpx.post(f"{server.url}/v1/completions", json=body, trust_env=False, timeout=120)
        assert reply.status_code == 200
        answer: dict[str, Any] = reply.json()
        return answer

    before = ask()
    with streaming(server, body, "old") as lines:
        shutil.copyfile(decoders / "endless" / "config.json", tmp_path / "new.json")  # the same, yet written anew
        (tmp_path / "new.json").replace(tmp_path / "endless" / "config.json")
        server.process.send_signal(signal.SIGHUP)
        until(lambda: any("endless is replaced" in line for line in server.log))
        after = ask()
        chunks = [json.loads(line.removeprefix("data: ")) for line in lines if line and "[DONE]" not in line]
    assert after["system_fingerprint"] != before["system_fingerprint"]
    assert after["choices"] == before["choices"]
    assert {chunk["system_fingerprint"] for chunk in chunks} == {before["system_fingerprint"]}
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"
    assert server.account("old")["written_tokens"] == 3000


def test_accepted_requests_are_completed_when_the_server_is_told_to_end(
    start_server: Callable[..., Any], decoders: Path, long_body: dict[str, Any]
) -> None:
    server = start_server(f"endless={decoders / 'endless'}", "--max-output", 16_000, "--drain", 60)
    body = {**long_body, "max_tokens": 3000}
    expected = httpx.post(f"{server.url}/v1/completions", json=body, trust_env=False, timeout=120).json()
    idle = httpx.Client(trust_env=False)
    idle.get(f"{server.url}/healthz")
    whole: list[dict[str, Any]] = []
    waiting = threading.Thread(
        target=lambda: whole.append(
            httpx.post(f"{server.url}/v1/completions", json=body, trust_env=False, timeout=120).json()
        )
    )
    with streaming(server, body, "last") as lines:
        waiting.start()
        until(lambda: busy(server) == 2)
        server.process.send_signal(signal.SIGTERM)
        until(lambda: idle.get(f"{server.url}/readyz").status_code == 503)
        assert idle.get(f"{server.url}/healthz").status_code == 200
        refused = idle.get(f"{server.url}/v1/models")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "draining")
        assert int(refused.headers["Retry-After"]) > 0
        rest = [line.removeprefix("data: ") for line in lines if line]
    waiting.join()
    assert rest[-1] == "[DONE]"
    assert json.loads(rest[-2])["choices"][0]["finish_reason"] == "length"
    assert whole[0]["choices"] == expected["choices"]
    assert server.process.wait(30) == 0
    assert server.account("last")["written_tokens"] == 3000


def test_a_second_signal_ends_the_server_at_once(
    start_server: Callable[..., Any], decoders: Path, long_body: dict[str, Any]
) -> None:
    server = start_server(f"endless={decoders / 'endless'}", "--max-output", 16_000, "--drain", 600)
    with streaming(server, long_body, "cut"):
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert server.process.poll() is None
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0


def test_a_server_that_is_told_to_end_waits_no_longer_than_it_says_for_what_does_not_end(
    start_server: Callable[..., Any], decoders: Path, long_body: dict[str, Any]
) -> None:
    server = start_server(f"endless={decoders / 'endless'}", "--max-output", 16_000, "--drain", 6)
    slow = {"prompt": ["a film", "the plot", "a dull scene"], "n": 5}
    whole = threading.Thread(target=_ask_in_vain, args=(server, {**long_body, **slow}), daemon=True)
    with suppress(httpx.HTTPError), streaming(server, long_body, "late"):
        whole.start()
        until(lambda: busy(server) == 16)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0
        assert 5 < time.monotonic() - began < 11


def _ask_in_vain(server: Any, body: dict[str, Any]) -> None:
    with pytest.raises(httpx.HTTPError):
        httpx.post(f"{server.url}/v1/completions", json=body, trust_env=False, timeout=120).raise_for_status()


def test_an_answer_that_takes_too_long_is_broken_off_and_says_so(
    start_server: Callable[..., Any], decoders: Path, long_body: dict[str, Any]
) -> None:
    server = start_server(f"endless={decoders / 'endless'}", "--max-output", 16_000, "--timeout", 1.5)
    httpx.post(f"{server.url}/v1/completions", json={**long_body, "max_tokens": 1}, trust_env=False, timeout=60)
    reply = httpx.post(f"{server.url}/v1/completions", json=long_body, trust_env=False, timeout=60)
    assert (reply.status_code, reply.json()["error"]["type"]) == (504, "timeout_error")
    with streaming(server, long_body, "slow") as lines:
        rest = [line.removeprefix("data: ") for line in lines if line]
    assert json.loads(rest[-2])["error"]["code"] == "timeout"
    assert server.account("slow")["ended"] == "time is up"
    until(lambda: busy(server) == 0, 5)


def test_more_than_the_server_takes_on_is_refused_and_what_it_took_on_completes(
    start_server: Callable[..., Any], decoders: Path, long_body: dict[str, Any]
) -> None:
    server = start_server(f"endless={decoders / 'endless'}", "--max-output", 16_000, "--most-waiting", 2)
    with ExitStack() as stack:
        streams = [stack.enter_context(streaming(server, {**long_body, "max_tokens": 2000}, f"s{i}")) for i in range(2)]
        reply = httpx.get(f"{server.url}/v1/models", trust_env=False)
        assert (reply.status_code, reply.json()["error"]["type"]) == (429, "rate_limit_error")
        assert int(reply.headers["Retry-After"]) >= 1
        assert httpx.get(f"{server.url}/healthz", trust_env=False).status_code == 200
        assert [[*lines][-2] for lines in streams] == ["data: [DONE]"] * 2
    assert httpx.get(f"{server.url}/v1/models", trust_env=False).status_code == 200


def test_a_client_is_held_to_its_rate(start_server: Callable[..., Any], decoders: Path) -> None:
    server = start_server(f"talker={decoders / 'talker'}", "--rate", 60)
    statuses = [httpx.get(f"{server.url}/v1/models", trust_env=False).status_code for _ in range(12)]
    assert 6 <= statuses.count(200) <= 8
    assert set(statuses) == {200, 429}
    assert httpx.get(f"{server.url}/healthz", trust_env=False).status_code == 200


def test_no_text_of_a_client_is_in_the_log_unless_asked(
    start_server: Callable[..., Any], decoders: Path, patient: Any
) -> None:
    body = {"model": "endless", "prompt": "my secret film", "max_tokens": 3, "seed": 1}
    talkative = start_server(f"endless={decoders / 'endless'}", "--log-text")
    for server, is_logged in ((patient, False), (talkative, True)):
        headers = {"X-Request-Id": "secret"}
        url = f"{server.url}/v1/completions?note=secret-too"
        assert httpx.post(url, json=body, headers=headers, trust_env=False, timeout=60).status_code == 200
        httpx.get(f"{server.url}/secret-path", trust_env=False)
        account = server.account("secret")
        assert account["route"] == "/v1/completions"
        assert (account["model"], account["written_tokens"]) == ("endless", 3)
        assert ("my secret film" in json.dumps(account)) == is_logged
        assert not any("secret-too" in line or "secret-path" in line for line in server.log)
