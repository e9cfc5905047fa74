"""Postal addresses: a number and a street make one, a city does not; what belongs to it is in it."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penjing.data.personal.entities import Entity
from penjing.data.personal.postal import address_value, find_postal_addresses


def found(text: str, *places: str) -> list[str]:
    """Returns the addresses in a text in which a model sees these places."""
    entities = [Entity("place", text.index(place), text.index(place) + len(place)) for place in places]
    return [text[start:end] for start, end, _ in find_postal_addresses(text, entities)]


@pytest.mark.parametrize(
    "address",
    [
        "12 High Street",
        "221B Baker Street",
        "12 HIGH STREET",
        "7 Baker street",
        "Flat 3, 27 Queen's Road, Brighton BN1 3XA",
        "350 Fifth Avenue, 34th Floor, New York, NY 10118",
        "1 Infinite Loop, Cupertino, CA 95014",
        "P.O. Box 1234, Springfield, IL 62701",
        "4 Rose Cottages\nMill Lane\nOxford OX4 3AB",
        "2450 Sunset Boulevard, Apt. 12, Los Angeles, CA 90026",
        "17 Harbour Street, Sydney NSW 2000",
        "Hauptstraße 5, 10115 Berlin",
        "12 rue de la Paix, 75002 Paris",
        "北京市朝阳区建国路88号2单元301室",
        "江苏省苏州市姑苏区人民路 88 号 3 幢 402 室",
        "上海市浦东新区张杨路500号华润大厦12楼1203室",
        "王府井大街三号",
        "和平路12号院3号楼",
        "阳光花园3栋2单元501室",
        "西安市雁塔区小寨东路3号院5号楼1单元602",
        "台北市信義區信義路五段7號",
        "浦东南路１１１１号",
    ],
)
def test_addresses_are_found_whole_in_sentences_without_a_model(address: str) -> None:
    before, after = (
        ("请寄到", "，谢谢。") if address[-1] in "室号楼號2" and "，" not in address else ("Send it to ", ", please.")
    )
    if address.isascii() or "ß" in address:
        before, after = "Send it to ", ", please."
    assert found(f"{before}{address}{after}") == [address]


def test_places_that_a_model_sees_belong_to_it_where_only_commas_stand_between() -> None:
    assert found("at 12 High Street, Lower Slaughter, Gloucestershire then", "Lower Slaughter", "Gloucestershire") == [
        "12 High Street, Lower Slaughter, Gloucestershire"
    ]
    assert found("at 12 High Street and London", "London") == ["12 High Street"]
    assert found("at 12 High Street, London SW1A 1AA", "London SW1A") == ["12 High Street, London SW1A 1AA"]
    assert found("新店开业南京路5号", "南京路") == ["南京路5号"]


@pytest.mark.parametrize(
    "text",
    [
        "London",
        "We flew from Paris to Berlin in 2012.",
        "The hotel on Fifth Avenue was loud.",
        "In 2012 Wall Street fell by 300 points.",
        "They released 42nd Street in 1933.",
        "12 angry men",
        "He ran 26 miles down Ocean Drive.",
        "北京",
        "我在中山路等了你两个小时。",
        "离地铁2号线很近，3号出口右转。",
        "本月12号发工资，15号放假。",
        "房间号是301，本楼3层有健身房。",
        "你知道5号是什么日子吗",
        "高速公路3号出口堵了",
    ],
)
def test_cities_streets_without_a_number_dates_and_titles_are_none(text: str) -> None:
    assert found(text, *[place for place in ("Paris", "London", "Wall Street", "北京") if place in text]) == []


def test_a_value_is_the_same_however_the_address_is_written() -> None:
    assert (
        len(
            {
                address_value(text)
                for text in ("12 High Street, London", "12 HIGH STREET\nLondon", "12 high street,London")
            }
        )
        == 1
    )
    assert address_value("建国路８８号 2单元301室") == address_value("建国路88号2单元301室")
    assert address_value("建国路88号") != address_value("建国路89号")


@pytest.mark.parametrize(
    "text",
    [
        "中国人民" * 5000 + "3号",
        "路" * 20_000 + "号",
        "市区县" * 7000 + "号",
        "广场花园" * 5000 + "室",
        "Anna Smith " * 5000 + "12 ",
    ],
)
def test_no_text_takes_long(text: str) -> None:
    start = time.perf_counter()
    find_postal_addresses(text, [])
    assert time.perf_counter() - start < 5  # some hundredths; a pattern that goes back and forth would take minutes


@settings(max_examples=200)
@given(
    st.lists(
        st.sampled_from(
            ["12", " ", ",", "High Street", "London", "北京市", "建国路", "88号", "3栋", "\n", "Apt 4", "a"]
        )
    ),
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12))),
)
def test_addresses_are_in_order_and_apart_whatever_a_model_sees(words: list[str], seen: list[tuple[int, int]]) -> None:
    text = "".join(words)
    entities = [Entity("place", start, min(len(text), start + length)) for start, length in seen if start < len(text)]
    spans = find_postal_addresses(text, entities)
    assert all(0 <= start < end <= len(text) and value for start, end, value in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
