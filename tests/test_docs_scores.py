"""The table of all scores says what the pages of the tasks say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
_LINK = re.compile(r"\[[^\]]+\]\(([^)#]+)")
_FIGURE = re.compile(r"(?<![\w@.-])\d[\d,]*(?:\.\d+)?%?(?: ± \d+\.\d+)?(?: \(\d[\d.]*–[\d.]+\))?")


def normal(text: str) -> str:
    """Returns a text with one kind of space and of brackets."""
    plain = text.replace("（", " (").replace("）", ")")
    return re.sub(r"\s+", " ", plain)


def rows(page: str) -> list[tuple[str, str]]:
    """Returns figures of the last columns of each row, and the page that has them."""
    found = []
    for line in (DOCS / page).read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and (link := _LINK.search(cells[-1])):
            found += [(figure, link.group(1)) for cell in cells[-3:-1] for figure in _FIGURE.findall(normal(cell))]
    return found


@pytest.mark.parametrize("page", ["scores.md", "scores.zh.md"])
def test_every_figure_stands_in_the_page_that_its_row_names(page: str) -> None:
    figures = rows(page)
    assert len(figures) > 30
    missing = [
        f"{figure}: {source}"
        for figure, source in figures
        if figure not in normal((DOCS / source).read_text(encoding="utf-8"))
    ]
    assert not missing


def test_both_languages_have_the_same_figures() -> None:
    english, chinese = ([figure for figure, _ in rows(page)] for page in ("scores.md", "scores.zh.md"))
    assert sorted(english) == sorted(chinese)
