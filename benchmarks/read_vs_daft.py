"""Why sources are read by Penjing's own readers: the same files through Daft and through Penjing, side by side.

Every reading runs in a process of its own under a limit on its memory. Run: python benchmarks/read_vs_daft.py [MB]
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_LIMIT_BYTES = 6 << 30
_SECONDS = 120


def write_files(folder: Path, size_mb: int) -> dict[str, Path]:
    """Writes the files that are read, under what is asked of the reader."""
    files = {
        "broken UTF-8 in line 3": (folder / "broken.csv", b"text,label\nfine,1\nbad \xb0\xa1,0\nfine,1\n"),
        "row 3 has 3 cells of 2": (folder / "ragged.csv", b"text,label\nfine,1\na,b,0\nfine,1\n"),
        "blank line in JSON lines": (folder / "blank.jsonl", b'{"text": "a"}\n\n{"text": "b"}\n'),
        "one line of 10 MB": (folder / "long.csv", b"text,label\n" + b"x" * 10_000_000 + b",1\n"),
    }
    for path, content in files.values():
        path.write_bytes(content)
    big = folder / "big.csv"
    with big.open("w", encoding="utf-8") as file:
        file.write("text,label\n")
        number = 0
        while file.tell() < size_mb * 10**6:
            rows = range(number, number + 1000)
            file.writelines(f"review {row} {'some words of a review ' * 12},{row % 2}\n" for row in rows)
            number += 1000
    return {**{name: path for name, (path, _) in files.items()}, f"{size_mb} MB of CSV": big}


def read_daft(path: Path) -> str:
    """Reads a file in batches with Daft; returns what came of it."""
    import daft

    frame = daft.read_json(str(path)) if path.suffix == ".jsonl" else daft.read_csv(str(path))
    rows, missing = 0, 0
    for batch in frame.to_arrow_iter(results_buffer_size=1):
        rows += batch.num_rows
        missing += batch.column("text").null_count
    return f"{rows:,} rows" + (f", {missing} text silently None" if missing else "")


def read_penjing(path: Path) -> str:
    """Reads a file in batches with Penjing; returns what came of it."""
    from penjing.data.sources import Layout, read_file

    wanted = ["text"] if path.suffix == ".jsonl" else ["text", "label"]
    return f"{sum(len(batch.rows) for batch in read_file(path, wanted, Layout())):,} rows"


def read_here(reader: str, path: Path) -> None:
    """Reads in this process, and prints what came of it, seconds and peak memory as JSON."""
    from penjing.machine import peak_memory_mb

    resource.setrlimit(resource.RLIMIT_DATA, (_LIMIT_BYTES, _LIMIT_BYTES))
    start = time.perf_counter()
    try:
        outcome = {"daft": read_daft, "penjing": read_penjing}[reader](path)
    except Exception as error:  # noqa: BLE001 - whatever a reader raises is the result
        outcome = f"{type(error).__name__}: {' '.join(str(error).split())}"
    print(json.dumps([outcome, time.perf_counter() - start, peak_memory_mb()]))


def read_apart(reader: str, path: Path) -> tuple[str, str]:
    """Reads in another process; returns what came of it, and its time and memory."""
    silent = {"DAFT_ANALYTICS_ENABLED": "0", "DO_NOT_TRACK": "true", "DAFT_PROGRESS_BAR": "0"}
    command = [sys.executable, __file__, "--read", reader, str(path)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_SECONDS, env={**os.environ, **silent}
        )
    except subprocess.TimeoutExpired:
        return f"not done after {_SECONDS} s", ""
    with contextlib.suppress(ValueError, IndexError):
        outcome, seconds, peak = json.loads(done.stdout.splitlines()[-1])
        return outcome, f"{seconds:.2f} s, {peak:,} MB"
    return f"killed at the limit of {_LIMIT_BYTES >> 30} GiB (exit status {done.returncode})", ""


def main(size_mb: int) -> None:
    """Prints a line for each file and reader."""
    if importlib.util.find_spec("daft") is None:
        print("daft is not installed, so there is nothing to compare with: pip install daft")
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, path in write_files(Path(folder), size_mb).items():
            print(name)
            for reader in ("daft", "penjing"):
                outcome, cost = read_apart(reader, path)
                print(f"  {reader:<8} {cost:>18}  {outcome[:150]}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        read_here(sys.argv[2], Path(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
