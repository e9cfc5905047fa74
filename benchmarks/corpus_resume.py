"""Kills the building of a corpus with SIGKILL, calls it again, and compares it with one that was left alone.

What is built is the corpus of corpus_vs_peers.py: reviews, repeated and changed to some size, with filters, normal
form, masked personal data and near duplicates. It is killed at some shares of the time that it takes undisturbed, each
time from the beginning. Told are the seconds until the kill, from then to the end, both together beside the
undisturbed, and whether every file is the same to the byte.

python benchmarks/corpus_resume.py [--size-mb 100] [--shares 0.25 0.5 0.75 0.9] [--json]

Needs the extras quickstart and corpus. Ten times as long as one build.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from corpus_vs_peers import FILTERS, write_corpus
from penjing.data.corpus import build_corpus
from penjing.data.engine import EngineSettings
from penjing.data.settings import TextData
from penjing.hashing import hash_folder
from penjing.machine import describe_machine
from penjing.progress import Silent


def build(source: Path, out: Path) -> None:
    """Builds it, or goes on."""
    wanted = {"normalize": {}, "personal": {"action": "mask"}, "filters": FILTERS, "near_duplicates": 0.75}
    settings = TextData.model_validate({"path": f"{source}/*.jsonl", **wanted})
    out.mkdir(parents=True, exist_ok=True)
    build_corpus(settings, None, 0, out, Silent(), EngineSettings(workers=2))


def finish(command: list[str]) -> float:
    """Runs to the end; returns the seconds."""
    began = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - began


def kill_and_finish(command: list[str], out: Path, after_s: float) -> dict[str, Any]:
    """Kills it after some seconds and calls it again; returns the times, and how many parts were finished."""
    process = subprocess.Popen(command)
    time.sleep(after_s)
    process.kill()
    process.wait()
    parts = len(list(out.glob(".parts/*.json")))
    seconds = finish(command)
    return {"killed_after_s": round(after_s, 1), "parts": parts, "then_s": round(seconds, 1)}


def main() -> None:
    """Prints a row for each kill."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size-mb", type=int, default=100)
    parser.add_argument("--shares", type=float, nargs="*", default=[0.25, 0.5, 0.75, 0.9])
    parser.add_argument("--build", nargs=2, metavar=("SOURCE", "OUT"), help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.build:
        build(*map(Path, arguments.build))
        return
    kills = []
    with tempfile.TemporaryDirectory() as folder:
        source, whole = Path(folder) / "source", Path(folder) / "whole"
        source.mkdir()
        write_corpus(source, arguments.size_mb)
        seconds = finish([sys.executable, __file__, "--build", str(source), str(whole)])
        for number, share in enumerate(arguments.shares):
            out = Path(folder) / f"killed-{number}"
            command = [sys.executable, __file__, "--build", str(source), str(out)]
            kill = kill_and_finish(command, out, share * seconds)
            together = (kill["killed_after_s"] + kill["then_s"]) / seconds
            is_same = hash_folder(out) == hash_folder(whole)
            kills.append({**kill, "beside_undisturbed": round(together, 2), "is_same": is_same})
    if arguments.json:
        result = {"machine": describe_machine(), "size_mb": arguments.size_mb, "undisturbed_s": round(seconds, 1)}
        print(json.dumps({**result, "kills": kills}, indent=2))
        return
    print(f"{describe_machine()}\n{arguments.size_mb} MB, undisturbed: {seconds:.1f} s")
    for kill in kills:
        times = f"after {kill['killed_after_s']:6.1f} s, with {kill['parts']:2} parts; then {kill['then_s']:6.1f} s"
        same = "the same" if kill["is_same"] else "NOT THE SAME"
        print(f"killed {times}: {kill['beside_undisturbed']:.2f} times as long; {same} to the byte")


if __name__ == "__main__":
    main()
