from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penjing.data import recombined
from penjing.data.keys import normalize_text, text_ids
from penjing.data.label_settings import LabelledData
from penjing.data.labelled import build_labelled
from penjing.data.pieces import word_spans
from penjing.data.reading import read_split
from penjing.data.recombined import Origin, Recombining, build_recombined, recombine
from penjing.data.splitting import SPLITS
from penjing.errors import DataError
from penjing.progress import Silent

ENGLISH = [f"the {n}th film of {n} was long and warm" for n in range(60)]
CHINESE = [f"第{n}部电影拍得很好，观众{n}次起立鼓掌" for n in range(60)]
Build = Callable[..., tuple[dict[str, Any], list[dict[str, Any]]]]


def label(folder: Path, texts: list[str], test: list[str] | None = None) -> Path:
    """Returns the folder of labelled rows of some texts."""
    folder.mkdir(parents=True)
    for name, some in {"rows": texts, "test": test or []}.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "label"])
            writer.writerows([text, ("good", "bad")[n % 2]] for n, text in enumerate(some))
    out = folder / "data"
    out.mkdir()
    given = LabelledData(path=str(folder / "rows.csv"), test=str(folder / "test.csv") if test else None)
    build_labelled(given, 0, out, Silent())
    return out


@pytest.fixture(scope="module", params=["english", "chinese"])
def labelled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return label(tmp_path_factory.mktemp("rows") / "some", ENGLISH if request.param == "english" else CHINESE)


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Makes texts, and returns their counts and rows."""
    built = iter(range(100))

    def made(
        labelled: Path, texts: int, seed: int = 0, unlabelled: Path | None = None, **more: Any
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        out = tmp_path / f"out-{next(built)}"
        out.mkdir()
        counts = build_recombined(Recombining(texts, **more), labelled, unlabelled, seed, out, Silent())
        assert [path.name for path in sorted(out.iterdir())] == ["counts.json", "texts.parquet"]
        return counts, pq.read_table(out / "texts.parquet").to_pylist()

    return made


def is_piece(text: str, training: list[str]) -> bool:
    return any(text in other for other in training)


def is_join(text: str, training: list[str]) -> bool:
    cuts = range(1, len(text))
    beginnings = {text[:cut] for cut in cuts} & {other[:cut] for other in training for cut in range(len(other))}
    ends = {text[cut:] for cut in cuts} & {other[cut:] for other in training for cut in range(1, len(other))}
    return any(text == f"{head}{tail}" for head in beginnings for tail in ends)


def test_all_that_is_made_is_of_training_texts_alone(labelled: Path, build: Build) -> None:
    training = read_split(labelled, "train").texts
    measured = {normalize_text(text) for split in ("validation", "test") for text in read_split(labelled, split).texts}
    counts, rows = build(labelled, 4)
    texts = [row["text"] for row in rows]
    assert counts["made"] == 4 * len(training)
    assert (
        len(texts)
        == counts["texts"]
        == counts["made"]
        - sum(
            counts[reason]
            for reason in ("in_evaluation", "containing_evaluation", "in_training", "removed", "duplicates")
        )
    )
    assert all(is_piece(text, training) or is_join(text, training) for text in texts)
    assert any(not is_piece(text, training) for text in texts)
    known = {normalize_text(text) for text in training} | measured
    assert not known & {normalize_text(text) for text in texts}
    assert len({normalize_text(text) for text in texts}) == len(texts)


def test_the_seed_decides_what_is_made(labelled: Path, build: Build) -> None:
    assert build(labelled, 4) == build(labelled, 4)
    assert build(labelled, 4)[1] != build(labelled, 4, seed=1)[1]


def test_without_joins_all_are_pieces(labelled: Path, build: Build) -> None:
    training = read_split(labelled, "train").texts
    assert all(is_piece(row["text"], training) for row in build(labelled, 3, with_joins=False)[1])


def test_the_origin_of_a_text_says_which_rows_it_was_made_of(labelled: Path, build: Build) -> None:
    table = pq.read_table(labelled / "train.parquet").to_pylist()
    by_place = {f"{row['source']}:{row['row']}": row["text"] for row in table}
    kinds = set()
    for row in build(labelled, 4)[1]:
        places = f"{row['source']}:{row['row']}".split(" + ")
        kinds.add(len(places))
        assert (is_piece if len(places) == 1 else is_join)(row["text"], [by_place[place] for place in places])
    assert kinds == {1, 2}


def test_what_is_a_measured_text_or_a_training_text_is_left_out_and_counted(tmp_path: Path, build: Build) -> None:
    labelled = label(tmp_path / "rows", [f"{the}{n} films" for n in range(60) for the in ("", "the ")])
    counts, rows = build(labelled, 10)
    assert counts["in_evaluation"] > 0
    assert counts["in_training"] > 0
    known = {normalize_text(text) for split in SPLITS for text in read_split(labelled, split).texts}
    assert not known & {normalize_text(row["text"]) for row in rows}


def test_two_texts_that_together_contain_a_measured_one_are_left_out_and_counted(tmp_path: Path, build: Build) -> None:
    measured = "one two three four five six seven eight"
    begun = [f"begins {n} one two three four then other words" for n in range(30)]
    ended = [f"other words now {n} five six seven eight" for n in range(30)]
    labelled = label(tmp_path / "rows", [*begun, *ended], test=[f"{measured} {n}" for n in ("", "more")])
    counts, rows = build(labelled, 20)
    assert counts["containing_evaluation"] > 0
    assert not [row for row in rows if measured in row["text"]]


def test_texts_that_are_given_too_are_duplicates(labelled: Path, build: Build, tmp_path: Path) -> None:
    counts, rows = build(labelled, 4)
    given = tmp_path / "given"
    given.mkdir()
    pq.write_table(pq.read_table(next(tmp_path.glob("out-*")) / "texts.parquet").slice(0, 7), given / "texts.parquet")
    fewer, others = build(labelled, 4, unlabelled=given)
    assert others == rows[7:]
    assert fewer["duplicates"] >= counts["duplicates"] + 7


def test_texts_are_removed_by_their_ids(labelled: Path, build: Build) -> None:
    counts, rows = build(labelled, 4)
    gone = text_ids([rows[3]["text"]])[0]
    fewer, others = build(labelled, 4, removed=(gone,))
    assert fewer["removed"] >= 1
    assert gone not in {row["id"] for row in others}
    assert counts["texts"] == fewer["texts"] + 1


def test_training_texts_of_one_word_are_refused_with_what_to_do(tmp_path: Path, build: Build) -> None:
    labelled = label(tmp_path / "rows", [f"word{n}" for n in range(60)])
    with pytest.raises(DataError, match=r"of 0 texts .* none is left"):
        build(labelled, 4)


def test_others_are_drawn_evenly_where_memory_has_not_room_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recombined, "_MOST_OTHERS", 5)
    drawn = [
        recombined._draw_others((Origin(text, "rows.csv", n) for n, text in enumerate(ENGLISH)), seed)
        for seed in range(200)
    ]
    assert {len(others) for others in drawn} == {5}
    seen = [origin.row for others in drawn for origin in others]
    assert set(seen) == set(range(60))
    monkeypatch.setattr(recombined, "_MOST_CHARACTERS", 3 * len(ENGLISH[0]))
    assert len(recombined._draw_others((Origin(text, "", n) for n, text in enumerate(ENGLISH)), 0)) < 5


@pytest.mark.parametrize("seed", range(5))
def test_which_others_are_drawn_does_not_go_by_their_order(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recombined, "_MOST_OTHERS", 20)
    origins = [Origin(text, "rows.csv", n) for n, text in enumerate(ENGLISH)]
    drawn, again = (recombined._draw_others(some, seed) for some in (origins, origins[::-1]))
    assert sorted(drawn) == sorted(again)


def test_no_text_is_joined_with_itself() -> None:
    origins = [Origin(text, "rows.csv", n) for n, text in enumerate(ENGLISH[:2])]
    made = list(recombine(origins, origins, Recombining(20), 0))
    joins = [(text.source, text.row) for text in made if "+" in text.source]
    assert len(joins) == 20
    assert set(joins) == {("rows.csv:0 + rows.csv", 1), ("rows.csv:1 + rows.csv", 0)}
    assert not [text for text in recombine(origins[:1], origins[:1], Recombining(20), 0) if "+" in text.source]


@settings(max_examples=50)
@given(
    st.lists(st.sampled_from([*ENGLISH, *CHINESE, "one", "好"]), min_size=1, max_size=8, unique=True),
    st.integers(1, 20),
    st.booleans(),
)
def test_so_many_are_made_of_each_whatever_its_place(texts: list[str], count: int, with_joins: bool) -> None:
    origins = [Origin(text, "rows", n) for n, text in enumerate(texts)]
    others = [origin for origin in origins if len(word_spans(origin.text)) > 1]
    recombining = Recombining(count, with_joins)
    made = list(recombine(origins, others, recombining, 0))
    joins = recombining.joins if len(others) > 1 else 0
    assert len(made) == len(others) * (count - recombining.joins + joins)
    again = list(recombine(reversed(origins), others, recombining, 0))
    assert sorted(made) == sorted(again)
    assert all(
        is_piece(origin.text, texts) or is_join(origin.text, texts) for origin in made if "+" not in origin.source
    )
