"""Pages of the documentation: each has its twin, and says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.documents import ROOT

from penjing.tasks.sentiment import SENTIMENT

DOCS = ROOT / "docs"
PAGES = sorted(path.name for path in DOCS.glob("*.md"))
TWINS = [(name, name.replace(".md", ".zh.md")) for name in PAGES if (DOCS / name.replace(".md", ".zh.md")).exists()]
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def _anchors(page: Path) -> set[str]:
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    return {_anchor(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


@pytest.mark.parametrize(("english", "chinese"), TWINS)
def test_a_page_links_to_itself_in_the_other_language(english: str, chinese: str) -> None:
    assert f"[中文]({chinese})" in (DOCS / english).read_text(encoding="utf-8")
    assert f"[English]({english})" in (DOCS / chinese).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_links_of_a_page_lead_to_files_and_headings(name: str) -> None:
    text = _FENCED.sub("", (DOCS / name).read_text(encoding="utf-8"))
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    for link in links:
        file, _, heading = link.partition("#")
        target = DOCS / file if file else DOCS / name
        assert target.exists(), link
        assert not heading or heading in _anchors(target), link


def test_the_page_on_labels_lists_every_spelling_that_sentiment_knows() -> None:
    assert SENTIMENT.label_names is not None
    for page, words in (("classify.md", ("negative", "positive")), ("classify.zh.md", ("负面", "正面"))):
        text = (DOCS / page).read_text(encoding="utf-8")
        listed = {}
        for label, word in zip(("negative", "positive"), words, strict=True):
            (row,) = re.findall(rf"^\| {word} \| (.+) \|$", text, re.MULTILINE)
            listed |= dict.fromkeys(re.findall(r"`([^`]+)`", row), label)
        assert listed == SENTIMENT.label_names


@pytest.mark.parametrize("index", ["README.md", "README.zh.md"])
def test_the_index_names_every_page(index: str) -> None:
    text = (DOCS / index).read_text(encoding="utf-8")
    is_chinese = index == "README.zh.md"
    wanted = {name for name in PAGES if name.endswith(".zh.md") is is_chinese} | {"recipe.md"}
    assert set(re.findall(r"\]\(([\w.-]+\.md)\)", text)) == (wanted | {"README.md", "README.zh.md"}) - {index}


def test_an_extra_has_one_name_in_chinese() -> None:
    pages = [DOCS / name for name in PAGES if name.endswith(".zh.md")]
    pages += [*(ROOT / "src").rglob("*chinese*.py"), ROOT / "README.zh.md"]
    assert [page.name for page in pages if "附加组件" in page.read_text(encoding="utf-8")] == []
