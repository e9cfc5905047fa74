"""Replicas on a real local Ray answer through the same routes as one server."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from penjing.inference.generation import load_generator
from penjing.inference.sampling import SamplingSettings


@pytest.mark.slow
def test_two_replicas_answer_as_one_server_whole_and_streamed(start_server: Callable[..., Any], decoders: Path) -> None:
    pytest.importorskip("ray")
    pytest.importorskip("grpc")
    server = start_server(f"plain={decoders / 'plain'}", "--engine", "ray", "--replicas", 2, "--weights", "fp32")
    generator = load_generator(decoders / "plain", "cpu")
    words = ("a", "lovely", "film", "dull", "plot", "scene", "warm", "精彩")
    expected = {word: generator.generate(word, SamplingSettings(16, temperature=0)).text for word in words}

    def ask(word: str) -> str:
        body = {"model": "plain", "prompt": word, "max_tokens": 16, "temperature": 0}
        reply = httpx.post(f"{server.url}/v1/completions", json=body, timeout=120, trust_env=False)
        assert reply.status_code == 200, reply.text
        text: str = reply.json()["choices"][0]["text"]
        return text

    with ThreadPoolExecutor(8) as threads:
        assert dict(zip(words, threads.map(ask, words), strict=True)) == expected
    body = {"model": "plain", "prompt": "film", "max_tokens": 16, "temperature": 0, "stream": True}
    reply = httpx.post(f"{server.url}/v1/completions", json=body, timeout=120, trust_env=False)
    assert reply.text.endswith("data: [DONE]\n\n")
    refused = httpx.post(f"{server.url}/v1/completions", json={"model": "x"}, timeout=60, trust_env=False)
    assert refused.status_code == 404 or refused.status_code == 400
    assert httpx.get(f"{server.url}/readyz", timeout=60, trust_env=False).json()["status"] == "ready"
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
