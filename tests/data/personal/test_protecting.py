"""Protected texts: placeholders tell the kind, surrogates the same person, and nobody can go back."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from penjing.data.personal import Finding, mask, replace_by_surrogates
from penjing.data.personal.addresses import find_emails

TEXT = "From a@example.com to B@example.com, and again A@example.com."


def emails(text: str) -> list[Finding]:
    return [Finding("email", *span) for span in find_emails(text, ())]


def test_a_placeholder_tells_the_kind() -> None:
    assert mask(TEXT, emails(TEXT)) == "From <EMAIL> to <EMAIL>, and again <EMAIL>."


def test_the_same_value_has_the_same_surrogate_and_another_key_another() -> None:
    ours = replace_by_surrogates(TEXT, emails(TEXT), b"0123456789abcdef")
    first, second, third = re.findall(r"<EMAIL:([0-9a-f]{10})>", ours)
    assert first == third != second
    assert replace_by_surrogates(TEXT, emails(TEXT), b"fedcba9876543210") != ours
    assert "example" not in ours


@given(st.lists(st.sampled_from(["x@y.org", "me", "电话", " ", "a.b@c.de,"]), max_size=12).map(" ".join))
def test_nothing_else_is_changed_and_nothing_is_left(text: str) -> None:
    found = emails(text)
    masked = mask(text, found)
    assert masked.count("<EMAIL>") == len(found)
    assert re.sub("<EMAIL>", "", masked) == "".join(
        text[one:other]
        for one, other in zip([0, *(f.end for f in found)], [*(f.start for f in found), len(text)], strict=True)
    )
    assert emails(masked) == []
