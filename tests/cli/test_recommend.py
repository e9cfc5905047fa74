"""A model that ranks items, on the command line: asked, planned and measured; what will not do is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def place(event_run_of: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model ``model``, events of its items, events of others, and some that will not do."""
    run, folder = event_run_of("sasrec"), tmp_path_factory.mktemp("recommend")
    (folder / "model").symlink_to(run.model)
    rows = ["who,what,when", "x,g1,1", "x,g2,2", "x,g3,3", "y,b4,1.5", "y,b5,2.5"]
    (folder / "events.csv").write_text("\n".join(rows), encoding="utf-8")
    (folder / "unknown.csv").write_text("\n".join([*rows, "y,sock,3.5", "z,sock,1", "x,g1,9"]), encoding="utf-8")
    (folder / "none.csv").write_text("who,what,when\nx,sock,1\nx,shoe,2", encoding="utf-8")
    (folder / "histories.txt").write_text("g1\tg2\nb4\n", encoding="utf-8")
    return folder


def test_items_come_line_by_line_and_as_json(cli: Any, place: Path) -> None:
    calls = {
        "given": cli.call(place, ["predict", "model", "g1", "g2", "--top", "3"]),
        "json": cli.call(place, ["predict", "model", "g1", "sock", "--top", "2", "--json"]),
        "file": cli.call(place, ["predict", "model", "--file", "histories.txt", "--top", "3"]),
        "lines": cli.call(place, ["predict", "model", "--top", "3"], b"g1\tg2\nb4\n"),
    }
    done = cli.run_all(calls)
    assert [finished.err for finished in done.values()] == [""] * len(calls)
    given = [line.split("\t") for line in done["given"].out.splitlines()]
    assert len(given) == 3
    assert given[0][2].startswith("green")
    (answer,) = json.loads(done["json"].out)
    assert (answer["history"], answer["new"], len(answer["items"])) == (["g1", "sock"], ["sock"], 2)
    assert done["file"].out == done["lines"].out
    assert [line.split("\t")[1:] for line in done["file"].out.splitlines()[:3]] == given


def test_empty_histories_of_standard_input_keep_the_numbers_of_the_others(cli: Any, place: Path) -> None:
    done = cli.run("predict", "model", "--top", "1", cwd=place, stdin=b"g1\tg2\n\nb4\n")
    assert [line.split("\t")[0] for line in done.out.splitlines()] == ["1", "", "3"]
    assert done.err == "standard input: 1 empty line has no answer\n"


def test_a_model_is_measured_on_the_last_event_of_each_user(cli: Any, place: Path) -> None:
    columns = ["--user", "who", "--item", "what", "--time", "when", "--resamples", "100"]
    calls = {
        "json": cli.call(place, ["evaluate", "model", "events.csv", *columns, "--json"]),
        "shown": cli.call(place, ["evaluate", "model", "events.csv", *columns]),
    }
    done = cli.run_all(calls)
    found = json.loads(done["json"].out)
    assert found["rows"] == 2
    assert set(found["scores"]) == {"ndcg_10", "hit_rate_10", "mrr", "coverage_10"}
    assert "but those that the user had already" in done["shown"].out


def test_events_of_items_that_the_model_does_not_know_are_left_out_and_counted(cli: Any, place: Path) -> None:
    columns = ["--user", "who", "--item", "what", "--time", "when", "--resamples", "100"]
    done = cli.run_all(
        {
            "known": cli.call(place, ["evaluate", "model", "events.csv", *columns, "--json"]),
            "json": cli.call(place, ["evaluate", "model", "unknown.csv", *columns, "--json"]),
            "shown": cli.call(place, ["evaluate", "model", "unknown.csv", *columns]),
        }
    )
    known, found = json.loads(done["known"].out), json.loads(done["json"].out)
    assert found["scores"] == known["scores"]
    assert (known["left_out"], known["short_users"]) == ({"unknown_items": 0, "repeats": 0}, 0)
    assert (found["events"], found["left_out"], found["short_users"]) == (8, {"unknown_items": 2, "repeats": 1}, 1)
    said = "Left out of 8 events: 2 of items that the model does not know, 1 of items that the user had before. 1 users"
    assert said in done["shown"].out


def test_what_will_not_do_is_refused_in_a_paragraph(cli: Any, place: Path, small_run: Any) -> None:
    columns = ["--user", "who", "--item", "what", "--time", "when"]
    (place / "labels").symlink_to(small_run.model)
    done = cli.run_all(
        {
            "column": cli.call(place, ["evaluate", "model", "events.csv"]),
            "same": cli.call(place, ["evaluate", "model", "events.csv", "--user", "who", "--item", "who"]),
            "item": cli.call(place, ["evaluate", "model", "events.csv", *columns[:3], "when", "--time", "what"]),
            "none": cli.call(place, ["evaluate", "model", "none.csv", *columns]),
            "top": cli.call(place, ["predict", "labels", "a film", "--top", "3"]),
            "history": cli.call(place, ["predict", "model", " "]),
        }
    )
    done["column"].assert_refused(2, "events.csv", '"user"', "who, what, when")
    done["same"].assert_refused(2, "three columns")
    done["item"].assert_refused(1, "events.csv, row 2", '"g1", which is no time')
    done["none"].assert_refused(1, "none.csv", 'no item in the column "what"', "--item")
    done["top"].assert_refused(2, "--top is for items", "sentiment")
    done["history"].assert_refused(2, "row 1", "no item")
