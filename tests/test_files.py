"""Files and folders that are written beside, then renamed, and what belongs to others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from penjing.errors import UsageError
from penjing.files import (
    check_replaceable,
    folder_beside,
    process_mark,
    remove_abandoned,
    remove_leftovers,
    replace_folder,
)

_WRITES = """
import os, sys
from pathlib import Path
from penjing.files import folder_beside
with folder_beside(Path(sys.argv[1])) as beside:
    (beside / "half").touch()
    print(beside.name, flush=True)
    os._exit(1)  # as if it was killed
"""


def test_folder_that_cannot_be_replaced_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = tmp_path / "model", tmp_path / "new"
    for folder, text in ((old, "before"), (new, "after")):
        folder.mkdir()
        (folder / "card").write_text(text)
    rename = Path.rename

    def fail_once(path: Path, target: Path) -> Path:
        if path == new:
            raise PermissionError("no")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_once)
    with pytest.raises(PermissionError):
        replace_folder(new, old)
    assert (old / "card").read_text() == "before"
    monkeypatch.undo()
    replace_folder(new, old)
    assert (old / "card").read_text() == "after"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]


def test_only_what_we_have_left_is_removed(tmp_path: Path) -> None:
    ours, others = (".model.41.part", ".model.41.old"), (".notes.part", ".2019.old", "model.41.part", ".a.b.old")
    for name in (*ours, *others):
        (tmp_path / name).mkdir()
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)


def test_folder_of_others_is_not_replaced(tmp_path: Path) -> None:
    place = tmp_path / "index"
    check_replaceable(place, "index.json", "it")
    place.mkdir()
    check_replaceable(place, "index.json", "it")
    (place / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="there are other things in this folder"):
        check_replaceable(place, "index.json", "it")
    with pytest.raises(UsageError, match="there is a file of this name"):
        check_replaceable(place / "thesis.txt", "index.json", "it")
    (place / "index.json").write_text("{}")
    check_replaceable(place, "index.json", "it")


def test_only_what_a_process_of_this_machine_left_is_removed_at_once(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", _WRITES, str(tmp_path / "a")], capture_output=True, text=True)
    left = tmp_path / ended.stdout.strip()
    assert left.is_dir()
    number = left.name.split(".")[-2]
    elsewhere = [f".a.m00000000.{number}.part", f".a.{number}.part"]  # of another container, and of an older version
    for name in [*elsewhere, ".old.m00000000.1.part", ".a.part"]:
        (tmp_path / name).mkdir()
    file = tmp_path / ".old.m00000000.1.part" / "half"
    file.touch()
    with folder_beside(tmp_path / "b") as going_on:
        for path in (file, file.parent):
            os.utime(path, (1, 1))
        fresh = tmp_path / ".busy.m00000000.1.part"
        fresh.mkdir()
        (fresh / "half").touch()
        os.utime(fresh, (1, 1))  # a file in it was written since
        remove_abandoned(tmp_path)
        kept = sorted(path.name for path in tmp_path.iterdir())
        assert kept == sorted([*elsewhere, ".a.part", fresh.name, going_on.name])


def test_the_mark_of_a_process_ends_in_its_number() -> None:
    assert process_mark().rpartition(".")[2] == str(os.getpid())
