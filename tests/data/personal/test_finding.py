"""Personal data is found, and what only looks like it is not: precision and recall on texts that we wrote."""

from __future__ import annotations

import re
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penjing.data.personal import find_personal, load_detectors
from penjing.data.personal.finding import needs_models
from penjing.errors import MissingExtraError, UsageError
from penjing.registry import registered_names

pytest.importorskip("phonenumbers")
pytest.importorskip("stdnum")
KINDS = ["secret", "iban", "cn_resident", "card", "us_ssn", "tax", "passport", "email", "network", "phone"]
REGIONS = ("US", "CN")
_MARKED = re.compile(r"\[\[(\w+)\|(.+?)\]\]")


def read_cases() -> list[tuple[str, set[tuple[str, str]]]]:
    """Returns texts, each with the kinds and values that are in it."""
    lines = (Path(__file__).parent / "cases.txt").read_text(encoding="utf-8").splitlines()
    marked = [line for line in lines if not line.startswith("#")]
    return [(_MARKED.sub(r"\2", line), set(_MARKED.findall(line))) for line in marked]


def test_precision_and_recall_in_both_languages() -> None:
    detectors = load_detectors(KINDS)
    counts: dict[str, Counter[str]] = {"English": Counter(), "Chinese": Counter()}
    wrong = []
    for text, expected in read_cases():
        found = {(item.kind, text[item.start : item.end]) for item in find_personal(text, detectors, REGIONS)}
        language = "Chinese" if re.search("[一-鿿]", text) else "English"
        counts[language].update(right=len(found & expected), extra=len(found - expected), missed=len(expected - found))
        wrong += [(text, found ^ expected)] if found != expected else []
    for language, count in counts.items():
        assert count["right"] >= 12, language
        assert (count["extra"], count["missed"]) == (0, 0), wrong


def test_every_registered_kind_is_in_the_cases() -> None:
    assert {kind for kind in registered_names("personal") if not needs_models(kind)} == set(KINDS)
    assert {kind for _, expected in read_cases() for kind, _ in expected} == set(KINDS)


def test_of_two_claims_the_earlier_detectors_counts() -> None:
    detectors = load_detectors(KINDS)
    [finding] = find_personal("Card 4111 1111 1111 1111", detectors, REGIONS)
    assert (finding.kind, finding.value, finding.start, finding.end) == ("card", "4111111111111111", 5, 24)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("phone", "call +86 138 0013 8000", "电话13800138000"),
        ("email", "Anna@Example.org", "anna@example.org."),
        ("iban", "DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("network", "2001:DB8::1", "at 2001:db8:0:0:0:0:0:1"),
    ],
)
def test_a_value_is_the_same_however_it_is_written(kind: str, one: str, other: str) -> None:
    detectors = load_detectors([kind])
    [first], [second] = (find_personal(text, detectors, ("CN",)) for text in (one, other))
    assert first.value == second.value


def test_with_a_plus_numbers_of_all_countries_are_found_whatever_the_regions() -> None:
    detectors = load_detectors(["phone"])
    for regions in ((), ("CN",)):
        assert [item.value for item in find_personal("at +44 20 7946 0958", detectors, regions)] == ["+442079460958"]
    with pytest.raises(UsageError, match="no region us, XX"):
        find_personal("1234567", detectors, ("us", "XX", "CN"))


def test_many_findings_take_no_longer_each() -> None:
    text = "a@example.com " * 20_000
    assert len(find_personal(text, load_detectors(["email"]), ())) == 20_000


@settings(max_examples=200)
@given(st.text(alphabet=st.sampled_from("0123456789 -.:@abcXEF+()/电话号\n"), max_size=80))
def test_findings_are_in_order_and_none_is_inside_of_another(text: str) -> None:
    findings = find_personal(text, load_detectors(KINDS), REGIONS)
    assert all(one.end <= other.start for one, other in pairwise(findings))
    assert all(0 <= item.start < item.end <= len(text) and item.value for item in findings)


def test_an_unknown_kind_and_a_missing_package_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r'Did you mean "email"'):
        load_detectors(["emails"])
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    with pytest.raises(MissingExtraError, match=r"phonenumbers.*penjing\[privacy\]"):
        load_detectors(["phone"])
