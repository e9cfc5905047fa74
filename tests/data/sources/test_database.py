"""Rows of databases: real ones."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from penjing.data.sources import Layout, read_file, source_files
from penjing.errors import DataError, RecipeError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "reviews.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE reviews (id INTEGER, body TEXT, stars REAL, photo BLOB)")
        rows = [(number, f"review {number} 评论", number / 2, b"\xff") for number in range(2500)]
        connection.executemany("INSERT INTO reviews VALUES (?, ?, ?, ?)", [*rows, (2500, None, None, None)])
    return path


def rows_of(address: str, *wanted: str) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for file in source_files(address):
        for batch in read_file(file, wanted, Layout()):
            rows += zip(*(batch.columns[name] for name in wanted), strict=True)
    return rows


def test_query_of_sqlite_gives_its_rows_with_their_types(database: Path) -> None:
    rows = rows_of(f"sqlite:{database}?SELECT body AS text, stars, id FROM reviews ORDER BY id", "text", "stars", "id")
    assert rows[:2] == [("review 0 评论", 0.0, 0), ("review 1 评论", 0.5, 1)]
    assert (len(rows), rows[-1]) == (2501, (None, None, 2500))


def test_query_is_asked_again_when_the_database_has_changed(database: Path) -> None:
    address = f"sqlite:{database}?select count(*) as text from reviews"
    assert rows_of(address, "text") == [(2501,)]
    assert source_files(address) == source_files(address)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM reviews WHERE id > 9")
    assert rows_of(address, "text") == [(10,)]


def test_wrong_query_is_refused_with_the_tables_and_writes_nothing(database: Path) -> None:
    before = database.read_bytes()
    with pytest.raises(RecipeError, match=r"no such column: text.*tables are: reviews \(id, body, stars, photo\)"):
        source_files(f"sqlite:{database}?SELECT text FROM reviews")
    with pytest.raises(RecipeError, match=r"there is no query.*tables are: reviews"):
        source_files(f"sqlite:{database}")
    with pytest.raises(RecipeError, match="there is no such database"):
        source_files("sqlite:nowhere.db?SELECT 1 AS text")
    with pytest.raises(RecipeError, match="readonly"):
        source_files(f"sqlite:{database}?WITH x AS (SELECT 1) DELETE FROM reviews RETURNING body AS text")
    assert database.read_bytes() == before


def test_cell_of_bytes_and_a_file_that_is_no_database_are_refused(database: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r'reviews\.db, row 1 of the query: column "photo" holds bytes'):
        source_files(f"sqlite:{database}?SELECT photo FROM reviews")
    (tmp_path / "a.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(DataError, match="file is not a database"):
        source_files(f"sqlite:{tmp_path / 'a.db'}?SELECT text FROM reviews")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Returns the address of a server of our own, started for these tests."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    program = shutil.which("initdb") or (str(found[-1]) if found else None)
    if program is None:
        pytest.skip("PostgreSQL is not installed")
    folder = tmp_path_factory.mktemp("postgresql")
    user = "nobody" if os.getuid() == 0 else None  # it refuses to run as root
    if user is not None:
        shutil.chown(folder, user)
        for parent in folder.parents[:3]:
            parent.chmod(parent.stat().st_mode | 0o011)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    data = folder / "data"
    subprocess.run([program, "-D", data, "-U", "reader", "-A", "trust", "-E", "UTF8"], user=user, check=True, stdout=-3)
    options = f"-h 127.0.0.1 -p {port} -k {folder}"
    control = [str(Path(program).with_name("pg_ctl")), "-D", str(data), "-w"]
    subprocess.run([*control, "-o", options, "-l", str(folder / "log"), "start"], user=user, check=True, stdout=-3)
    try:
        yield f"postgresql://reader@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], user=user, check=True, stdout=-3)


def test_query_of_postgresql_gives_its_rows(server: str) -> None:
    rows = rows_of(
        f"{server}?SELECT n AS id, '评论 ' || n AS text, DATE '2026-01-01' + n AS day FROM generate_series(1, 3000) n",
        *("id", "text", "day"),
    )
    assert (len(rows), rows[1]) == (3000, (2, "评论 2", "2026-01-03"))


def test_postgresql_says_what_it_refuses(server: str) -> None:
    with pytest.raises(RecipeError, match=r'refuses the query.*relation "nothing" does not exist'):
        source_files(f"{server}?SELECT text FROM nothing")
    with pytest.raises(DataError, match="cannot be reached"):
        source_files("postgresql://reader@127.0.0.1:1/postgres?SELECT 1 AS text")


@pytest.mark.parametrize(
    "address",
    [
        *(
            f"{scheme}://reader:{word}@host/x"
            for scheme in ("postgresql", "s3", "https")
            for word in ("geheim", "ge/heim")
        ),
        "postgresql://reader@host/x?password=geheim?SELECT 1 AS text",
    ],
)
def test_password_in_an_address_is_refused_and_not_shown(address: str) -> None:
    with pytest.raises(RecipeError, match="a password stands in the address") as caught:
        source_files(address)
    assert "heim" not in str(caught.value)


def test_two_columns_of_one_name_are_refused_and_what_was_asked_before_is_not_kept(
    database: Path, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match='the query gives 2 columns "body"'):
        source_files(f"sqlite:{database}?SELECT a.body, b.body FROM reviews a JOIN reviews b ON a.id = b.id")
    address = f"sqlite:{database}?SELECT body AS text FROM reviews WHERE id < 10"
    (before,) = source_files(address)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM reviews WHERE id = 3")
    (after,) = source_files(address)
    assert (before.exists(), after.exists()) == (False, True)


def test_database_with_a_log_of_changes_is_read_with_them(database: Path) -> None:
    address = f"sqlite:{database}?SELECT count(*) AS text FROM reviews"
    beside = {path.name for path in database.parent.iterdir()}
    assert rows_of(address, "text") == [(2501,)]
    assert {path.name for path in database.parent.iterdir()} - beside <= {".cache"}
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("DELETE FROM reviews WHERE id > 9")
        connection.commit()
        assert rows_of(address, "text") == [(10,)]
