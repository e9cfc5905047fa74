"""Who may call a server: whoever has a key; where there are no keys, programs of this machine and no strange page."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from penjing.cli.main import app


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys") / "keys.json"


@pytest.fixture(scope="module")
def key(keys: Path) -> str:
    made = json.loads(run("serve", "key", "create", "--keys", str(keys), "--name", "Anna", "--json"))
    return str(made["key"])


@pytest.fixture(scope="module")
def locked(start_server: Callable[..., Any], keys: Path, key: str, decoders: Path) -> Any:
    return start_server(f"talker={decoders / 'talker'}", "--keys", keys, "--cors", "https://shop.example")


def get(url: str, headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.get(url, headers=headers or {}, timeout=30, trust_env=False)


@pytest.mark.parametrize(
    "path", ["/v1/models", "/v1/models/talker", "/v1/completions", "/metrics", "/v1/nothing", "/x"]
)
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer sk-wrong"},
        {"Authorization": "Bearer pj-000000000000-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
        {"Authorization": "Basic QTpC"},
        {"X-Api-Key": "KEY"},
    ],
)
def test_without_the_right_key_nothing_is_told(locked: Any, path: str, given: dict[str, str]) -> None:
    reply = get(f"{locked.url}{path}", given)
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"] == "Bearer"
    assert reply.json()["error"]["code"] in ("missing_api_key", "invalid_api_key")
    assert "talker" not in reply.text


def test_with_a_key_everything_is_open_and_health_is_without(locked: Any, key: str) -> None:
    for _ in range(3):
        assert get(f"{locked.url}/v1/models", {"Authorization": f"Bearer {key}"}).status_code == 200
        assert get(f"{locked.url}/metrics", {"authorization": f"bearer {key}"}).status_code == 200
    assert get(f"{locked.url}/healthz").status_code == 200
    assert get(f"{locked.url}/readyz").status_code == 200
    assert get(f"{locked.url}/").status_code == 200


@pytest.mark.parametrize("given", [{}, {"Authorization": "Bearer sk-wrong"}])
def test_who_has_no_key_hears_that_the_server_is_ready_and_what_its_routes_are_and_no_name(
    locked: Any, key: str, given: dict[str, str]
) -> None:
    known = {"Authorization": f"Bearer {key}"}
    ready = get(f"{locked.url}/readyz", given)
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    assert list(get(f"{locked.url}/readyz", known).json()["models"]) == ["talker"]
    document = get(f"{locked.url}/openapi.json", given)
    assert document.status_code == 200
    assert "/v1/chat/completions" in document.json()["paths"]
    assert "talker" not in document.text
    bodies = get(f"{locked.url}/openapi.json", known).json()["components"]["schemas"]
    assert bodies["CompletionBody"]["properties"]["model"]["enum"] == ["talker"]


def test_without_keys_a_page_that_makes_a_name_point_here_hears_no_name(server: Any) -> None:
    for path in ("/readyz", "/openapi.json"):
        assert "talker" in get(f"{server.url}{path}").text
        reply = get(f"{server.url}{path}", {"Host": "evil.example"})
        assert reply.status_code == 200
        assert "talker" not in reply.text


def test_the_log_names_the_key_by_its_id_and_never_holds_it(locked: Any, key: str) -> None:
    request_id = "who-was-it"
    get(f"{locked.url}/v1/models", {"Authorization": f"Bearer {key}", "X-Request-Id": request_id})
    assert locked.account(request_id)["client"] == key.split("-")[1]
    assert not any(key.split("-", 2)[2] in line for line in locked.log)


def test_a_key_made_and_revoked_while_the_server_runs_counts(locked: Any, keys: Path, key: str) -> None:
    made = json.loads(run("serve", "key", "create", "--keys", str(keys), "--name", "Ben", "--json"))
    header = {"Authorization": f"Bearer {made['key']}"}
    time.sleep(1.1)
    assert get(f"{locked.url}/v1/models", header).status_code == 200
    assert {entry["name"] for entry in json.loads(run("serve", "key", "list", "--keys", str(keys), "--json"))} == {
        "Anna",
        "Ben",
    }
    run("serve", "key", "revoke", made["id"], "--keys", str(keys))
    time.sleep(1.1)
    assert get(f"{locked.url}/v1/models", header).status_code == 401
    assert get(f"{locked.url}/v1/models", {"Authorization": f"Bearer {key}"}).status_code == 200


def test_only_the_named_page_may_call_from_a_browser(locked: Any, key: str) -> None:
    sent = "authorization,content-type,x-stainless-arch,x-stainless-retry-count"  # as OpenAI's client for JavaScript
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": sent}

    def preflight(origin: str) -> httpx.Response:
        return httpx.options(f"{locked.url}/v1/completions", headers={"Origin": origin, **asked}, trust_env=False)

    allowed = preflight("https://shop.example")
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "https://shop.example")
    assert sent in allowed.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in allowed.headers
    assert "access-control-allow-origin" not in preflight("https://evil.example").headers
    refused = get(f"{locked.url}/v1/models", {"Origin": "https://shop.example"})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "https://shop.example")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "[::1]:1"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": "[::1"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_without_keys_no_page_from_elsewhere_gets_in(server: Any, headers: dict[str, str], status: int) -> None:
    assert get(f"{server.url}/v1/models", headers).status_code == status


def test_without_keys_a_page_gets_no_leave_to_call(server: Any) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    reply = httpx.options(f"{server.url}/v1/completions", headers=asked, trust_env=False)
    assert reply.status_code >= 400
    assert "access-control-allow-origin" not in reply.headers


def test_the_own_page_may_call(server: Any) -> None:
    assert get(f"{server.url}/v1/models", {"Origin": server.url}).status_code == 200
