"""``penjing words`` on real files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest


def write_texts(path: Path) -> None:
    lines = [f"The {('cat', 'dog')[n % 2]} sleeps in the barn and eats grass from the field {n}." for n in range(200)]
    lines += [f"这家{('酒店', '宾馆')[n % 2]}的房间很干净，早餐也不错。" for n in range(200)]
    path.write_bytes("\n".join(lines).encode("gb18030"))


def test_neighbors_are_listed_and_the_page_holds_a_map(cli: Any, tmp_path: Path) -> None:
    pytest.importorskip("gensim")
    pytest.importorskip("rjieba")
    write_texts(tmp_path / "texts.txt")
    asked = ("words", "texts.txt", "--near", "Cat", "--near", "酒店", "--size", "16", "--most", "1", "--epochs", "40")
    done = cli.run(*asked, "--json", cwd=tmp_path)
    assert done.code == 0, done.err
    near = {word: [item["word"] for item in items] for word, items in json.loads(done.out)["near"].items()}
    assert near == {"Cat": ["dog"], "酒店": ["宾馆"]}
    for language, words in (("en", "A map of the most frequent words"), ("zh", "最常见的词的地图")):
        shown = cli.run(*asked, "--html", f"{language}.html", "--lang", language, cwd=tmp_path)
        assert shown.code == 0, shown.err
        page = (tmp_path / f"{language}.html").read_text(encoding="utf-8")
        assert words in page
        drawn, covered = len(re.findall(r'<text class="word', page)), len(re.findall(r'<circle class="dot', page))
        assert drawn + covered == 15  # where words lie, and so which would cover another, depends on the processor
        assert drawn > 1
        assert "://" not in page


def test_word_that_is_too_rare_is_refused(cli: Any, tmp_path: Path) -> None:
    pytest.importorskip("gensim")
    write_texts(tmp_path / "texts.txt")
    done = cli.run("words", "texts.txt", "--near", "elephant", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert 'the word "elephant" does not occur 5 times' in done.err
    assert cli.run("words", "nowhere.txt", cwd=tmp_path).code == 2
