from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("fastapi")


def test_a_model_that_was_unloaded_holds_nothing(start_server: Callable[..., Any], decoders: Path) -> None:
    server = start_server(f"talker={decoders / 'talker'}", "--weights", "fp32", "--unload-after", 2)
    with httpx.Client(base_url=server.url, timeout=120, trust_env=False) as client:

        def blocks() -> str | None:
            found = re.search(r'\npenjing_engine_blocks\{model="talker"\} (\S+)\n', client.get("/metrics").text)
            return None if found is None else found[1]

        assert blocks() is None
        assert client.post("/v1/completions", json={"model": "talker", "prompt": "a film"}).status_code == 200
        assert float(blocks() or 0) > 0
        ends = time.monotonic() + 60
        while client.get("/readyz").json()["models"]["talker"]:
            assert time.monotonic() < ends
            time.sleep(0.1)
        assert blocks() == "0.0"
