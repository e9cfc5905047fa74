"""Where the benchmarks of labels read from: SST-2 and ChnSentiCorp, in ../shared/data or $PENJING_DATA."""

from __future__ import annotations

import sys
from pathlib import Path

from penjing.data.reading import read_rows
from shared_data import data_folder

SETS = {
    "sst2": {"text": "text", "columns": ("text", "label")},
    "chnsenticorp": {"text": "text_a", "columns": None},
}


def folder_of(name: str) -> Path:
    """Returns where the files of a set lie."""
    return data_folder() / name


def read_set(name: str, split: str) -> tuple[list[str], list[int]]:
    """Returns texts and classes, 0 or 1, of a split (train, dev or test), or ends saying that they are missing."""
    file = folder_of(name) / f"{split}.tsv"
    if not file.is_file():
        sys.exit(f"{file} is missing: this benchmark needs {name}, here or in $PENJING_DATA.")
    texts: list[str] = []
    classes: list[int] = []
    for rows in read_rows(str(file), SETS[name]["text"], "label", columns=SETS[name]["columns"]):
        texts += rows.texts
        classes += map(int, rows.labels)
    return texts, classes
