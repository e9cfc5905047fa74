"""Peak memory and speed of the data stages, for 10 MB, 100 MB and 1 GB of CSV: memory should hardly grow.

Run: python benchmarks/data_memory.py [MB …]
"""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_WORDS = 20_000
_DUPLICATES = 0.02


def write_reviews(path: Path, size_mb: int) -> int:
    """Writes distinct texts of Zipf-distributed words, 2% of them twice, with a label; returns the rows."""
    random_ = random.Random(size_mb)
    words = ["".join(random_.choices("etaoinshrdlu", k=random_.randint(2, 9))) for _ in range(_WORDS)]
    words[::50] = [word + "é" for word in words[::50]]
    weights = [1 / rank for rank in range(1, _WORDS + 1)]
    rows = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label", "source"])
        while file.tell() < size_mb * 10**6:
            drawn = random_.choices(words, weights, k=20_000)
            start = 0
            while start < len(drawn):
                stop = start + random_.randint(10, 120)
                text = " ".join(drawn[start:stop]) + (', "really".' if random_.random() < 0.3 else ".")
                row = [text, random_.choice(["neg", "pos"]), "made"]
                writer.writerows([row] * (2 if random_.random() < _DUPLICATES else 1))
                rows += 1
                start = stop
    return rows


def build(what: str, source: Path, out: Path) -> None:
    """Builds one artifact in this process, and prints its figures as JSON."""
    from penjing.data.corpus import build_corpus
    from penjing.data.label_settings import LabelledData
    from penjing.data.labelled import build_labelled
    from penjing.data.settings import TextData
    from penjing.machine import peak_memory_mb, restart_peak_memory
    from penjing.progress import Silent

    restart_peak_memory()
    before = peak_memory_mb()
    start = time.perf_counter()
    if what == "labelled":
        counts = build_labelled(LabelledData(path=str(source)), 0, out, Silent())
    else:
        counts = build_corpus(TextData(path=str(source)), None, 0, out, Silent())
    seconds = time.perf_counter() - start
    print(
        json.dumps(
            {
                "seconds": seconds,
                "before_mb": before,
                "peak_mb": peak_memory_mb(),
                "rows": counts["read"],
                "duplicates": counts["duplicates"],
            }
        )
    )


def main(sizes: list[int]) -> None:
    """Prints a line for each size and artifact."""
    print(f"{'CSV':>8} {'artifact':<9} {'rows':>10} {'duplicates':>10} {'at start':>9} {'peak':>8} {'speed':>10}")
    for size_mb in sizes:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "reviews.csv"
            write_reviews(source, size_mb)
            for what in ("labelled", "corpus"):
                out = Path(folder) / what
                out.mkdir()
                command = [sys.executable, __file__, "--build", what, str(source), str(out)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                figures = json.loads(done.stdout)
                speed = source.stat().st_size / 1e6 / figures["seconds"]
                print(
                    f"{size_mb:>5} MB {what:<9} {figures['rows']:>10,} {figures['duplicates']:>10,} "
                    f"{figures['before_mb']:>6} MB {figures['peak_mb']:>5} MB {speed:>5.0f} MB/s",
                    flush=True,
                )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--build"]:
        build(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
    else:
        main([int(size) for size in sys.argv[1:]] or [10, 100, 1000])
