"""Whatever is sent, the server answers with a clear 4xx, says what is wrong, and goes on."""

from __future__ import annotations

import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROUTES = ("/v1/completions", "/v1/chat/completions", "/v1/embeddings")
GOOD: dict[str, dict[str, Any]] = {
    "/v1/completions": {"model": "plain", "prompt": "a film", "max_tokens": 2},
    "/v1/chat/completions": {"model": "talker", "messages": [{"role": "user", "content": "a film"}], "max_tokens": 2},
    "/v1/embeddings": {"model": "encoder", "input": "a film"},
}


@pytest.fixture(scope="module")
def client(server: Any) -> httpx.Client:
    return httpx.Client(base_url=server.url, timeout=60, trust_env=False)


def refused(reply: httpx.Response) -> dict[str, Any]:
    """Returns what a refusal says, after looking that it is one."""
    assert 400 <= reply.status_code < 500, (reply.status_code, reply.text[:300])
    error: dict[str, Any] = reply.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    assert len(error["message"]) < 2000
    return error


def post(client: httpx.Client, route: str, body: bytes, **headers: str) -> httpx.Response:
    return client.post(route, content=body, headers={"Content-Type": "application/json", **headers})


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"1",
        b"{}",
        b"\x00",
        b"\xff\xfe{}",
        b'{"model": "\xff"}',
        b'{"model": "\\ud800"}',
        b'{"model": 1}',
        b'{"model": null}',
        b'{"model": "plain", "prompt": NaN}',
        b'{"model": "plain", "prompt": "x", "temperature": NaN}',
        b'{"model": "plain", "prompt": "x", "temperature": 1e999}',
        b'{"model": "plain", "prompt": "x", "seed": ' + b"9" * 5000 + b"}",
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"[" * 1_000_000,
        b'{"model": "plain", "model": "nobody"}',
        b'{"model": "plain", "prompt": "\\ud800 a"}',
        b'{"model": "plain", "prompt": ["a", "\\udc00"], "stop": "\\ud83d"}',
    ],
    ids=range(22),
)
def test_what_is_no_request_is_refused(client: httpx.Client, route: str, body: bytes) -> None:
    refused(post(client, route, body))


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../plain",
        "plain/../plain",
        "/etc/passwd",
        "plain\x00",
        "PLAIN",
        "plain ",
        "😀",
        "x" * 150,
        "%2e%2e",
    ],
)
def test_names_that_are_no_models_are_refused_without_touching_files(
    client: httpx.Client, route: str, name: str
) -> None:
    reply = client.post(route, json={**GOOD[route], "model": name})
    assert refused(reply)["code"] == "model_not_found"
    assert reply.status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/..%2f..%2fetc%2fpasswd",
        "/v1/models/%00",
        "/v1/models/" + "a" * 5000,
        "/v1/models/%ff",
        "/v1/models/../../etc/passwd",
        "//v1/models",
        "/v1/models//plain",
        "/page/../../etc/passwd",
        "/page/files/..%2f..%2fapp.py",
        "/page/files/%2e%2e/%2e%2e/app.py",
        "/.git/config",
        "/v1/completions/x",
    ],
)
def test_paths_lead_to_no_files(client: httpx.Client, path: str) -> None:
    request = client.build_request("GET", client.base_url)
    request.url = request.url.copy_with(raw_path=path.encode())
    refused(client.send(request))


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "GET"])
@pytest.mark.parametrize("route", ROUTES)
def test_other_methods_are_refused(client: httpx.Client, route: str, method: str) -> None:
    assert client.request(method, route).status_code == 405


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_form_could_send_is_refused(client: httpx.Client, kind: str) -> None:
    reply = post(client, "/v1/completions", json.dumps(GOOD["/v1/completions"]).encode(), **{"Content-Type": kind})
    assert reply.status_code == 415
    refused(reply)


def test_a_packed_body_is_refused_so_that_none_can_swell(client: httpx.Client) -> None:
    assert post(client, "/v1/completions", b"\x1f\x8b", **{"Content-Encoding": "gzip"}).status_code == 415


