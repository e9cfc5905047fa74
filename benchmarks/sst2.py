"""Where the benchmarks read SST-2 from: tab-separated text and class, in ../shared/data/sst2 or $PENJING_DATA/sst2."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def read_rows(split: str) -> tuple[list[str], list[int]]:
    """Returns texts and classes of a split (train, dev or test), or ends saying that they are missing."""
    file = Path(os.environ.get("PENJING_DATA", "../shared/data")) / "sst2" / f"{split}.tsv"
    if not file.is_file():
        sys.exit(f"{file} is missing: this benchmark needs SST-2, here or in the folder sst2 of $PENJING_DATA.")
    texts, labels = zip(*(line.rsplit("\t", 1) for line in file.read_text("utf-8").splitlines()), strict=True)
    return list(texts), [int(label) for label in labels]
