"""Data that cannot be used: refused in one paragraph before anything is trained, and an earlier run is kept."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest


class Case(NamedTuple):
    """A file that is put there under a name, settings, and what must come of it."""

    code: int
    words: list[str]
    name: str = "rows.csv"
    content: bytes | None = None
    settings: tuple[str, ...] = ()


def _rows(count: int) -> bytes:
    return b"text,label\n" + b"".join(b"film %d,%s\n" % (n, (b"good", b"bad")[n % 2]) for n in range(count))


_LONG = _rows(60) + b"x" * 10_000_000 + b",good\n"
CASES = {
    "file that is not there, the nearest named": Case(
        2, ["row.csv: there is no such file", 'Did you mean "rows.csv"?'], settings=("data.path=row.csv",)
    ),
    "label that is not among those named": Case(
        1,
        ["rows.csv, row 3", '"negative"', "the labels are positive, neutral", "[data] labels"],
        settings=('data.labels=["positive", "neutral"]',),
    ),
    "empty text": Case(1, ["a.csv, row 3", '"text" is empty', "empty_text"], "a.csv", b"text,label\na,b\n ,b\nc,d\n"),
    "one label only": Case(1, ["a.csv", 'the label "b"', "at least two"], "a.csv", b"text,label\na,b\nc,b\nd,b\n"),
    "three rows in all": Case(1, ["a.csv", "with 3 rows", "Add rows"], "a.csv", _rows(3)),
    "broken UTF-8, its line named": Case(
        1, ["a.csv, line 62, byte ", "0xC4 is no UTF-8", "iconv"], "a.csv", _rows(60) + b"\xc4\xe3,good\n"
    ),
    "line of 10 MB, the setting named": Case(1, ["a.csv, line 62", "longer than 8 MB", "max_line_mb"], "a.csv", _LONG),
}


@pytest.fixture(scope="module")
def answers(cli: Any, trained: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every case into a folder of its own that holds the same good run."""
    calls = {}
    for number, (name, case) in enumerate(CASES.items()):
        own = trained[0].copy_to(tmp_path_factory.mktemp(f"data-{number}"))
        settings = case.settings
        if case.content is not None:
            (own.folder / case.name).write_bytes(case.content)
            settings = (f"data.path={case.name}", *settings)
        overrides = [word for item in settings for word in ("--set", item)]
        calls[name] = cli.call(own.folder, ["run", "small.toml", *overrides])
    finished = cli.run_all(calls)
    return {name: (finished[name], trained[0].at(call.cwd)) for name, call in calls.items()}


@pytest.mark.parametrize("name", CASES)
def test_bad_data_end_in_one_paragraph_and_the_good_run_is_kept(
    name: str, answers: dict[str, Any], trained: Any
) -> None:
    finished, place = answers[name]
    finished.assert_refused(CASES[name].code, *CASES[name].words)
    assert place.published() == trained[0].published()


def test_model_of_the_earlier_run_still_answers_after_a_failed_run(cli: Any, answers: dict[str, Any]) -> None:
    _, place = answers["empty text"]
    answer = cli.run("predict", "runs/small/model", "A lovely film", cwd=place.folder)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.endswith("\tA lovely film\n")


def test_line_of_10_mb_is_read_where_the_recipe_allows_it(cli: Any, workplace: Any) -> None:
    (workplace.folder / "rows.csv").write_bytes(_LONG)
    finished = cli.run("run", "small.toml", "--set", "data.max_line_mb=11", cwd=workplace.folder)
    assert finished.code == 0, finished.err


def test_windows_line_ends_and_byte_order_mark_make_the_same_data(cli: Any, workplace: Any) -> None:
    path = workplace.folder / "rows.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    finished = cli.run("run", "small.toml", cwd=workplace.folder)
    assert finished.code == 0, finished.err
    data, *others = finished.err.splitlines()
    assert data.startswith("1/5 data: ")
    assert not data.endswith("unchanged")  # the file's bytes are others, so the stage was done again
    assert [line.split(": ")[1] for line in others] == ["unchanged"] * 4  # and left the same content