@pytest.mark.parametrize("announced", [True, False])
def test_a_prompt_of_ten_megabytes_is_refused(client: httpx.Client, announced: bool) -> None:
    body = json.dumps({**GOOD["/v1/completions"], "prompt": "film " * 2_000_000}).encode()
    parts = body if announced else (body[place : place + 65_536] for place in range(0, len(body), 65_536))
    reply = client.post("/v1/completions", content=parts, headers={"Content-Type": "application/json"})
    assert reply.status_code == 413
    assert refused(reply)["code"] == "body_too_large"


@pytest.mark.parametrize(
    ("field", "value", "param", "said"),
    [
        ("stop", ["a"] * 17, "stop", "List should have at most 16 items"),
        ("stop", ["\n", ""], "stop.1", "String should have at least 1 character"),
        ("stop", ["a", 3], "stop.1", "Input should be a valid string"),
        ("stop", "", "stop", "String should have at least 1 character"),
        ("stop", 3, "stop", "Input should be a valid string"),
        ("prompt", [1, "a"], "prompt.1", "Input should be a valid integer"),
        ("prompt", [[1], [2, "a"]], "prompt.1.1", "Input should be a valid integer"),
        ("prompt", ["a", 1], "prompt.1", "Input should be a valid string"),
        ("prompt", [-1], "prompt.0", "Input should be greater than or equal to 0"),
    ],
)
def test_of_a_value_that_may_be_of_several_kinds_the_fault_of_the_given_one_is_told(
    client: httpx.Client, field: str, value: Any, param: str, said: str
) -> None:
    body = {**GOOD["/v1/completions"], field: value}
    error = refused(client.post("/v1/completions", json=body))
    assert error["param"] == param
    assert error["message"].startswith(f"{param}: {said}")
    assert "more field" not in error["message"]
    error = refused(client.post("/v1/completions", json={**body, "n": "two"}))
    assert "1 more field is wrong" in error["message"]


def test_a_prompt_within_the_body_but_not_the_model_is_refused_with_its_length(client: httpx.Client) -> None:
    reply = client.post("/v1/completions", json={**GOOD["/v1/completions"], "prompt": "film " * 100_000})
    error = refused(reply)
    assert (error["code"], error["param"]) == ("context_length_exceeded", "prompt")


def test_header_fields_without_end_are_refused(server: Any) -> None:
    with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client:
        try:
            reply = client.get("/v1/models", headers={f"x-{number}": "y" * 1000 for number in range(500)})
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            return
        assert reply.status_code == 431


def test_a_request_id_of_the_client_is_kept_and_one_with_tricks_is_not(client: httpx.Client) -> None:
    assert client.get("/v1/models", headers={"X-Request-Id": "abc-1"}).headers["X-Request-Id"] == "abc-1"
    assert client.get("/v1/models", headers={"X-Request-Id": "a b\tc"}).headers["X-Request-Id"] != "a b\tc"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize("route", ROUTES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_in_any_field_is_answered_or_refused(client: httpx.Client, route: str, data: st.DataObject) -> None:
    fields = [
        *GOOD[route],
        "n",
        "seed",
        "stop",
        "logprobs",
        "top_logprobs",
        "temperature",
        "top_p",
        "top_k",
        "logit_bias",
        "stream_options",
        "response_format",
        "encoding_format",
        "dimensions",
        "tools",
        "echo",
        "user",
    ]
    changed = data.draw(st.dictionaries(st.sampled_from(fields), JSON, min_size=1, max_size=3))
    body = json.dumps({**GOOD[route], **changed}).encode()
    reply = post(client, route, body)
    if reply.status_code != 200:
        refused(reply)


@pytest.mark.parametrize("route", ROUTES)
def test_bytes_changed_at_random_are_answered_or_refused(client: httpx.Client, route: str) -> None:
    rng = random.Random(0)
    good = json.dumps(GOOD[route]).encode()
    for _ in range(100):
        body = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(body))
            body[place : place + rng.randint(0, 3)] = rng.randbytes(rng.randint(0, 3))
        reply = post(client, route, bytes(body))
        if reply.status_code != 200:
            refused(reply)


def test_after_all_of_it_the_server_works_and_nothing_failed_in_it(client: httpx.Client, server: Any) -> None:
    for route, body in GOOD.items():
        assert client.post(route, json=body).status_code == 200
    assert not [line for line in server.accounts() if line["status"] >= 500]
    assert not [line for line in server.log if "Traceback" in line]


