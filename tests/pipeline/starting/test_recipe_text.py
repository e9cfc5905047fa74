"""A recipe that is written is read as it was meant, whatever its columns and files are called."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from penjing.errors import PenjingError
from penjing.pipeline.starting.recipe_text import write_recipe


def test_what_is_written_is_read_again_as_the_same() -> None:
    part = {"task": "classify", "template": "{text}", "data": {"path": "a.csv", "text": 'a "b"\n\x7f\u2028'}}
    document: dict[str, Any] = {"name": "评论", "parts": {"评论": part, "a b": part}, "finetune": {"epochs": 1e-05}}
    text = write_recipe(document, ["one\nname = 1   two", "\r\x0b\x1b[2J\u2028name = 2"], "zh")
    assert tomllib.loads(text) == document
    assert text.splitlines()[:2] == ["# one\\nname = 1   two", "# \\r\\x0b\\x1b[2J\\u2028name = 2"]


def test_what_would_be_read_as_another_recipe_is_not_written() -> None:
    with pytest.raises(PenjingError, match="read as it was meant"):
        write_recipe({"name": "a", "data": {"path": None}}, [], "en")
