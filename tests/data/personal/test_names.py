"""Names and addresses in sentences that we wrote: what a model and the rules find together, and what is none.

`benchmarks/names.py` measures more on the same sentences, and models that are not installed here.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from penjing.data.personal import find_personal, load_detectors
from penjing.data.personal.entities import EntityReader

_MARKED = re.compile(r"\[\[(\w+)\|(.+?)\]\]", re.DOTALL)


def read_sentences(language: str) -> list[tuple[str, set[tuple[str, str]]]]:
    """Returns sentences, each with the kinds and texts that are marked in it."""
    text = (Path(__file__).parent / f"names.{language}.txt").read_text(encoding="utf-8")
    lines = [line.replace("⏎", "\n") for line in text.splitlines() if not line.startswith("#")]
    return [(_MARKED.sub(r"\2", line), set(_MARKED.findall(line))) for line in lines]


def count(language: str, reader: EntityReader | None, kind: str) -> Counter[str]:
    """Returns how many pieces of a kind are found rightly, found wrongly, and missed."""
    detectors, counts = load_detectors([kind]), Counter[str]()
    for text, marked in read_sentences(language):
        entities = () if reader is None else reader.read([text])[0]
        found = {(item.kind, text[item.start : item.end]) for item in find_personal(text, detectors, (), entities)}
        expected = {item for item in marked if item[0] == kind}
        counts.update(right=len(found & expected), extra=len(found - expected), missed=len(expected - found))
    return counts


def test_chinese_names_are_found_by_jieba() -> None:
    pytest.importorskip("rjieba")
    counts = count("zh", EntityReader({"zh": "rjieba"}), "person")
    assert counts["right"] >= 44
    assert counts["extra"] <= 3


@pytest.mark.parametrize(("language", "fewest"), [("en", 22), ("zh", 20)])
def test_addresses_are_found_by_rules_alone_and_cities_are_none(language: str, fewest: int) -> None:
    counts = count(language, None, "address")
    assert counts["right"] >= fewest
    assert counts["extra"] <= counts["missed"]  # what is found wrongly has another border than an address