def test_a_grammar_that_fails_or_takes_hours_is_refused_and_others_are_answered(client: httpx.Client) -> None:
    def ask(tokens: int, **format_: Any) -> httpx.Response:
        body = {"model": "plain", "prompt": "a film", "max_tokens": tokens, **format_}
        return client.post("/v1/completions", json=body)

    patterns = [{"type": "string", "pattern": f".*{sign}.*"} for sign in "abcdefghijklmnopqrstuvwxyz"]
    hours = {"type": "json_schema", "json_schema": {"name": "hours", "schema": {"allOf": patterns}}}
    with ThreadPoolExecutor(3) as clients:
        beside = clients.submit(ask, 400, logit_bias={"0": -100})
        fails = clients.submit(ask, 100, response_format={"type": "regex", "pattern": "(?:a?){500}a{500}"})
        slow = clients.submit(ask, 100, response_format=hours)
        assert beside.result().status_code == 200
        assert refused(fails.result())["code"] == "nothing_allowed"
        assert "seconds" in refused(slow.result())["message"]
    assert ask(4, response_format={"type": "json_object"}).status_code == 200


WRONG = b"[" + b",".join([b"1.5"] * 1_000_000) + b"]"
NAMES = b"{" + b",".join(b'"%06d":1' % number for number in range(300_000)) + b"}"


@pytest.mark.parametrize(
    ("route", "field", "value"),
    [
        ("completions", "prompt", WRONG),
        ("completions", "prompt", b"[" + WRONG + b"]"),
        ("completions", "prompt", b"[" + b",".join([b"[1.5]"] * 60_000) + b"]"),
        ("completions", "prompt", b'["a"' + b',"a"' * 900_000 + b"]"),
        ("completions", "prompt", b"[" + b",".join([b"[]"] * 1_000_000) + b"]"),
        ("completions", "stop", WRONG),
        ("completions", "logit_bias", NAMES),
        ("completions", "response_format", NAMES),
        ("chat/completions", "messages", WRONG),
        ("chat/completions", "messages", b'[{"role": "user", "content": ' + WRONG + b"}]"),
        ("chat/completions", "messages", b'[{"role": "user", "content": "a", "name": ' + NAMES + b"}]"),
        ("embeddings", "input", WRONG),
        ("tasks/classify", "input", WRONG),
        ("tasks/classify", "input", b'["a"' + b',"a"' * 900_000 + b"]"),
        ("tasks/classify", "part", NAMES),
        ("tasks/classify", "input", b'"a", ' + NAMES[1:-1]),
        ("tasks/answer", "question", b'["a"' + b',"a"' * 900_000 + b'], "context": "a"'),
        ("tasks/answer", "context", WRONG),
        ("tasks/chat", "messages", WRONG),
        ("tasks/chat", "messages", b"[" + b",".join([b"[1]"] * 60_000) + b"]"),
        ("tasks/chat", "messages", b'[{"role": "user", "content": "a", ' + NAMES[1:] + b"]"),
        ("tasks/recommend", "history", WRONG),
        ("tasks/recommend", "history", b"[" + b",".join([b"[1]"] * 60_000) + b"]"),
        ("explain", "input", WRONG),
    ],
)
def test_a_long_list_of_wrong_values_is_refused_while_the_server_answers_others(
    client: httpx.Client, server: Any, route: str, field: str, value: bytes
) -> None:
    body = b'{"model": "plain", "%s": %s}' % (field.encode(), value)
    assert len(body) < 4 << 20
    slowest, done = 0.0, threading.Event()

    def look() -> None:
        nonlocal slowest
        with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as other:
            while not done.is_set():
                began = time.monotonic()
                assert other.get("/healthz").status_code == 200
                slowest = max(slowest, time.monotonic() - began)
                time.sleep(0.02)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        began = time.monotonic()
        error = refused(post(client, f"/v1/{route}", body))
        took = time.monotonic() - began
    finally:
        done.set()
        looking.join()
    assert error["code"] != "body_too_large"
    assert took < 5
    assert slowest < 3
