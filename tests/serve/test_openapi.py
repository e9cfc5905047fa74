"""The OpenAPI document says what the server does: schemathesis makes requests of it, right and wrong, and compares."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("schemathesis")

# A request that the document allows may be refused: it cannot say which models there are and what each can do.
_LEFT_OUT = "positive_data_acceptance"


def run_schemathesis(server: Any, folder: Path, examples: int, *more: str) -> subprocess.CompletedProcess[str]:
    command = shutil.which("schemathesis", path=str(Path(sys.executable).parent)) or "schemathesis"
    options = ["--exclude-checks", _LEFT_OUT, "--max-examples", str(examples), "--seed", "1", "--no-color"]
    options += ["--phases", "examples,coverage,fuzzing", "--request-timeout", "60", "--suppress-health-check", "all"]
    arguments = [command, "run", f"{server.url}/openapi.json", *options, *more]
    return subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=900, cwd=folder)


def test_every_answer_is_one_that_the_document_has(server: Any, tmp_path: Path) -> None:
    result = run_schemathesis(server, tmp_path, 5, "--include-path-regex", "completions|embeddings|models|z$")
    assert result.returncode == 0, result.stdout[-6000:]
    assert not [line for line in server.accounts() if line["status"] >= 500]


def test_every_answer_of_a_task_that_writes_is_one_that_the_document_has(
    start_server: Callable[..., Any], finetuned: Callable[..., Path], tmp_path: Path
) -> None:
    server = start_server(f"writer={finetuned('generate')}", f"helper={finetuned('chat')}")
    result = run_schemathesis(server, tmp_path, 5, "--include-path-regex", "tasks/(generate|chat|translate)")
    assert result.returncode == 0, result.stdout[-6000:]
    assert not [line for line in server.accounts() if line["status"] >= 500]


@pytest.mark.slow
def test_every_answer_to_many_requests_is_one_that_the_document_has(server: Any, tmp_path: Path) -> None:
    result = run_schemathesis(server, tmp_path, 200)
    assert result.returncode == 0, result.stdout[-6000:]
