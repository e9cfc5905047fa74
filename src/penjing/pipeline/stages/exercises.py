"""Rows to practise on, made of the training texts and of the corpus: a file for each course."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

from penjing.data.reading import iter_texts
from penjing.errors import DataError
from penjing.files import write_beside
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_kinds import practising, practising_room
from penjing.pipeline.stage import Stage, StageContext
from penjing.progress import Progress, stop_if_asked

_MOST_CHARACTERS = 50_000  # of a text that exercises are made of; the rest of a book gives none


def exercises_file(folder: Path, course: str) -> Path:
    """Returns where the rows of a course lie in the folder of the stage."""
    return folder / f"{course}.jsonl"


def _run(context: StageContext) -> dict[str, Any]:
    recipe, inputs = context.recipe, context.inputs
    practice = practising(recipe)
    assert practice is not None
    most = max(course.exercises for course in practice.courses.values())
    own = list(dict.fromkeys(_texts(inputs["data"] / "train.parquet", context.progress)))
    corpus = inputs["corpus"] / "texts.parquet" if "corpus" in inputs else None
    others = draw_texts(_texts(corpus, context.progress), most, recipe.seed) if corpus is not None else []
    made = {}
    for name, course in practice.courses.items():
        stop_if_asked(context.progress)
        rng = Random(f"{recipe.seed} {name}")
        rows = list(course.make(own, others, practising_room(recipe), rng))
        if len(rows) < 2:
            raise DataError(
                f"of {len(own) + len(others):,} texts {len(rows)} exercises could be made: nearly all have fewer than "
                "two sentences",
                where=f"[practice.{name}]",
                do="Give longer texts in [corpus], or leave the course out.",
            )
        rng.shuffle(rows)
        kept = rows[: course.exercises]
        _write(exercises_file(context.folder, name), kept)
        made[name] = {"made": len(rows), "exercises": len(kept)}
    return {"texts": len(own) + len(others), "courses": made}


def draw_texts(texts: Iterable[str], most: int, seed: int) -> list[str]:
    """Returns so many texts at most, an even draw (algorithm R of Vitter 1985), in memory that they alone take.

    Args:
        texts: in any number.
        most: how many are kept.
        seed: decides which.
    """
    rng, kept = Random(seed), list[str]()
    for number, text in enumerate(texts):
        if number < most:
            kept.append(text)
        elif (place := rng.randrange(number + 1)) < most:
            kept[place] = text
    return kept


def _texts(file: Path, progress: Progress) -> Iterable[str]:
    for batch in iter_texts(file):
        stop_if_asked(progress)
        yield from (text[:_MOST_CHARACTERS] for text in batch)


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with write_beside(path) as beside, beside.open("w", encoding="utf-8") as file:
        file.writelines(chain.from_iterable((json.dumps(row, ensure_ascii=False), "\n") for row in rows))


def _settings(recipe: Recipe) -> Any:
    practice = practising(recipe)
    assert practice is not None
    room = practising_room(recipe)
    return [recipe.seed, {name: course.decisive(room) for name, course in practice.courses.items()}]


EXERCISES = Stage(
    "exercises",
    inputs=("data", "corpus"),
    settings=_settings,
    run=_run,
    is_wanted=lambda recipe: practising(recipe) is not None,
)
