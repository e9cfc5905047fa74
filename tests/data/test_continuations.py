from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from penjing.data.continuation_settings import ContinuationData
from penjing.data.continuations import build_continuations, read_continuation_rows, read_continuations
from penjing.errors import PenjingError
from penjing.progress import Silent


def speeches(path: Path, rows: int = 40) -> list[str]:
    found = [f"SPEAKER {number}:\nI say the words of number {number}." for number in range(rows)]
    path.write_text("\n\n".join(found) + "\n", encoding="utf-8")
    return found


def test_paragraphs_are_joined_to_passages_and_none_is_lost(tmp_path: Path) -> None:
    written = speeches(tmp_path / "play.txt")
    settings = ContinuationData(path=str(tmp_path / "play.txt"), unit="paragraph", passage=100)
    batches = list(read_continuation_rows(settings.path, settings))
    passages = [text for batch in batches for text in batch.texts]
    assert "\n\n".join(passages) == "\n\n".join(written)
    assert all(len(text) >= 100 for text in passages[:-1])
    counts = build_continuations(settings, 0, _new(tmp_path), Silent())
    assert counts["read"] == counts["kept"] == len(passages)
    assert sum(split["rows"] for split in counts["splits"].values()) == len(passages)


def test_a_continuation_is_kept_beside_its_text_and_is_empty_where_there_is_none(tmp_path: Path) -> None:
    rows = "".join(f"beginning {number},end {number}\n" for number in range(20))
    (tmp_path / "rows.csv").write_text(f"text,then\n{rows}", encoding="utf-8")
    settings = ContinuationData(path=str(tmp_path / "rows.csv"), continuation="then")
    build_continuations(settings, 0, out := _new(tmp_path), Silent())
    found = read_continuations(out, "train")
    assert {text.replace("beginning", "end") for text in found.texts} == set(found.targets)
    whole = settings.model_copy(update={"continuation": None})
    (batch,) = read_continuation_rows(whole.path, whole)
    assert batch.targets == [""] * 20


@pytest.mark.parametrize(
    ("content", "change", "word"),
    [
        ("", {}, "no rows"),
        ("text\nonly one\n", {}, "1 row"),
        ("text\na\nb\n", {"text": "review"}, '"review"'),
        ("text,then\na,\nb,c\n", {"continuation": "then"}, '"then" is empty'),
    ],
)
def test_a_file_that_will_not_do_is_refused_in_a_paragraph(
    tmp_path: Path, content: str, change: dict[str, str], word: str
) -> None:
    (tmp_path / "rows.csv").write_text(content, encoding="utf-8")
    settings = ContinuationData.model_validate({"path": str(tmp_path / "rows.csv"), **change})
    with pytest.raises(PenjingError) as caught:
        build_continuations(settings, 0, _new(tmp_path), Silent())
    assert "rows.csv" in str(caught.value)
    assert word in str(caught.value) or word in ("no rows", "1 row")
    assert caught.value.do


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValidationError, match="Name two columns"):
        ContinuationData(path="x", continuation="text")
    with pytest.raises(ValidationError, match="cannot be joined"):
        ContinuationData(path="x", continuation="then", passage=10)


def _new(folder: Path) -> Path:
    out = folder / "out"
    out.mkdir()
    return out


def test_a_text_with_several_continuations_is_in_one_split(tmp_path: Path) -> None:
    path, out = tmp_path / "rows.jsonl", tmp_path / "out"
    rows = [{"text": f"Once {n}", "rest": f"upon {n} {k}"} for k in range(3) for n in range(100)]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    out.mkdir()
    counts = build_continuations(ContinuationData(path=str(path), continuation="rest"), 0, out, Silent())
    assert [counts["splits"][split]["rows"] for split in ("train", "validation", "test")] == [240, 30, 30]
