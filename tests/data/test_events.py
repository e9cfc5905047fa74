"""Events become histories in order of time, the last of each kept; what cannot be used is refused or counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from penjing.data.event_settings import EventData
from penjing.data.events import build_events, read_sequences
from penjing.data.histories import (
    last_questions,
    read_cold_catalog,
    read_cold_questions,
    read_items_table,
    read_questions,
    read_training,
)
from penjing.errors import DataError, PenjingError, RecipeError
from penjing.progress import Silent

ITEMS = ("item,title,year", "a,Alpha,1990", "b,Beta,1991", "c,Gamma,1992", "d,Delta,1993", "e,Epsilon,1994")


def write(folder: Path, events: list[str], items: tuple[str, ...] = ITEMS) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "events.csv").write_text("\n".join(["user,item,time", *events]), encoding="utf-8")
    (folder / "items.csv").write_text("\n".join(items), encoding="utf-8")


def read(folder: Path, **more: Any) -> EventData:
    named = {"path": str(folder / "events.csv"), "items": str(folder / "items.csv"), "text": "{title} ({year})"}
    return EventData(**{**named, **more})


def build(folder: Path, **more: Any) -> tuple[dict[str, Any], Path]:
    out = folder / "out"
    out.mkdir(exist_ok=True)
    return build_events(read(folder, **more), 0, out, Silent()), out


def names(folder: Path, numbers: np.ndarray) -> str:
    return "".join(read_items_table(folder).ids[number - 1] for number in numbers)


def refused(kind: type[PenjingError], folder: Path, *words: str, **more: Any) -> None:
    with pytest.raises(kind) as caught:
        build(folder, **more)
    for word in words:
        assert word in str(caught.value)


def test_the_last_event_of_each_user_is_for_the_test_and_the_one_before_to_choose_by(tmp_path: Path) -> None:
    days = ["v,e,2026-03-02", "v,d,2026-03-03T08:00", "v,a,2026-03-04"]
    write(tmp_path, ["u,c,2026-01-03", "u,a,2026-01-01", *days, "u,d,2026-01-04", "u,b,2026-01-02"])
    counts, out = build(tmp_path)
    assert [names(out, items) for items in read_training(out)] == ["ab", "e"]
    validation, test = read_questions(out, "validation"), read_questions(out, "test")
    assert [names(out, items) for items in validation.histories] == ["ab", "e"]
    assert [names(out, items) for items in test.histories] == ["abc", "ed"]
    assert (names(out, validation.targets), names(out, test.targets)) == ("cd", "da")
    assert counts["splits"] == {"train": {"rows": 3}, "validation": {"rows": 2}, "test": {"rows": 2}}
    catalog = read_items_table(out)
    assert catalog.texts[0] == "Alpha (1990)"
    assert catalog.counts.tolist() == [1, 1, 0, 0, 1]  # what is measured on makes nothing popular


def test_events_of_one_time_stay_in_the_order_of_the_file(tmp_path: Path) -> None:
    write(tmp_path, ["u,c,5", "u,a,5", "v,a,1", "u,b,5", "u,d,1"])
    counts, out = build(tmp_path)
    users = pq.read_table(out / "users.parquet").to_pylist()
    assert names(out, users[0]["items"]) == "dcab"
    assert counts["ties"] == 2


def test_a_user_with_two_events_is_learned_from_and_not_asked(tmp_path: Path) -> None:
    write(tmp_path, ["u,a,1", "u,b,2", "v,a,1", "v,b,2", "v,c,3"])
    counts, out = build(tmp_path)
    assert counts["short_users"] == 1
    assert [names(out, items) for items in read_training(out)] == ["ab", "a"]
    assert len(read_questions(out, "test").targets) == 1


def test_of_an_item_that_a_user_had_again_the_first_counts(tmp_path: Path) -> None:
    write(tmp_path, ["u,a,1", "u,b,2", "u,a,3", "u,a,3", "u,c,4"])
    counts, out = build(tmp_path)
    assert names(out, pq.read_table(out / "users.parquet").to_pylist()[0]["items"]) == "abc"
    assert counts["left_out"]["repeats"] == 2
    assert counts["kept"] == 3


def test_an_event_of_an_unknown_item_is_refused_by_file_and_row_or_dropped_and_counted(tmp_path: Path) -> None:
    write(tmp_path, ["u,a,1", "u,b,2", "u,x,3", "u,c,4"])
    refused(DataError, tmp_path, "events.csv, row 4", '"x" is not in the table', "unknown_items")
    counts, _ = build(tmp_path, unknown_items="drop")
    assert counts["left_out"]["unknown_items"] == 1
    assert counts["kept"] == 3


def test_an_item_without_text_is_refused_by_file_and_row_or_goes_with_its_events(tmp_path: Path) -> None:
    write(tmp_path, ["u,a,1", "u,b,2", "u,c,3", "u,f,4"], (*ITEMS, "f,,"))
    refused(DataError, tmp_path, "items.csv, row 7", '"f" has no text', '"title", "year"', "empty_text")
    counts, out = build(tmp_path, empty_text="drop")
    assert counts["left_out"]["without_text"] == 1
    assert counts["items_left_out"] == {"duplicates": 0, "without_text": 1}
    assert "f" not in read_items_table(out).ids


def test_an_item_may_stand_in_its_table_twice_but_not_with_two_texts(tmp_path: Path) -> None:
    events = ["u,a,1", "u,b,2", "u,c,3"]
    write(tmp_path, events, (*ITEMS, "a,Alpha,1990"))
    assert build(tmp_path)[0]["items_left_out"]["duplicates"] == 1
    write(tmp_path, events, (*ITEMS, "a,Omega,1990"))
    refused(DataError, tmp_path, "items.csv, row 7", '"a" has another text')


def test_rows_can_be_left_out_by_where_and_users_by_their_names(tmp_path: Path) -> None:
    write(tmp_path, ["u,a,1", "u,b,2", "u,c,3", "v,a,1", "v,d,2"])
    counts, _ = build(tmp_path, removed=("v",))
    assert counts["left_out"]["removed"] == 2
    assert counts["users"] == 1
    counts, _ = build(tmp_path, where={"user": "u"})
    assert counts["left_out"]["filtered"] == 2


@pytest.mark.parametrize(
    ("row", "word"),
    [("u,a,", '"time" is empty'), ("u,a,soon", '"soon", which is no time'), (",a,1", '"user" is empty'),
     ("u,,1", '"item" is empty'), ("u,a,nan", "which is no time"), ("u,a,inf", "which is no time")],
)  # fmt: skip
def test_a_row_that_says_no_user_item_or_time_is_refused(tmp_path: Path, row: str, word: str) -> None:
    write(tmp_path, ["u,a,1", "u,b,2", row, "u,c,4"])
    refused(DataError, tmp_path, "events.csv, row 4", word)


@pytest.mark.parametrize(
    ("times", "word"),
    [
        (["1", "2026-03-02", "3"], '"2026-03-02", a date, and at events.csv, row 2 "1", a number'),
        (["2026-03-02", "2026-03-03", "1772000000"], '"1772000000", a number, and at events.csv, row 2 "2026-03-02"'),
    ],
)
def test_numbers_and_dates_in_one_column_of_times_are_refused(tmp_path: Path, times: list[str], word: str) -> None:
    write(tmp_path, [f"u,{item},{time}" for item, time in zip("abc", times, strict=True)])
    row = 3 if times[0] == "1" else 4
    refused(DataError, tmp_path, f"events.csv, row {row}", word, "all times as numbers, or all as dates")
    write(tmp_path, [f"u,{item},{time}" for item, time in zip("abc", ("1", "2.5", "1e3"), strict=True)])
    build(tmp_path)


def test_a_missing_column_and_too_few_events_are_refused(tmp_path: Path) -> None:
    write(tmp_path, ["u,a,1", "u,b,2"])
    refused(DataError, tmp_path, "no user has 3 events")
    refused(RecipeError, tmp_path, "events.csv", '"when"', "time", time="when")
    refused(RecipeError, tmp_path, "items.csv", '"name"', text="{name}")
    write(tmp_path, ["u,a,1"], ITEMS[:2])
    refused(DataError, tmp_path, "1 items", "at least 2")


@pytest.mark.parametrize(
    ("more", "word"),
    [({"text": "title"}, "names no column"), ({"user": "item"}, "three columns"), ({"cold": 0.5}, "less than 0.5"),
     ({"columns": ("user", "item")}, '"time"')],
)  # fmt: skip
def test_impossible_settings_are_refused(tmp_path: Path, more: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        read(tmp_path, **more)


def test_cold_items_are_in_no_history_and_are_asked_about_with_what_came_before(tmp_path: Path) -> None:
    items = ("item,title,year", *(f"{number},Item {number},2000" for number in range(20)))
    rng = np.random.default_rng(0)
    events = [f"u{u},{i},{t}" for u in range(30) for t, i in enumerate(rng.permutation(20)[:12].tolist())]
    write(tmp_path, events, items)
    whole = {user: [] for user in range(30)}
    for event in events:
        user, item, _ = event[1:].split(",")
        whole[int(user)].append(item)
    counts, out = build(tmp_path, cold=0.2)
    warm, cold = read_items_table(out), read_cold_catalog(out)
    assert counts["cold"]["items"] == len(cold.ids) == 4
    assert not set(cold.ids) & set(warm.ids)
    assert cold.counts.sum() == 0
    asked, users = read_cold_questions(out), pq.read_table(out / "cold.parquet").column("user").to_pylist()
    assert counts["cold"]["questions"] == len(users) > 10
    for user, history, target, seen in zip(users, asked.histories, asked.targets, asked.seen, strict=True):
        order = whole[int(user[1:])]
        before = order[: order.index(cold.ids[target - 1])]
        assert [warm.ids[number - 1] for number in history] == [item for item in before if item in warm.ids]
        assert [cold.ids[number - 1] for number in seen] == [item for item in before if item in cold.ids]
    again, _ = build(tmp_path, cold=0.2)
    assert again == counts


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 5)), min_size=1, max_size=40))
def test_sequences_are_sorted_by_time_and_hold_each_item_once(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("events")
    write(folder, [f"u{user},{'abcde'[item]},{time}" for user, item, time in rows])
    found = read_sequences(read(folder), Silent()).items
    expected: dict[int, list[int]] = {}
    for user, item, _ in sorted(rows, key=lambda row: row[2]):  # stable, as the rule for ties says
        known = expected.setdefault(user, [])
        if item + 1 not in known:
            known.append(item + 1)
    order = list(dict.fromkeys(user for user, _, _ in rows))
    assert [items.tolist() for items in found] == [expected[user] for user in order]
    questions = last_questions(found)
    assert len(questions.targets) == sum(len(items) > 1 for items in expected.values())


def test_what_is_left_out_of_sequences_is_counted_with_users_who_have_nothing_left(tmp_path: Path) -> None:
    write(tmp_path, ["u,a,1", "u,sock,2", "u,b,3", "u,a,4", "v,sock,1", "w,c,1"])
    found = read_sequences(read(tmp_path, unknown_items="drop"), Silent())
    assert [items.tolist() for items in found.items] == [[1, 2], [3]]
    assert (found.read, found.left_out["unknown_items"], found.left_out["repeats"], found.lost_users) == (6, 2, 1, 1)


def test_events_none_of_whose_items_is_in_the_table_are_refused_by_their_column(tmp_path: Path) -> None:
    write(tmp_path, ["u,sock,1", "u,shoe,2"])
    refused(DataError, tmp_path, 'no item in the column "item" is in the table of items', unknown_items="drop")


def test_movielens_is_read_as_recbole_keeps_it(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "ml-100k"
    if not folder.is_dir():
        pytest.skip("MovieLens is not here")
    settings = EventData(
        path=str(folder / "ml-100k.inter"),
        items=str(folder / "ml-100k.item"),
        user="user_id:token",
        item="item_id:token",
        time="timestamp:float",
        id="item_id:token",
        text="{movie_title:token_seq} ({release_year:token})",
    )
    counts = build_events(settings, 0, tmp_path, Silent())
    assert (counts["read"], counts["users"], counts["items"]) == (100_000, 943, 1682)
    assert counts["splits"]["test"]["rows"] == 943
    assert read_items_table(tmp_path).texts[49] == "Star Wars (1977)"
