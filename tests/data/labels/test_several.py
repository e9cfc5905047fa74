"""Several labels in a cell are told from one, and taken apart."""

from __future__ import annotations

import pytest

from penjing.data.labels.several import join_labels, likely_separator, split_labels


@pytest.mark.parametrize(
    ("cells", "separator"),
    [
        (["film|plot", "film", "plot|music", "music", ""], "|"),
        (["红；绿", "绿", "红"], "；"),
        (["a, b", "b, c", "c, a"], ","),
        (["yes, please", "no, thanks", "yes", "no"] * 9, None),  # what stands behind the comma comes nowhere else
        (["good", "bad"] * 20, None),
        (["this; and that", "good", "bad"], None),
        ([], None),
    ],
)
def test_a_sign_parts_labels_where_its_parts_come_again(cells: list[str], separator: str | None) -> None:
    assert likely_separator(cells) == separator


def test_one_odd_cell_of_many_makes_no_column_of_several_labels() -> None:
    assert likely_separator(["a|b", *["a", "b"] * 60]) is None


def test_a_cell_gives_each_label_once_and_the_same_labels_the_same_text() -> None:
    assert split_labels(" b |a||b", "|") == ["b", "a"]
    assert join_labels(" b |a||b", "|") == join_labels("a|b", "|") == "a|b"
