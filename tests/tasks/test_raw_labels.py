"""Raw labels of a file get the model's names, or are refused with their row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from penjing.data.rows import TextRows
from penjing.errors import DataError
from penjing.tasks.raw_labels import RawLabels
from penjing.tasks.sentiment import SENTIMENT
from penjing.tasks.stars import STARS

POLES, FIVE = ("negative", "positive"), ("1", "2", "3", "4", "5")


def rows(*labels: str) -> TextRows:
    count = len(labels)
    return TextRows(Path("rows.csv"), ["text"] * count, list(labels), list(range(2, count + 2)), count, 0, 0, 0)


def named(names: Mapping[str, str] | None, labels: Sequence[str], *raw: str) -> list[str]:
    return RawLabels(names, labels).name(rows(*raw))


def test_a_whole_number_with_zeros_after_its_point_is_that_number() -> None:
    assert named(STARS.label_names, FIVE, "5.0", "1.00", "3", "五星") == ["5", "1", "3", "5"]
    assert named(SENTIMENT.label_names, POLES, "0.0", "1.0", "pos") == ["negative", "positive", "positive"]
    assert named(None, ("1.0", "2.5"), "1", "1.0", "2.5") == ["1.0", "1.0", "2.5"]
    with pytest.raises(DataError, match=r'rows.csv, row 3: the label "4.5" is not one of the model\'s: 1, 2, 3, 4, 5'):
        named(STARS.label_names, FIVE, "4", "4.5")


@pytest.mark.parametrize("raw", [("0", "-1"), ("-1.0", "0.0"), ("-1", "1", "0.0")])
def test_zero_beside_minus_one_is_refused_where_one_name_would_be_given_to_both(raw: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match=r"stands beside .* each alone is negative.*negative, positive"):
        named(SENTIMENT.label_names, POLES, *raw)


def test_a_model_that_calls_the_poles_otherwise_finds_them_under_every_name() -> None:
    raw = ("好评", "positive", "0", "neg", "差评")
    assert named(SENTIMENT.label_names, ("差评", "好评"), *raw) == ["好评", "好评", "差评", "差评", "差评"]
    with pytest.raises(DataError, match=r'"一般" is not one of the model\'s: 差评, 好评'):
        named(SENTIMENT.label_names, ("差评", "好评"), "一般")
    assert named(SENTIMENT.label_names, ("0", "1"), "neg", "好评") == ["0", "1"]


@pytest.mark.parametrize("labels", [("-1", "0", "1"), ("0", "1", "2"), FIVE])
def test_what_the_numbers_of_more_than_two_labels_mean_is_not_guessed(labels: tuple[str, ...]) -> None:
    for raw in ("negative", "positive"):
        with pytest.raises(DataError, match=f'"{raw}" is not one'):
            named(SENTIMENT.label_names, labels, raw)


def test_zero_beside_minus_one_is_one_label_each_where_the_model_has_both() -> None:
    assert named(SENTIMENT.label_names, ("-1", "0", "1"), "0", "-1", "1.0") == ["0", "-1", "1"]


def test_what_the_recipe_names_goes_before_all_else_and_the_rest_stays_known() -> None:
    given = {"不满意": "negative", "满意": "positive", "3": "positive"}
    found = RawLabels(SENTIMENT.label_names, POLES, given)
    assert found.name(rows("不满意", "满意", "negative", "1", "3.0")) == [
        *("negative", "positive", "negative", "positive", "positive")
    ]
    with pytest.raises(
        DataError, match=r'"一般" is not one of the model\'s: negative, positive; nor one that is named for '
    ):
        found.name(rows("一般"))


def test_zero_and_minus_one_that_the_recipe_names_are_no_riddle() -> None:
    given = {"-1": "negative", "0": "neutral", "1": "positive"}
    found = RawLabels(SENTIMENT.label_names, ("negative", "neutral", "positive"), given)
    assert found.name(rows("-1", "0", "1.0")) == ["negative", "neutral", "positive"]
