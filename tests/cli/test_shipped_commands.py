"""The commands in the comments of shipped recipes are commands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from penjing.cli.main import app
from penjing.pipeline.recipe_file import load_recipe, shipped_recipes


def comments(recipe: str) -> str:
    lines = shipped_recipes()[recipe].read_text(encoding="utf-8").splitlines()
    text = "\n".join(line.removeprefix("#").strip() for line in lines if line.startswith("#"))
    return text.replace("\\\n", " ")


@pytest.mark.parametrize("recipe", shipped_recipes())
def test_commands_in_comments_are_understood(recipe: str) -> None:
    text = comments(recipe)
    assert not re.search(r"--set\s+\S+=\S+\s+\w+\.\w+=", text), "--set takes one setting"
    command = typer.main.get_command(app)
    for line in re.findall(r"\bpenjing ([^`\n]+)", text):
        arguments = shlex.split(line)
        with command.make_context("penjing", [*arguments]) as context:
            name, called, rest = command.resolve_command(context, arguments)  # type: ignore[attr-defined]
            asked = called.make_context(name, rest, parent=context).params
        if asked.get("overrides"):
            load_recipe(Path(recipe), asked["overrides"])
