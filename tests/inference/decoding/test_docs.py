"""The page about the engine runs as written."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_python_of_the_engine_page_runs(
    writing_start: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pages = [(DOCS / name).read_text(encoding="utf-8") for name in ("engine.md", "engine.zh.md")]
    english, chinese = (re.findall(r"```python\n(.*?)```", page, re.DOTALL) for page in pages)
    assert english == chinese
    (tmp_path / "model").symlink_to(writing_start("llama"))
    monkeypatch.chdir(tmp_path)
    exec(compile(english[0], "engine.md", "exec"), {})
    assert len(capsys.readouterr().out.splitlines()) == 2
