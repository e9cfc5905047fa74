"""Extras that documentation and messages name are extras of the package."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator

import pytest
from tests.documents import READMES, ROOT

_OF_DEVELOPERS = {"dev", "bench", "bench-litgpt", "bench-datatrove"}
_INSTALLED = re.compile(r"(?:penjing|\.)\[([a-z][a-z,-]*)\]")
_NAMED = re.compile(r"(?:\bextras? |附加包 ?)`([a-z-]+)`")


def _extras() -> set[str]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return set(tomllib.load(file)["project"]["optional-dependencies"])


def _named(text: str) -> set[str]:
    return {name for names in _INSTALLED.findall(text) for name in names.split(",")} | set(_NAMED.findall(text))


def _missing_extras() -> Iterator[str]:
    """Yields the extra of every MissingExtraError that is raised with a literal."""
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "MissingExtraError":
                extra = node.args[1]
                if isinstance(extra, ast.Constant):
                    yield str(extra.value)


def test_extras_that_the_documentation_names_exist() -> None:
    pages = [ROOT / readme for readme in READMES] + sorted((ROOT / "docs").glob("*.md"))
    unknown = {page.name: _named(page.read_text(encoding="utf-8")) - _extras() for page in pages}
    assert {name: extras for name, extras in unknown.items() if extras} == {}


def test_extras_that_messages_name_exist() -> None:
    sources = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "src").rglob("*.py"))]
    assert {name for text in sources for name in _named(text)} - _extras() == set()
    raised = set(_missing_extras())
    assert {"zh", "serve", "export-gguf"} <= raised
    assert raised - _extras() == set()


@pytest.mark.parametrize("readme", READMES)
def test_a_readme_says_what_every_extra_for_users_is_for(readme: str) -> None:
    table = re.findall(r"^\| [^|`]*(?:`[^`]+`[^|`]*)?\| ((?:`[a-z-]+`(?:, |、)?)+) \|$", _read(readme), re.MULTILINE)
    assert set(re.findall(r"`([a-z-]+)`", "".join(table))) == _extras() - _OF_DEVELOPERS


def _read(readme: str) -> str:
    return (ROOT / readme).read_text(encoding="utf-8")
