from __future__ import annotations

from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from penjing.errors import UsageError
from penjing.tasks.label_model import LabelModel
from penjing.tasks.loading import load_model

ROWS = {"id": [7, 8, 9], "text": ["a lovely film", "dull", "gray and slow"]}


@pytest.fixture(scope="module")
def model(small_run: Any) -> LabelModel:
    return load_model(small_run.model)


def table(kind: str, rows: dict[str, list[Any]]) -> Any:
    return {"pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": pa.table}[kind](rows)


def columns(frame: Any) -> dict[str, list[Any]]:
    if isinstance(frame, pa.Table):
        return frame.to_pydict()
    return frame.to_dict(orient="list") if isinstance(frame, pd.DataFrame) else frame.to_dict(as_series=False)


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow"])
def test_table_comes_back_as_its_kind_with_answers_added_and_is_not_changed(model: LabelModel, kind: str) -> None:
    asked = table(kind, ROWS)
    answered = model.predict(asked)
    assert type(answered) is type(asked)
    assert columns(asked) == ROWS
    found = columns(answered)
    assert list(found) == ["id", "text", "label", "probability"]
    expected = model.predict(ROWS["text"])
    assert found["id"] == ROWS["id"]
    assert found["label"] == [answer.label for answer in expected]
    assert found["probability"] == pytest.approx([answer.probability for answer in expected])


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow"])
def test_true_labels_in_the_table_are_kept(model: LabelModel, kind: str) -> None:
    found = columns(model.predict(table(kind, {**ROWS, "label": ["a", "b", "c"]})))
    assert found["label"] == ["a", "b", "c"]
    assert set(found["predicted_label"]) <= {"negative", "positive"}


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow"])
def test_no_column_of_the_table_is_overwritten_however_often_it_is_answered(model: LabelModel, kind: str) -> None:
    given = {**ROWS, "probability": ["even", "odds", "none"]}
    once = columns(model.predict(table(kind, given)))
    assert list(once) == ["id", "text", "probability", "label", "predicted_probability"]
    assert {name: once[name] for name in given} == given
    twice = columns(model.predict(model.predict(table(kind, once))))
    assert {name: twice[name] for name in once} == once
    assert list(twice)[len(once) :] == [
        *("predicted_label", "predicted_probability_2"),
        *("predicted_label_2", "predicted_probability_3"),
    ]


def test_pandas_index_is_kept(model: LabelModel) -> None:
    asked = pd.DataFrame(ROWS, index=["x", "x", "z"])
    answered = model.predict(asked)
    assert answered.index.tolist() == ["x", "x", "z"]
    assert answered["label"].tolist() == model.predict(pd.DataFrame(ROWS))["label"].tolist()


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_column_comes_back_as_a_table_of_it_and_the_answers(model: LabelModel, kind: str) -> None:
    asked = table(kind, ROWS)["text"]
    assert columns(model.predict(asked)) == columns(model.predict(table(kind, {"text": ROWS["text"]})))


def test_index_and_name_of_a_pandas_column_are_kept(model: LabelModel) -> None:
    asked = pd.Series(ROWS["text"], index=["x", "x", "z"], name="review")
    answered = model.predict(asked)
    assert answered.index.tolist() == ["x", "x", "z"]
    assert answered.columns.tolist() == ["review", "label", "probability"]
    assert model.predict(pd.Series(ROWS["text"])).columns.tolist() == ["text", "label", "probability"]


def test_frame_that_is_still_to_be_computed_is_refused(model: LabelModel) -> None:
    with pytest.raises(UsageError, match=r"Call collect\(\) on it first"):
        model.predict(pl.DataFrame(ROWS).lazy())


def test_arrow_in_chunks_and_with_large_strings_is_read(model: LabelModel) -> None:
    chunks = pa.chunked_array([ROWS["text"][:1], ROWS["text"][1:]], type=pa.large_string())
    answered = model.predict(pa.table({"text": chunks}))
    assert answered.column("label").to_pylist() == [answer.label for answer in model.predict(ROWS["text"])]


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow"])
def test_empty_table_comes_back_empty_with_the_columns(model: LabelModel, kind: str) -> None:
    empty = {
        "pandas": pd.DataFrame({"text": pd.Series([], dtype="str")}),
        "polars": pl.DataFrame({"text": []}, schema={"text": pl.String}),
        "arrow": pa.table({"text": pa.array([], pa.string())}),
    }[kind]
    answered = model.predict(empty)
    assert columns(answered) == {"text": [], "label": [], "probability": []}
    assert nw.from_native(answered).schema["probability"] == nw.Float64


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow"])
def test_missing_text_is_refused_with_its_row(model: LabelModel, kind: str) -> None:
    with pytest.raises(UsageError, match=r"row 2: .* is no text"):
        model.predict(table(kind, {"text": ["fine", None, "fine"]}))


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow"])
def test_missing_column_is_refused_with_the_nearest(model: LabelModel, kind: str) -> None:
    with pytest.raises(UsageError, match=r'no column "text".*Did you mean "texts"'):
        model.predict(table(kind, {"texts": ["fine"]}))


def test_dictionaries_tuples_and_lists_are_read_alike(model: LabelModel) -> None:
    expected = model.predict(ROWS["text"])
    assert model.predict(tuple(ROWS["text"])) == expected
    assert model.predict([{"text": text, "id": 1} for text in ROWS["text"]]) == expected


@pytest.mark.parametrize(
    ("rows", "paragraph"),
    [
        ("a lovely film", "a list of texts, not one text"),
        (["fine", " \n"], "row 2: the text is empty"),
        (["fine", 3], "row 2: 3 is no text"),
        ([{"body": "fine"}], 'no column "text"'),
        (["fine", "half \ud800"], "row 2: .*surrogate"),
        ({"text": ["fine"]}, "cannot read a dict"),
        (None, "cannot read a NoneType"),
    ],
)
def test_what_is_no_text_is_refused(model: LabelModel, rows: Any, paragraph: str) -> None:
    with pytest.raises(UsageError, match=paragraph):
        model.predict(rows)
