"""JSON: arrays of objects, read object by object."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.data.sources import FaultLog, Layout, read_file
from penjing.errors import DataError, RecipeError


def texts_of(path: Path, **layout: Any) -> list[Any]:
    return [text for batch in read_file(path, ("text",), Layout(**layout)) for text in batch.columns["text"]]


@given(
    st.lists(st.fixed_dictionaries({"text": st.text(), "more": st.lists(st.integers())}), min_size=1, max_size=30),
    st.sampled_from([None, 2]),
    st.booleans(),
)
def test_objects_come_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], indent: int | None, ascii_only: bool
) -> None:
    path = tmp_path_factory.mktemp("json") / "a.json"
    path.write_bytes(json.dumps(rows, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"))
    assert texts_of(path) == [row["text"] for row in rows]


def test_array_on_one_long_line_is_read_in_pieces(tmp_path: Path) -> None:
    rows = [{"text": f"{number} " + "字" * 300} for number in range(5000)]
    (tmp_path / "a.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    assert texts_of(tmp_path / "a.json", max_line_mb=0.1) == [row["text"] for row in rows]


def test_objects_one_after_another_are_rows_too(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"text": "one"}\n{"text":\n "two"}')
    assert texts_of(tmp_path / "a.json") == ["one", "two"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('[{"text": "one"}, {"text": "two"', r"a\.json, row 2: this is no JSON"),
        ('[{"text": "one"}', r"a\.json, row 2: the array never ends"),
        ('[{"text": "one"}, 5]', r"a\.json, row 2: it is a JSON number, not an object"),
        ('["one"]', "it is a JSON string, not an object"),
        ('[{"text": "\\ud800"}]', "half of a surrogate pair"),
        ("[" * 100_000, "this is no JSON"),
    ],
)
def test_what_is_no_array_of_objects_is_refused(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(DataError, match=told):
        texts_of(tmp_path / "a.json")


def test_rows_before_and_after_a_fault_are_kept_where_the_rest_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    rows = [json.dumps({"text": str(number)}) for number in range(1000)]
    path.write_text("[" + ",".join([*rows[:500], "5", '{"text": "\\ud800"}', *rows[500:]]) + "]")
    log = FaultLog()
    assert texts_of(path, log=log) == [str(number) for number in range(1000)]
    assert [fault.where for fault in log.faults] == ["a.json, row 501", "a.json, row 502"]
    path.write_text("[" + ",".join(rows)[:-8])
    assert texts_of(path, log=FaultLog()) == [str(number) for number in range(999)]


def test_array_after_an_array_is_read_and_other_text_after_it_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"text": "one"}]\n[{"text": "two"}]\n')
    assert texts_of(path) == ["one", "two"]
    path.write_text('[{"text": "one"}] and more')
    log = FaultLog()
    assert texts_of(path, log=log) == ["one"]
    assert log.count == 1


def test_missing_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"txt": "one"}]')
    with pytest.raises(RecipeError, match=r'no column "text".*Did you mean "txt"'):
        texts_of(tmp_path / "a.json")
