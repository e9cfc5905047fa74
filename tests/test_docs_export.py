"""What docs/export.md shows works as shown."""

from __future__ import annotations

import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.documents import blocks, call, fill


def test_exports_of_the_docs_are_made_and_proved(tmp_path: Path) -> None:
    for package in ("gguf", "onnxscript", "onnxruntime"):
        if find_spec(package) is None:  # onnxruntime, imported here, would call its maker
            pytest.skip(f"{package} is not installed")
    pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed: it takes minutes to build")
    fill(tmp_path)
    (commands,) = blocks("docs/export.md", "sh")
    assert [commands] == blocks("docs/export.zh.md", "sh")
    for name in ("from-bert", "own-words"):
        call(tmp_path, "run", f"{name}.toml")
    printed = [call(tmp_path, *shlex.split(line)[1:]) for line in commands.splitlines()]
    assert sum("1,000 of 1,000 texts are the same" in text for text in printed) == 5
    assert "accuracy: " in printed[0]
    assert "bits_per_byte: " in printed[3]
