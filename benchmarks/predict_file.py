"""Answers a million rows with `penjing predict --file --out`: speed, memory, and what a kill -9 half-way changes.

    python benchmarks/predict_file.py [--rows 1000000]

A small sentiment model is trained first on generated reviews. One call answers all rows; another is killed when it has
answered half of them, and called again; both files must be the same byte for byte. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RECIPE = """\
name = "reviews"

[data]
path = "reviews.csv"

[tokenizer]
kind = "word"
vocab_size = 300

[model]
family = "lstm"
shape = { embedding_size = 64, hidden_size = 64 }

[finetune]
epochs = 2
"""
WORDS = {"positive": ["lovely", "warm", "bright", "funny"], "negative": ["dull", "slow", "empty", "gray"]}
THINGS = ["film", "plot", "scene", "actor", "story", "ending", "camera", "dialogue", "music", "crowd"]


def write_reviews(path: Path, rows: int, *, labels: bool) -> None:
    """Writes reviews of 5 to 40 words."""
    rng = random.Random(rows)
    with path.open("w", encoding="utf-8") as file:
        file.write("text,label\n" if labels else "text\n")
        for number in range(rows):
            label = ("positive", "negative")[number % 2]
            words = [*rng.choices(THINGS, k=rng.randint(4, 39)), rng.choice(WORDS[label])]
            rng.shuffle(words)
            file.write(f"{' '.join(words)} {number}{',' + label if labels else ''}\n")


def start(folder: Path, out: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "penjing", "predict", "runs/reviews/model", "--file", "rows.csv", "--out", out]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)


def finish(process: subprocess.Popen[bytes]) -> tuple[float, float]:
    """Returns seconds that are left until a call ends, and the most memory that it had, in MB."""
    began = time.perf_counter()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def rows_done(journal: Path) -> int:
    """Returns how many rows a journal has."""
    lines = journal.read_bytes().split(b"\n")[:-1] if journal.exists() else []
    return int(json.loads(lines[-1]).get("rows", 0)) if lines else 0


def measure(folder: Path, rows: int) -> dict[str, Any]:
    (folder / "reviews.toml").write_text(RECIPE, encoding="utf-8")
    write_reviews(folder / "reviews.csv", 2000, labels=True)
    subprocess.run(
        [sys.executable, "-m", "penjing", "run", "reviews.toml"], cwd=folder, check=True, capture_output=True
    )
    write_reviews(folder / "rows.csv", rows, labels=False)
    seconds, memory = finish(start(folder, "whole.csv"))
    killed = start(folder, "killed.csv")
    while rows_done(folder / "killed.csv.journal") < rows // 2:
        assert killed.poll() is None
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    before = rows_done(folder / "killed.csv.journal")
    _, resumed_memory = finish(start(folder, "killed.csv"))
    digests = [
        hashlib.file_digest((folder / f"{name}.csv").open("rb"), "sha256").hexdigest() for name in ("whole", "killed")
    ]
    return {
        "rows": rows,
        "file_mb": round((folder / "rows.csv").stat().st_size / 1e6, 1),
        "answers_mb": round((folder / "whole.csv").stat().st_size / 1e6, 1),
        "seconds": round(seconds, 1),
        "rows_per_s": round(rows / seconds),
        "most_memory_mb": round(memory),
        "killed_after_rows": before,
        "most_memory_after_it_mb": round(resumed_memory),
        "same_file": digests[0] == digests[1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder), arguments.rows), indent=2))


if __name__ == "__main__":
    main()
