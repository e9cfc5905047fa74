"""Persons and places that a model sees in texts, and which model reads which part of a text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from penjing.data.languages import LanguageFinder
from penjing.data.personal.jieba_tagger import RJIEBA, JiebaRecognizer
from penjing.data.personal.spacy_model import SpacyRecognizer
from penjing.data.scripts import script_of, script_of_language
from penjing.errors import RecipeError

_LONGEST = 100_000  # characters read at once: a model needs some kB of memory for each
_BORDERS = ("\n\n", "\n", "。", ". ", " ")


@dataclass(frozen=True)
class Entity:
    """Something with a name in a text.

    Attributes:
        kind: a person, or a place, such as a city, a street or a building.
        start: its first character.
        end: the one after its last.
    """

    kind: Literal["person", "place"]
    start: int
    end: int


class Recognizer(Protocol):
    """Sees what has a name in texts of one language.

    Attributes:
        longest: the most characters of a text.
    """

    longest: int

    def read(self, texts: Sequence[str]) -> list[list[tuple[str, int, int]]]:
        """Returns the ``person`` and ``place`` in each text, with its start and end."""


def load_recognizer(language: str, name: str) -> Recognizer:
    """Loads what a recipe calls a model.

    Args:
        language: that it is to read.
        name: ``rjieba``, an installed spaCy package, or a folder that ``nlp.to_disk`` wrote.

    Raises:
        MissingExtraError: spaCy or rjieba is not installed.
        RecipeError: it is no model, sees no entities, or is one of another language.
    """
    if name != RJIEBA:
        return SpacyRecognizer(language, name)
    if language != "zh":
        raise RecipeError(
            f"rjieba reads Chinese, not {language}",
            where=f"[corpus.personal] models, {language}",
            do="Name a spaCy model.",
        )
    return JiebaRecognizer()


class EntityReader:
    """Reads texts with the models of their languages.

    The script of a part of a text, some lines, decides which model reads it; only where several models have the same
    script, its language does (py3langid). What is in a script of none of the models is not read.

    Args:
        models: the name of a model for each language.

    Raises:
        MissingExtraError: a package is not installed.
        RecipeError: one is no model.
        UsageError: py3langid is needed, and does not know a language.
    """

    def __init__(self, models: Mapping[str, str]) -> None:
        self._recognizers = {language: load_recognizer(language, name) for language, name in models.items()}
        self._languages: dict[str, list[str]] = {}
        for language in models:
            self._languages.setdefault(script_of_language(language), []).append(language)
        self._finders = {
            script: LanguageFinder(languages) for script, languages in self._languages.items() if len(languages) > 1
        }

    def read(self, texts: Sequence[str]) -> list[list[Entity]]:
        """Returns what has a name in each text, in order."""
        found: list[list[Entity]] = [[] for _ in texts]
        parts: dict[str, list[tuple[int, int, str]]] = {language: [] for language in self._recognizers}
        for place, text in enumerate(texts):
            for language, start, end in self._parts(text):
                parts[language].append((place, start, text[start:end]))
        for language, recognizer in self._recognizers.items():
            read = recognizer.read([part for _, _, part in parts[language]])
            for (place, offset, _), entities in zip(parts[language], read, strict=True):
                found[place] += [_entity(kind, offset + start, offset + end) for kind, start, end in entities]
        return [sorted(entities, key=lambda entity: entity.start) for entities in found]

    def _parts(self, text: str) -> Iterator[tuple[str, int, int]]:
        """Yields parts of a text, each with the language of the model that reads it."""
        for script, start, end in script_runs(text):
            languages = self._languages.get(script)
            if languages is None:
                continue
            finder = self._finders.get(script)
            language = languages[0] if finder is None else finder.likeliest_wanted(text[start:end])
            longest = min(_LONGEST, self._recognizers[language].longest)
            for begin, stop in cut(text, start, end, longest):
                yield language, begin, stop


def script_runs(text: str) -> Iterator[tuple[str, int, int]]:
    """Yields runs of whole lines that are in one script (script, start, end); lines without letters go with them."""
    if text.isascii():
        yield "Latin", 0, len(text)
        return
    script, start, end = "", 0, 0
    for line in text.splitlines(keepends=True):
        seen = script_of(line)
        if seen and script and seen != script:
            yield script, start, end
            start = end
        script, end = seen or script, end + len(line)
    if script:
        yield script, start, end


def cut(text: str, start: int, end: int, longest: int) -> Iterator[tuple[int, int]]:
    """Yields pieces of a range of a text, none longer, cut between paragraphs, lines, sentences or words."""
    while end - start > longest:
        half, limit = start + longest // 2, start + longest
        borders = (text.rfind(border, half, limit) + len(border) for border in _BORDERS if border in text[half:limit])
        stop = next(borders, limit)
        yield start, stop
        start = stop
    if start < end:
        yield start, end


def _entity(kind: str, start: int, end: int) -> Entity:
    return Entity("person" if kind == "person" else "place", start, end)
