"""A disk without room: one paragraph, nothing lost, and the same command goes on once there is room."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

#: A network whose checkpoints of about 6 MB do not fit where everything else does.
_WIDER = ("--set", "model.shape={embedding_size=192, hidden_size=192}", "--set", "finetune.epochs=1")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_full_disk_loses_nothing_and_with_room_the_same_command_finishes(
    cli: Any, trained: Any, small_disk: Path
) -> None:
    place = trained[0].copy_to(small_disk)
    before = place.published()
    failed = cli.run("run", "small.toml", *_WIDER, cwd=place.folder)
    failed.assert_refused(1, "the disk is full", "Nothing that was complete is lost", "run the same command again")
    assert place.published() == before
    assert {path.name.partition("-")[0] for path in (place.out / "stages").iterdir()} >= {"data", "examples"}

    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    finished = cli.run("run", "small.toml", *_WIDER, cwd=place.folder)
    assert finished.code == 0, finished.err
    states = [line.split(": ")[1] for line in finished.err.splitlines() if line[1:3] == "/5"]
    assert states[:3] == ["unchanged"] * 3
    assert place.published().keys() == before.keys()
    assert place.published() != before
    assert not list(place.out.rglob("*.part"))


def test_full_standard_output_is_said(cli: Any, trained: Any) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    command = " ".join(cli.command("lineage", "runs/small/model"))
    done = subprocess.run(
        f"{command} > /dev/full", shell=True, cwd=trained[0].folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("penjing: the system says: No space left on device.")
    assert len(done.stderr.splitlines()) == 1
