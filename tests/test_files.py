"""What was being written is taken for abandoned where its process is no more, and never where nobody can say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from penjing.files import folder_beside, process_mark, remove_abandoned

_WRITES = """
import os, sys
from pathlib import Path
from penjing.files import folder_beside
with folder_beside(Path(sys.argv[1])) as beside:
    (beside / "half").touch()
    print(beside.name, flush=True)
    os._exit(1)  # as if it was killed
"""


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
