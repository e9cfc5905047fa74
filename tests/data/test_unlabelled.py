from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from penjing.data.keys import text_ids
from penjing.data.label_settings import LabelledData
from penjing.data.labelled import build_labelled
from penjing.data.reading import iter_texts, read_split
from penjing.data.unlabelled import UnlabelledData, build_unlabelled
from penjing.errors import DataError
from penjing.progress import Silent


def write(path: Path, texts: list[str], label: str | None = None) -> str:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text"] if label is None else ["text", "label"])
        writer.writerows([text] if label is None else [text, label.split()[n % 2]] for n, text in enumerate(texts))
    return str(path)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labelled")
    path = write(folder / "rows.csv", [f"a film, number {number}." for number in range(40)], "good bad")
    out = folder / "data"
    out.mkdir()
    build_labelled(LabelledData(path=path), 0, out, Silent())
    return out


def build(
    folder: Path, labelled: Path, texts: list[str], seed: int = 0, **more: Any
) -> tuple[dict[str, Any], list[str]]:
    folder.mkdir(parents=True)
    settings = UnlabelledData(path=write(folder / "texts.csv", texts), **more)
    out = folder / "out"
    out.mkdir()
    counts = build_unlabelled(settings, labelled, seed, out, Silent())
    return counts, [text for batch in iter_texts(out / "texts.parquet") for text in batch]


def test_texts_that_are_measured_on_or_learned_already_are_left_out_and_counted(labelled: Path, tmp_path: Path) -> None:
    measured = [text for split in ("validation", "test") for text in read_split(labelled, split).texts]
    trained = read_split(labelled, "train").texts[:3]
    shouted = [text.upper().replace(",", "  -") + "!" for text in measured]
    counts, texts = build(tmp_path / "some", labelled, [*shouted, *trained, "new one", "New one!", "another"])
    assert texts == ["new one", "another"]
    assert (counts["in_evaluation"], counts["in_training"], counts["duplicates"]) == (len(measured), 3, 1)
    assert (counts["read"], counts["texts"]) == (len(measured) + 6, 2)


def test_a_draw_goes_by_the_seed_and_keeps_the_order(labelled: Path, tmp_path: Path) -> None:
    texts = [f"another film {number}" for number in range(200)]
    counts, first = build(tmp_path / "first", labelled, texts, max_texts=50)
    _, again = build(tmp_path / "again", labelled, texts, max_texts=50)
    _, other = build(tmp_path / "other", labelled, texts, seed=1, max_texts=50)
    assert first == again != other
    assert len(first) == counts["texts"] == 50
    assert counts["left_out"] == 150
    assert first == [text for text in texts if text in set(first)]


def test_texts_are_removed_by_their_ids(labelled: Path, tmp_path: Path) -> None:
    counts, texts = build(tmp_path / "some", labelled, ["one text", "another"], removed=tuple(text_ids(["another"])))
    assert texts == ["one text"]
    assert counts["removed"] == 1


def test_a_file_without_a_new_text_is_refused(labelled: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="of 2 texts none is left: 2 are labelled rows too"):
        build(tmp_path / "known", labelled, read_split(labelled, "test").texts[:2])
    with pytest.raises(DataError, match="no row"):
        build(tmp_path / "empty", labelled, [])


def test_texts_that_contain_one_that_is_measured_on_are_left_out_and_counted(tmp_path: Path) -> None:
    seen = "a quiet film that nobody forgets and one of few that sing"
    rows = write(tmp_path / "rows.csv", [f"{seen} {number}" for number in range(40)], "good bad")
    labelled = tmp_path / "data"
    labelled.mkdir()
    build_labelled(LabelledData(path=rows), 0, labelled, Silent())
    measured = [text for split in ("validation", "test") for text in read_split(labelled, split).texts]
    trained = read_split(labelled, "train").texts[0]
    around = [f"Well: {text.upper()}. So there!" for text in [*measured, trained]]
    counts, texts = build(tmp_path / "some", labelled, [*around, measured[0], "new one"])
    assert texts == [around[-1], "new one"]
    assert (counts["containing_evaluation"], counts["in_evaluation"], counts["in_training"]) == (len(measured), 1, 0)
