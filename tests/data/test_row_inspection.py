"""What is shown of the rows of a run is what is in them."""

from __future__ import annotations

import csv
from pathlib import Path

from penjing.data.event_settings import EventData
from penjing.data.events import build_events
from penjing.data.label_sets import build_label_sets
from penjing.data.label_settings import MultilabelData
from penjing.data.row_inspection import inspect_rows, row_folders
from penjing.progress import Silent


def test_of_events_users_items_and_histories_are_counted(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "ml-100k"
    named = {"user": "user_id:token", "item": "item_id:token", "time": "timestamp:float", "id": "item_id:token"}
    settings = EventData(
        path=str(folder / "ml-100k.inter"),
        items=str(folder / "ml-100k.item"),
        text="{movie_title:token_seq}",
        **named,  # type: ignore[arg-type]
    )
    build_events(settings, 0, tmp_path, Silent())
    found = inspect_rows(tmp_path, 4)
    assert found.are_events
    assert found.read == {"ml-100k.inter": 100_000, "ml-100k.item": 1682}
    assert (found.counts["users"], found.counts["items"], found.removed) == (943, 1682, {})
    assert sum(found.tables["histories"].values()) == 943
    assert next(iter(found.tables["popular"])) == "Star Wars"
    assert len(found.examples) == 4
    with (folder / "ml-100k.inter").open(encoding="utf-8") as file:
        users = [row[0] for row in csv.reader(file, delimiter="\t")]
    assert all(users.count(example.source) == example.row for example in found.examples)
    assert inspect_rows(tmp_path, 4) == found


def test_of_several_labels_a_row_labels_and_sets_are_counted(tmp_path: Path) -> None:
    rows = [(f"text {n}", ("film|plot", "film", "", "plot|music")[n % 4]) for n in range(40)] + [("text 0", "film")]
    with (tmp_path / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "labels"), *rows])
    out = tmp_path / "data"
    out.mkdir()
    build_label_sets(MultilabelData(path=str(tmp_path / "rows.csv"), separator="|"), 0, out, Silent())
    assert row_folders(out) == {"": out}
    found = inspect_rows(out, 3)
    assert found.removed == {"duplicates": 1, "conflicts": 1}
    assert found.tables["labels"] == {"film": 20, "plot": 20, "music": 10}
    assert found.tables["labels_a_row"] == {"0": 10, "1": 10, "2": 20}
    assert set(found.tables["sets"].values()) == {10}
    assert found.tables["lengths"] == {"4–7": 40}
    for example in found.examples:
        assert dict(rows[:40])[example.text] == "|".join(
            label for label in ("film", "plot", "music") if label in example.labels
        )
