"""Rows to practice on, made of the training texts and of the corpus: a file for each course."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

from penjing.data.cleaning import make_protector
from penjing.data.measured import index_texts
from penjing.data.reading import iter_texts, read_pairs
from penjing.errors import DataError
from penjing.files import write_beside
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_kinds import WritingRecipe, practicing, practicing_room
from penjing.pipeline.stage import Stage, StageContext
from penjing.progress import Progress, stop_if_asked

_FEWEST_TEXTS = 10  # of fewer none would be kept back
_MOST_CHARACTERS = 50_000  # of a text that exercises are made of; the rest of a book gives none


def exercises_file(folder: Path, course: str) -> Path:
    """Returns where the rows of a course lie in the folder of the stage."""
    return folder / f"{course}.jsonl"


def _run(context: StageContext) -> dict[str, Any]:
    recipe, inputs = context.recipe, context.inputs
    practice = practicing(recipe)
    assert practice is not None
    texts = _Texts(recipe, inputs["data"], context.progress)
    own = texts.of_rows()
    draws = {name: Draw(course.exercises, recipe.seed) for name, course in practice.courses.items()}
    for text in texts.of_corpus(inputs["corpus"], own) if "corpus" in inputs else ():
        for draw in draws.values():
            draw.add(text)
    for name, course in practice.courses.items():
        stop_if_asked(context.progress)
        rng, others = Random(f"{recipe.seed} {name}"), draws[name].kept
        rows = list(course.make(own, others, practicing_room(recipe), rng))
        rng.shuffle(rows)
        del rows[course.exercises :]
        _check_enough(rows, len(own) + len(others), name)
        _write(exercises_file(context.folder, name), rows)
    return {"texts": len(own) + max(len(draw.kept) for draw in draws.values())}


def _check_enough(rows: list[dict[str, Any]], texts: int, course: str) -> None:
    """Refuses a course whose rows are of so few texts that none could be kept back."""
    found = len({row.get("context", row.get("source")) for row in rows})
    if found < _FEWEST_TEXTS:
        raise DataError(
            f"exercises can be made of {found:,} of {texts:,} texts, and {_FEWEST_TEXTS} are needed; the others are "
            "too short, or their sentences too long or too short",
            where=f"[practice.{course}]",
            do="Give longer texts in [corpus], or leave the course out.",
        )


class _Texts:
    """The texts that exercises are made of: none that holds what a model is to write to rows that it is measured on."""

    def __init__(self, recipe: Recipe, data: Path, progress: Progress) -> None:
        self._recipe, self._data, self._progress = recipe, data, progress
        splits = ("validation", "test") if isinstance(recipe, WritingRecipe) else ()  # answers stand in their texts
        references = [read_pairs(data, split).references for split in splits]
        self._measured = index_texts([text for row in rows for text in row] for rows in references)

    def of_rows(self) -> list[str]:
        """Returns the training texts, each once; personal data in them masked, if it is in the corpus."""
        found = list(dict.fromkeys(self._iter(self._data / "train.parquet")))
        corpus = self._recipe.corpus
        if corpus is None or corpus.personal is None:
            return found
        masked = make_protector(corpus.personal).protect(found)
        return list(dict.fromkeys(text for text, _ in masked if text is not None))

    def of_corpus(self, corpus: Path, own: list[str]) -> Iterable[str]:
        """Yields the texts of the corpus that are no training texts."""
        known = frozenset(own)
        return (text for text in self._iter(corpus / "texts.parquet") if text not in known)

    def _iter(self, file: Path) -> Iterable[str]:
        for batch in iter_texts(file):
            stop_if_asked(self._progress)
            known = self._measured.find(batch).is_measured
            yield from (text[:_MOST_CHARACTERS] for text, is_known in zip(batch, known, strict=True) if not is_known)


class Draw:
    """An even draw of texts (algorithm R of Vitter 1985), in memory that they alone take.

    Args:
        most: how many are kept.
        seed: decides which.

    Attributes:
        kept: those that are drawn.
    """

    def __init__(self, most: int, seed: int) -> None:
        self._most, self._rng, self._seen = most, Random(seed), 0
        self.kept: list[str] = []

    def add(self, text: str) -> None:
        """Takes in one more."""
        self._seen += 1
        if self._seen <= self._most:
            self.kept.append(text)
        elif (place := self._rng.randrange(self._seen)) < self._most:
            self.kept[place] = text


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with write_beside(path) as beside, beside.open("w", encoding="utf-8") as file:
        file.writelines(chain.from_iterable((json.dumps(row, ensure_ascii=False), "\n") for row in rows))


def _settings(recipe: Recipe) -> Any:
    practice = practicing(recipe)
    assert practice is not None
    room = practicing_room(recipe)
    return [recipe.seed, {name: course.decisive(room) for name, course in practice.courses.items()}]


EXERCISES = Stage(
    "exercises",
    inputs=("data", "corpus"),
    settings=_settings,
    run=_run,
    is_wanted=lambda recipe: practicing(recipe) is not None,
)
