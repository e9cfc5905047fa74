"""Normal forms: what was broken is mended, what is right stays, and twice is as once."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penjing.data.normalizing import Normalization, make_normalizer, mend_gb18030

EVERYTHING = Normalization(width="all", unicode="NFKC")


def normalized(text: str, **settings: Any) -> str:
    return make_normalizer(Normalization(**settings))(text)


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("Das CafÃ© in KÃ¶ln", "Das Café in Köln"),
        ("itâ€™s fine", "it’s fine"),
        ("酒店很好".encode().decode("gb18030"), "酒店很好"),
        ("酒店很好".encode().decode("latin-1"), "酒店很好"),
    ],
)
def test_text_that_was_read_in_a_wrong_encoding_is_mended(broken: str, mended: str) -> None:
    assert normalized(broken) == mended


@pytest.mark.parametrize(
    ("settings", "text", "form"),
    [
        ({}, "e\u0301 \u00a0two  spaces \n\n\n\n next\r\nline\x00\ufeff", "é two spaces\n\nnext\nline"),
        ({}, "全角ＡＢＣ１２，标点！", "全角ＡＢＣ１２，标点！"),
        ({"width": "letters"}, "全角ＡＢＣ１２，标点！ｶﾞ", "全角ABC12，标点！ガ"),
        ({"width": "all"}, "全角ＡＢＣ１２，标点！\u3000x", "全角ABC12,标点! x"),
        ({"script": "simplified"}, "這家酒店的位置很好", "这家酒店的位置很好"),
        ({"script": "traditional"}, "这家酒店的位置很好", "這家酒店的位置很好"),
        ({"unicode": "NFKC"}, "ﬁne ①", "fine 1"),
        ({"unicode": "keep", "spaces": False, "controls": False}, "e\u0301  \x07", "e\u0301  \x07"),
    ],
)
def test_form_is_the_one_asked_for(settings: dict[str, Any], text: str, form: str) -> None:
    assert normalized(text, **settings) == form


@given(st.text())
@example("浣犲ソ")
@example("Ã\u0083Â©")
def test_normal_form_of_a_normal_form_is_itself_where_nothing_is_mended(text: str) -> None:
    normalize = make_normalizer(Normalization(mojibake=False, width="all", unicode="NFKC"))
    assert normalize(normalize(text)) == normalize(text)


def test_chinese_that_is_right_stays_as_it_is(shared_data: Path) -> None:
    texts = [
        *(line.split("\t")[0] for line in (shared_data / "thucnews" / "dev.txt").read_text("utf-8").splitlines()),
        *(
            line.partition("\t")[2]
            for line in (shared_data / "chnsenticorp" / "dev.tsv").read_text("utf-8").splitlines()
        ),
    ]
    assert len(texts) > 11_000
    assert [text for text in texts if mend_gb18030(text) != text] == []
    broken = [text.encode().decode("gb18030", "replace") for text in texts]
    whole = [(text, bad) for text, bad in zip(texts, broken, strict=True) if "\ufffd" not in bad and not text.isascii()]
    mended = sum(mend_gb18030(bad) == text for text, bad in whole)
    assert len(whole) > 100
    assert mended >= 0.99 * len(whole)


def test_english_and_german_that_are_right_stay_as_they_are(shared_data: Path) -> None:
    with (shared_data / "sst2" / "dev.tsv").open(encoding="utf-8", newline="") as file:
        texts = [" ".join(row[0].split()) for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    normalize = make_normalizer(Normalization())
    assert [text for text in texts if normalize(text) != text] == []
    assert (
        normalize("Früher war die Straße voller Bäume – «so» sagte er.")
        == "Früher war die Straße voller Bäume – «so» sagte er."
    )
