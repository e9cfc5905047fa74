"""The page of ``penjing data label`` holds what it needs, lets nothing else in, and takes labels for text."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from penjing.pipeline.report.strings import STRINGS, Language
from penjing.serve.label_page import render_label_page

LABELS = ["</script><b>", '"quoted"', "正面"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_is_in_one_language_and_loads_nothing(language: Language) -> None:
    page = render_label_page("rows.csv", LABELS, language)
    assert STRINGS[language]["label_done"] in page.html
    assert STRINGS["zh" if language == "en" else "en"]["label_done"] not in page.html
    assert not re.search(r"https?://|//[a-z]+\.[a-z]|@import|url\(", page.html)


def test_labels_are_text_wherever_they_stand() -> None:
    page = render_label_page("<i>.csv", LABELS, "en")
    assert len(re.findall("</script>", page.html)) == 2
    assert "<i>" not in page.html
    assert re.findall("<b>(.*?)</b>", page.html) == ["&lt;/script&gt;&lt;b&gt;", "&#34;quoted&#34;", "正面"]
    (facts,) = re.findall(r'<script type="application/json" id="facts">(.*?)</script>', page.html)
    assert json.loads(facts)["keys"] == dict(zip("123", LABELS, strict=True))


def test_only_the_style_and_script_of_the_page_are_let_in() -> None:
    page = render_label_page("rows.csv", LABELS, "en")
    assert page.policy.startswith("default-src 'none'; ")
    assert "unsafe" not in page.policy
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", page.html, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in page.policy
