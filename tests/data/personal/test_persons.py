"""Names of persons: without titles and what else is no part of them, the same however they are written."""

from __future__ import annotations

import pytest

from penjing.data.personal import find_personal, load_detectors
from penjing.data.personal.entities import Entity
from penjing.data.personal.persons import find_persons, name_value


def seen(text: str, *names: str) -> list[Entity]:
    """What a model that sees these names, each once, would give."""
    return [Entity("person", text.index(name), text.index(name) + len(name)) for name in names]


def found(text: str, *names: str) -> list[str]:
    return [text[start:end] for start, end, _ in find_persons(text, seen(text, *names))]


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("I met Dr. Anna Smith's son.", "Dr. Anna Smith's", "Anna Smith"),
        ("“Anna Smith” it was", "“Anna Smith”", "Anna Smith"),
        ("欧阳文静女士来了", "欧阳文静女士", "欧阳文静"),
        ("Prof. Dr. Hans Meier", "Prof. Dr. Hans Meier", "Hans Meier"),
    ],
)
def test_titles_possessives_and_signs_are_no_part_of_a_name(text: str, name: str, expected: str) -> None:
    assert found(text, name) == [expected]


@pytest.mark.parametrize("name", ["gore", "R2D2", "…"])
def test_what_has_no_capital_or_has_a_digit_or_no_letter_is_no_name(name: str) -> None:
    assert found(f"the {name} of it", name) == []


def test_a_name_ends_with_its_line() -> None:
    assert found("Yours,\nAnna Smith\nHead of Sales", "Anna Smith\nHead") == ["Anna Smith"]
    assert found("Present: Anna Smith\nLi Wei", "Anna Smith\nLi Wei") == ["Anna Smith", "Li Wei"]


def test_a_name_that_is_seen_once_is_found_wherever_it_stands() -> None:
    assert found("Anna Smith came. Later anna and Anna Smith left; Anna Smithson stayed.", "Anna Smith") == [
        "Anna Smith",
        "Anna Smith",
    ]
    assert found("王小明来了，后来王小明走了", "王小明") == ["王小明", "王小明"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("as Mrs. Kaur said", "Kaur"),
        ("Prof. Helen Okafor spoke", "Helen Okafor"),
        ("收件人：陈丽，电话在后", "陈丽"),
        ("请龚玉梅女士到二楼", "龚玉梅"),
        ("我叫司马青。", "司马青"),
        ("感谢王小明先生", "王小明"),
        ("感谢吴老师！", "吴"),
    ],
)
def test_titles_and_introductions_tell_names_that_no_model_sees(text: str, name: str) -> None:
    assert name in found(text)


def test_words_before_a_title_are_no_name() -> None:
    assert [found(text) for text in ("谢谢那位同志。", "高级经理", "于是老板走了")] == [[], [], []]


def test_the_name_of_a_street_is_no_person() -> None:
    assert found("Anna Smith lives at 12 Anna Smith Street.", "Anna Smith") == ["Anna Smith"]
    assert found("12 Anna Smith Street", "Anna Smith") == []


def test_a_value_is_the_same_however_the_name_is_written() -> None:
    assert (
        len({name_value(name) for name in ("Anna Smith", "ANNA  SMITH", "anna\u00a0smith", "Ａｎｎａ Ｓｍｉｔｈ")}) == 1
    )
    assert len({name_value(name) for name in ("阿尔伯特·爱因斯坦", "阿尔伯特•爱因斯坦", "阿尔伯特 · 爱因斯坦")}) == 1
    assert name_value("Anna Smith") != name_value("Anna Smithson")


def test_rules_before_it_claim_their_place_and_leave_the_name_beside() -> None:
    pytest.importorskip("phonenumbers")
    text = "Anna Smith anna@example.org"
    findings = find_personal(text, load_detectors(["email", "person"]), (), seen(text, text))
    assert [(item.kind, item.value) for item in findings] == [("person", "anna smith"), ("email", "anna@example.org")]
    findings = find_personal(text, load_detectors(["person", "email"]), (), seen(text, "Anna Smith"))
    assert [item.kind for item in findings] == ["person", "email"]
