"""Replicas on a real local Ray answer through the same routes as one server."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.serve.test_tls import make_certificate

from penjing.inference.generation import load_generator
from penjing.inference.sampling import SamplingSettings


def accounts(mark: str) -> list[dict[str, Any]]:
    """The lines about requests whose id begins with a mark, from where Ray keeps what replicas write."""
    logs = Path(os.environ.get("RAY_TMPDIR", "/tmp"), "ray").glob("session_2*/logs/worker-*.err")
    lines = [line for path in logs for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    return [json.loads(line) for line in lines if line.startswith("{") and mark in line]


@pytest.mark.slow
def test_two_replicas_answer_as_one_server_whole_and_streamed(start_server: Callable[..., Any], decoders: Path) -> None:
    pytest.importorskip("ray")
    pytest.importorskip("grpc")
    server = start_server(f"plain={decoders / 'plain'}", "--engine", "ray", "--replicas", 2, "--weights", "fp32")
    generator = load_generator(decoders / "plain", "cpu")
    words = ("a", "lovely", "film", "dull", "plot", "scene", "warm", "精彩")
    expected = {word: generator.generate(word, SamplingSettings(16, temperature=0)).text for word in words}

    mark = secrets.token_hex(8)

    def ask(word: str) -> str:
        body = {"model": "plain", "prompt": word, "max_tokens": 16, "temperature": 0}
        headers = {"X-Request-Id": f"{mark}-{words.index(word)}"}
        reply = httpx.post(f"{server.url}/v1/completions", json=body, headers=headers, timeout=120, trust_env=False)
        assert reply.status_code == 200, reply.text
        text: str = reply.json()["choices"][0]["text"]
        return text

    with ThreadPoolExecutor(8) as threads:
        assert dict(zip(words, threads.map(ask, words), strict=True)) == expected
    told = accounts(mark)
    assert sorted(line["id"] for line in told) == [f"{mark}-{number}" for number in range(len(words))]
    assert {(line["route"], line["status"], line["model"]) for line in told} == {("/v1/completions", 200, "plain")}
    body = {"model": "plain", "prompt": "film", "max_tokens": 16, "temperature": 0, "stream": True}
    reply = httpx.post(f"{server.url}/v1/completions", json=body, timeout=120, trust_env=False)
    assert reply.text.endswith("data: [DONE]\n\n")
    refused = httpx.post(f"{server.url}/v1/completions", json={"model": "x"}, timeout=60, trust_env=False)
    assert refused.status_code == 404 or refused.status_code == 400
    assert httpx.get(f"{server.url}/readyz", timeout=60, trust_env=False).json()["status"] == "ready"
    assert server.stop(120) == 0


@pytest.mark.slow
def test_replicas_speak_https(start_server: Callable[..., Any], decoders: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    pytest.importorskip("grpc")
    chain, key = make_certificate(tmp_path, "replicas")
    server = start_server(f"plain={decoders / 'plain'}", "--engine", "ray", "--tls-cert", chain, "--tls-key", key)
    assert server.url.startswith("https://127.0.0.1:")
    trusting = ssl.create_default_context(cafile=str(chain))
    with httpx.Client(verify=trusting, timeout=60, trust_env=False) as client:
        assert [model["id"] for model in client.get(f"{server.url}/v1/models").json()["data"]] == ["plain"]
        body = {"model": "plain", "prompt": "film", "max_tokens": 4, "stream": True}
        assert client.post(f"{server.url}/v1/completions", json=body).text.endswith("data: [DONE]\n\n")
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"{server.url}/v1/models", timeout=60, trust_env=False)
    assert server.stop(120) == 0


@pytest.mark.slow
def test_replicas_that_cannot_start_are_an_error_with_its_cause(decoders: Path) -> None:
    pytest.importorskip("ray")
    pytest.importorskip("grpc")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [
            sys.executable,
            "-m",
            "penjing",
            "serve",
            str(decoders / "plain"),
            "--engine",
            "ray",
            "--port",
            str(port),
        ]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 1
    assert re.fullmatch(rf"penjing: --engine ray: Ray could not start the replicas \(.*{port}.*\n", ended.stderr)


def test_a_model_that_cannot_run_ahead_is_refused_before_ray_is_started(decoders: Path) -> None:
    pytest.importorskip("ray")
    pytest.importorskip("grpc")
    command = [sys.executable, "-m", "penjing", "serve", str(decoders / "talker"), "--engine", "ray"]
    draft = ["--draft", str(decoders / "lstm")]
    ended = subprocess.run([*command, *draft], capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 2
    assert ended.stderr.startswith("penjing: --draft: ")
    assert "no decoder of the Llama family" in ended.stderr
