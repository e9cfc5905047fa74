"""Settings of data: what is refused is refused in plain words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from penjing.data.label_settings import LabelledData
from penjing.data.settings import Split, TextData


@pytest.mark.parametrize("model", [LabelledData, TextData, Split])
def test_every_setting_says_what_it_is(model: type[BaseModel]) -> None:
    assert all(field.description for field in model.model_fields.values())


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"split": {"train": 0.8, "validation": 0.1, "test": 0.2}}, "and not to 1. Change one"),
        ({"split": {"train": 1.2}}, "less than 1"),
        ({"text": "a", "label": "a"}, "two columns"),
        ({"columns": ["text", "x"]}, 'not "label"'),
        ({"columns": ["text", "label", "text"]}, "twice"),
        ({"where": {"source": "imdb"}, "columns": ["text", "label"]}, 'not "source"'),
        ({"labels": ["a"]}, "at least two"),
        ({"labels": ["a", "b", "a"]}, "twice"),
        ({"labels": {"0": "a", "1": "a"}}, "at least two"),
        ({"empty_text": "keep"}, "'refuse' or 'drop'"),
        ({"max_line_mb": 0}, "greater than 0"),
        ({"path": ""}, "at least 1 character"),
        ({"txt": "a"}, "not permitted"),
    ],
)
def test_wrong_setting_is_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        LabelledData.model_validate({"path": "a.csv", **values})


def test_shares_are_taken_as_they_are_written() -> None:
    assert Split(train=0.7, validation=0.2, test=0.1).train == 0.7
    assert Split(train=0.9, validation=0.1, test=0).test == 0


def test_where_keeps_the_kind_of_its_values() -> None:
    data = LabelledData.model_validate({"path": "a.csv", "where": {"a": "1", "b": 1, "c": True, "d": 1.5}})
    assert [type(value) for value in data.where.values()] == [str, int, bool, float]


def test_a_corpus_has_one_path_or_several() -> None:
    assert TextData(path="a").paths == ("a",)
    assert TextData(path=("a", "b")).paths == ("a", "b")
    with pytest.raises(ValidationError):
        TextData(path=())
