"""Files and folders that are written beside, then renamed, and what belongs to others."""

from __future__ import annotations

from pathlib import Path

import pytest

from penjing.errors import UsageError
from penjing.files import check_replaceable, remove_leftovers, replace_folder


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
