"""Calls whose recipe names a data set of the hub: on a copy, and where the hub cannot be reached."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROWS = "hf://datasets/somebody/rows"


def environment(tmp_path: Path, proxy: str, **more: str) -> dict[str, str]:
    """Returns an environment in which the hub lies behind a proxy."""
    kept = {name: value for name, value in os.environ.items() if name.upper() not in ("HTTPS_PROXY", "NO_PROXY")}
    return {**kept, "HOME": str(tmp_path / "home"), "HTTPS_PROXY": proxy, "OMP_NUM_THREADS": "1", **more}


def test_run_on_a_copy_says_so_and_is_the_run_on_the_same_rows(workplace: Any, cli: Any, tmp_path: Path) -> None:
    (tmp_path / "copies" / "rows").mkdir(parents=True)
    (workplace.folder / "rows.csv").rename(tmp_path / "copies" / "rows" / "rows.csv")
    call = type(cli)()
    call.environment = environment(tmp_path, "http://127.0.0.1:9", PENJING_DATA=str(tmp_path / "copies"))
    finished = call.run("run", "small.toml", "--set", f"data.path={ROWS}", cwd=workplace.folder)
    assert finished.code == 0, finished.err
    first, *stages = finished.err.splitlines()
    assert first == f"data: {tmp_path / 'copies' / 'rows'} is used for {ROWS} (PENJING_DATA)"
    assert all(line.endswith(": unchanged") for line in stages)


def test_hub_that_cannot_be_reached_ends_with_1_and_one_paragraph(workplace: Any, cli: Any, tmp_path: Path) -> None:
    pytest.importorskip("daft")
    call = type(cli)()
    call.environment = environment(tmp_path, "http://127.0.0.1:9", PENJING_DATA=str(tmp_path))
    for command in ("run", "plan"):
        finished = call.run(command, "small.toml", "--set", f"data.path={ROWS}", cwd=workplace.folder)
        finished.assert_refused(1, ROWS, "cannot be reached", "--set data.path=", "PENJING_DATA", "lies as rows")


def test_ctrl_c_while_the_hub_is_read_ends_with_130(workplace: Any, cli: Any, tmp_path: Path) -> None:
    pytest.importorskip("daft")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the call and never answers
        silent.settimeout(120)
        process = subprocess.Popen(
            cli.command("run", "small.toml", "--set", f"data.path={ROWS}"),
            cwd=workplace.folder,
            env=environment(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        silent.accept()
        os.killpg(process.pid, signal.SIGINT)
        cli.finish(process).assert_refused(130, "stopped as asked", "Run the same command again")
    assert not any((tmp_path / "home" / ".cache" / "penjing" / "hub" / "somebody").iterdir())
