"""Paragraphs: what came before is cut out, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.data.paragraphs import ParagraphFinder

FOOTER = "Copyright 2026 by the publisher. All rights reserved worldwide."


def cut(folder: Path, texts: list[str]) -> list[tuple[str, list[str]]]:
    finder = ParagraphFinder(folder)
    for start in range(0, len(texts), 3):
        finder.add(texts[start : start + 3])
    finder.find()
    return [finder.cut(text) for text in texts]


def test_paragraph_of_an_earlier_text_is_cut_and_short_ones_stay(tmp_path: Path) -> None:
    again = FOOTER.upper().replace(".", " !")
    chinese = "本网站内容版权归出版社所有，未经许可不得转载使用。"
    texts = [
        f"One.\n\n{FOOTER}\nThe end",
        f"Two.\n\n{again}\n\nmore",
        f"{chinese}\nThree.\n\n{FOOTER}",
        FOOTER,
        f"Two.\n{chinese}",
    ]
    assert cut(tmp_path, texts) == [
        (texts[0], []),
        ("Two.\n\nmore", [again]),
        (f"{chinese}\nThree.", [FOOTER]),
        ("", [FOOTER]),
        ("Two.", [chinese]),
    ]


@given(st.lists(st.lists(st.sampled_from([letter * 45 for letter in "abcd"] + ["short"]), min_size=1), min_size=1))
def test_every_long_paragraph_is_left_once(tmp_path_factory: pytest.TempPathFactory, parts: list[list[str]]) -> None:
    found = cut(tmp_path_factory.mktemp("paragraphs"), ["\n".join(lines) for lines in parts])
    long = [line for text, _ in found for line in text.split("\n") if len(line) == 45]
    assert sorted(long) == sorted({line for lines in parts for line in lines if len(line) == 45})
    assert sum(text.count("short") for text, _ in found) == sum(lines.count("short") for lines in parts)


def test_cutting_before_all_was_added_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="find comes first"):
        ParagraphFinder(tmp_path).cut("text")
