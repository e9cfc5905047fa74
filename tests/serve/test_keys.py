"""Keys are made and revoked in a file that does not hold them, and a server follows it."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("fastapi")

from penjing.errors import UsageError
from penjing.serve import keys
from penjing.serve.keys import KeyRing, create_key, read_keys, revoke_key


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(keys, "_LOOK_S", 0.0)
    return tmp_path / "keys.json"


def test_the_file_does_not_hold_the_key_and_only_its_owner_reads_it(path: Path) -> None:
    key, entry = create_key(path, "Anna")
    secret = key.removeprefix(f"pj-{entry.id}-")
    assert len(secret) == 43
    assert secret not in path.read_text(encoding="utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_keys_have_nothing_in_common(path: Path) -> None:
    (first, one), (second, two) = create_key(path, "Anna"), create_key(path, "Anna")
    assert first != second
    assert {one.id, one.salt, one.hash}.isdisjoint({two.id, two.salt, two.hash})
    assert [entry.name for entry in read_keys(path)] == ["Anna", "Anna"]


def test_keys_that_are_made_at_once_are_all_kept(path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = [entry for _, entry in threads.map(lambda number: create_key(path, f"user {number}"), range(16))]
    assert sorted(entry.id for entry in read_keys(path)) == sorted(entry.id for entry in made)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda entry: revoke_key(path, entry.id), made[:15]))
    assert [entry.id for entry in read_keys(path)] == [made[15].id]


def test_a_right_key_is_known_and_then_remembered(path: Path) -> None:
    key, entry = create_key(path, "Anna")
    ring = KeyRing(path)
    assert ring.remember(key) is None
    assert ring.check(key) == entry.id
    assert ring.remember(key) == entry.id


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: key[:-1],
        lambda key: key + "A",
        lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"),
        lambda key: "pj-000000000000" + key[15:],
        lambda key: key.upper(),
        lambda key: "",
        lambda key: "\ud800",
        lambda key: "pj-" * 100_000,
    ],
)
def test_a_wrong_key_is_not_known(path: Path, spoil: object) -> None:
    key, _ = create_key(path, "Anna")
    ring = KeyRing(path)
    wrong = spoil(key)  # type: ignore[operator]
    assert ring.check(wrong) is None
    assert ring.remember(wrong) is None


def test_a_key_that_is_revoked_or_made_while_a_server_runs_counts_at_once(path: Path) -> None:
    key, entry = create_key(path, "Anna")
    ring = KeyRing(path)
    assert ring.check(key) == entry.id
    later, _ = create_key(path, "Ben")
    assert ring.remember(later) is None
    assert ring.check(later)
    assert ring.check(key) == entry.id
    assert revoke_key(path, "Anna") == entry
    assert ring.remember(key) is None
    assert ring.check(key) is None
    path.unlink()
    assert ring.remember(later) is None
    assert ring.check(later) is None


def test_a_broken_file_changes_nothing_while_a_server_runs(path: Path) -> None:
    key, entry = create_key(path, "Anna")
    ring = KeyRing(path)
    path.write_text("{", encoding="utf-8")
    assert ring.check(key) == entry.id


def test_a_name_that_two_keys_have_revokes_neither(path: Path) -> None:
    create_key(path, "Anna")
    create_key(path, "Anna")
    with pytest.raises(UsageError, match="2 keys"):
        revoke_key(path, "Anna")
    with pytest.raises(UsageError, match="no key Ben"):
        revoke_key(path, "Ben")
    assert len(read_keys(path)) == 2


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"keys": [{}]}', b"\xff", b'{"key": []}'])
def test_what_is_no_file_of_keys_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(UsageError, match="no file of keys"):
        read_keys(path)
