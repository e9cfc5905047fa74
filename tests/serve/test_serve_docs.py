"""What docs/serve.md shows is done as it says, and its Chinese twin shows the same."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")

from penjing.serve.app import build_app
from penjing.serve.body import _MOST_HELD
from penjing.serve.bounds import _MOST_FIELDS, MOST_ROWS, MOST_TOKENS
from penjing.serve.pool import ModelPool
from penjing.serve.settings import Limits, ServeSettings

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("serve.md", "serve.zh.md", "serve-page.md", "serve-page.zh.md")


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_both_languages_show_the_same_examples() -> None:
    for language in ("sh", "python"):
        assert blocks("serve.md", language) == blocks("serve.zh.md", language)


def test_every_option_that_the_docs_name_is_there() -> None:
    command = [sys.executable, "-m", "penjing", "serve", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "200"})
    for page in ("serve.md", "serve.zh.md"):
        named = set(re.findall(r"--[a-z][a-z-]+", (ROOT / "docs" / page).read_text(encoding="utf-8"))) - {"--name"}
        assert {option for option in named if option not in shown.stdout} == set()


def test_every_route_that_docs_and_descriptions_name_is_there(decoders: Path) -> None:
    settings = ServeSettings({"plain": decoders / "plain"})
    document = build_app(ModelPool(settings), settings).openapi()
    texts = [json.dumps(document["components"])]
    texts += [(ROOT / "docs" / page).read_text(encoding="utf-8") for page in PAGES]
    named = set(re.findall(r"/v1/[a-z_]+(?:/[a-z_]+)*", "\n".join(texts)))
    assert "/v1/tasks/generate" in named
    assert {name for name in named if not any(path.startswith(name) for path in document["paths"])} == set()


@pytest.mark.parametrize("page", ["serve.md", "serve.zh.md"])
def test_every_bound_of_a_request_is_in_the_docs(page: str) -> None:
    text, limits = (ROOT / "docs" / page).read_text(encoding="utf-8"), Limits()
    of_limits = (limits.rows, limits.choices, limits.json_depth, limits.output_tokens, limits.read_tokens)
    of_all = (*of_limits, limits.at_once, limits.connections, MOST_ROWS, MOST_TOKENS, _MOST_FIELDS, _MOST_HELD)
    missing = [bound for bound in of_all if not re.search(rf"(?<![\d,]){bound:,}(?!,?\d)", text)]
    assert not missing
    for option in ("--max-body", "--max-prompt", "--max-read", "--max-output"):
        assert f"`{option}`" in text


def test_a_server_of_the_docs_answers_as_they_say(
    start_server: Callable[..., Any],
    decoders: Path,
    small_run: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    curl: Callable[..., subprocess.CompletedProcess[bytes]],
) -> None:
    pytest.importorskip("openai")
    serve, asked, keys = blocks("serve.md", "sh")
    assert shlex.split(serve)[:2] == ["penjing", "serve"]
    (tmp_path / "runs/helpdesk").mkdir(parents=True)
    (tmp_path / "runs/reviews").mkdir()
    (tmp_path / "runs/helpdesk/model").symlink_to(decoders / "talker")
    (tmp_path / "runs/reviews/model").symlink_to(small_run.model)
    models = [word.replace("runs/", f"{tmp_path}/runs/") for word in shlex.split(serve)[2:4]]
    server = start_server(*models)
    (code,) = blocks("serve.md", "python")
    exec(compile(code.replace("http://127.0.0.1:8000", server.url), "docs/serve.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) >= 1
    done = curl(*shlex.split(asked.replace("http://127.0.0.1:8000", server.url))[1:])
    assert json.loads(done.stdout)["results"][0]["label"] in ("positive", "negative")
    for line in keys.splitlines():
        command = [sys.executable, "-m", *shlex.split(line)]
        assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    assert json.loads((tmp_path / "keys.json").read_text(encoding="utf-8")) == {"keys": []}


def test_curl_streams_events_one_by_one(server: Any, curl: Callable[..., subprocess.CompletedProcess[bytes]]) -> None:
    body = {"model": "talker", "messages": [{"role": "user", "content": "a film"}], "stream": True, "max_tokens": 5}
    headers = ("-H", "Content-Type: application/json", "--no-buffer", "-i")
    done = curl(f"{server.url}/v1/chat/completions", *headers, "-d", json.dumps(body))
    head, _, events = done.stdout.decode().partition("\r\n\r\n")
    assert "200 OK" in head
    assert "text/event-stream" in head
    lines = [line.removeprefix("data: ") for line in events.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    assert [json.loads(line)["object"] for line in lines[:-1]] == ["chat.completion.chunk"] * (len(lines) - 1)


def test_curl_hears_in_time_that_its_large_body_is_refused(
    server: Any, curl: Callable[..., subprocess.CompletedProcess[bytes]], tmp_path: Path
) -> None:
    (tmp_path / "body.json").write_text(json.dumps({"model": "plain", "prompt": "film " * 2_000_000}), "utf-8")
    headers = ("-H", "Content-Type: application/json", "-w", "%{http_code}")  # curl first asks whether it may (100)
    done = curl(f"{server.url}/v1/completions", *headers, "--data-binary", f"@{tmp_path}/body.json")
    assert done.stdout.endswith(b"413")
