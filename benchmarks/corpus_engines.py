"""A corpus by one process, by two, and by a local Ray of two workers: seconds and memory of the whole stage.

Reviews, repeated and changed to some size (as in `corpus_vs_peers.py`), with the four filters, personal data masked and
near duplicates. The contenders take turns; of each the fastest run counts, for other work on the machine only ever
slows one down. Seconds are those of a process from its start to its end, Ray's start among them; memory is the most of
all processes of a contender together, what they share in equal parts. All must write the same bytes.

python benchmarks/corpus_engines.py [--size 20] [--rounds 3] [--json]

Needs the extras quickstart, corpus, privacy and cluster.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from corpus_vs_peers import run_measured, write_corpus
from penjing.data.corpus import build_corpus
from penjing.data.engine import EngineSettings
from penjing.data.settings import PersonalData, TextData
from penjing.hashing import hash_folder
from penjing.machine import describe_machine
from penjing.progress import Silent

FILTERS = ("gopher_quality", "gopher_repetition", "fineweb", "c4")
CONTENDERS = (("local", 1), ("local", 2), ("ray", 2))


def build(source: Path, out: Path, kind: str, workers: int) -> None:
    """Does what is measured."""
    out.mkdir()
    personal = PersonalData(action="mask")
    settings = TextData(path=str(source), filters=FILTERS, personal=personal, near_duplicates=0.75, held_out=0.01)
    build_corpus(settings, None, 0, out, Silent(), EngineSettings(kind, workers))


def measure(size_mb: int, rounds: int) -> dict[str, Any]:
    """Lets the contenders take turns; returns the fastest run of each."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        source.mkdir()
        documents = write_corpus(source, size_mb)
        runs: dict[str, list[tuple[float, float]]] = {f"{kind}-{workers}": [] for kind, workers in CONTENDERS}
        contents = set()
        for number in range(rounds):
            for kind, workers in CONTENDERS:
                out = Path(folder) / f"{kind}-{workers}-{number}"
                command = [sys.executable, __file__, "--build", str(source), str(out), kind, str(workers)]
                runs[f"{kind}-{workers}"].append(run_measured(command))
                contents.add(hash_folder(out))
                print(
                    f"{kind}, {workers} workers: {runs[f'{kind}-{workers}'][-1][0]:.1f} s", file=sys.stderr, flush=True
                )
        assert len(contents) == 1, "the engines wrote different corpora"
    fastest = {name: min(found) for name, found in runs.items()}
    return {
        "size_mb": size_mb,
        "documents": documents,
        **{
            name: {
                "seconds": round(seconds, 1),
                "documents_per_s": round(documents / seconds),
                "memory_mb": round(memory),
                "all_seconds": [round(found, 1) for found, _ in runs[name]],
            }
            for name, (seconds, memory) in fastest.items()
        },
    }


def main() -> None:
    """Prints a row for each contender."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=20, help="MB")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--build", nargs=4, metavar=("SOURCE", "OUT", "KIND", "WORKERS"), help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.build:
        source, out, kind, workers = arguments.build
        build(Path(source), Path(out), kind, int(workers))
        return
    found = measure(arguments.size, arguments.rounds)
    if arguments.json:
        print(json.dumps({**found, "machine": describe_machine()}, indent=2))
        return
    for name, row in found.items():
        print(f"{name}: {row}")


if __name__ == "__main__":
    main()
