"""Models of spaCy: where they lie, which they are, and what their recognizers of entities see."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from penjing.errors import MissingExtraError, RecipeError

_CONFIG = "config.cfg"
# What sees entities, and what that reads; the rest of a pipeline (tags, syntax, lemmas) is not even loaded.
_RECOGNIZERS = frozenset({"ner", "beam_ner"})
_NEEDED = _RECOGNIZERS | {"tok2vec", "transformer", "curated_transformer"}
_KINDS = {
    **dict.fromkeys(("PERSON", "PER", "persName"), "person"),
    **dict.fromkeys(("GPE", "LOC", "FAC", "STREET", "ADDRESS", "placeName", "geogName"), "place"),
}
_ANY_LANGUAGE = "xx"
_TEXTS_AT_ONCE = 32
_CHARACTERS_AT_ONCE = 50_000
_BROKEN = (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError)


class SpacyRecognizer:
    """A pipeline of spaCy, without what its recognizer does not need.

    Args:
        language: that it is to read.
        name: an installed package, or a folder that ``nlp.to_disk`` wrote.

    Raises:
        MissingExtraError: spaCy is not installed.
        RecipeError: there is no such model, or none that sees entities in that language.
    """

    def __init__(self, language: str, name: str) -> None:
        self._nlp = _load(language, name)
        self.longest: int = self._nlp.max_length

    def read(self, texts: Sequence[str]) -> list[list[tuple[str, int, int]]]:
        """Returns the ``person`` and ``place`` in each text, with its start and end."""
        found: list[list[tuple[str, int, int]]] = []
        for batch in _batches(texts):
            with self._nlp.memory_zone():  # otherwise spaCy keeps every word that it has ever seen
                found += [_named(document) for document in self._nlp.pipe(batch, batch_size=_TEXTS_AT_ONCE)]
        return found


def _named(document: Any) -> list[tuple[str, int, int]]:
    return [
        (_KINDS[entity.label_], entity.start_char, entity.end_char)
        for entity in document.ents
        if entity.label_ in _KINDS
    ]


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yields some texts at a time: many short ones together take half the time, many long ones much memory."""
    batch: list[str] = []
    characters = 0
    for text in texts:
        if batch and (len(batch) == _TEXTS_AT_ONCE or characters + len(text) > _CHARACTERS_AT_ONCE):
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text)
    if batch:
        yield batch


def package_version(name: str) -> str | None:
    """Returns the version of an installed package, or None for what is no package, but a folder."""
    if not name.isidentifier():
        return None
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def model_folder(name: str) -> Path:
    """Returns where the files of a model lie; nothing of a package is imported.

    Raises:
        RecipeError: there is neither such a package nor such a folder, or it holds no model.
    """
    if package_version(name) is None:
        folder = Path(name).expanduser()
        if not folder.is_dir():
            raise RecipeError(
                f"there is neither an installed spaCy model {name} nor a folder of that name",
                where="[corpus.personal] models",
                do=f"Install it with: python -m spacy download {name}, or pip install its wheel; or name a folder that "
                "nlp.to_disk wrote.",
            )
        found = [folder] if (folder / _CONFIG).is_file() else []
    else:
        spec = importlib.util.find_spec(name)
        places = [Path(place) for place in (spec.submodule_search_locations or ())] if spec is not None else []
        found = [file.parent for place in places for file in sorted(place.glob(f"*/{_CONFIG}"))]
    if len(found) != 1:
        raise _refused(name, f"{name} is no spaCy model: it has no {_CONFIG}")
    return found[0]


def model_files(name: str) -> list[Path]:
    """Returns the files of a model in a folder, whose content decides what it sees; none of a package.

    Raises:
        RecipeError: there is no such model.
    """
    if package_version(name) is not None:
        return []
    return sorted(path for path in model_folder(name).rglob("*") if path.is_file())


def _load(language: str, name: str) -> Any:
    try:
        import spacy
    except ImportError as error:
        raise MissingExtraError("spacy", "names", "Finding names and addresses") from error
    folder = model_folder(name)
    try:
        config = spacy.util.load_config(folder / _CONFIG)
        factories = {part: str(values.get("factory")) for part, values in config.get("components", {}).items()}
        speaks = config["nlp"]["lang"]
    except _BROKEN as error:
        raise _refused(name, f"{name} is no spaCy model that can be read ({_first_line(error)})") from error
    if not _RECOGNIZERS.intersection(factories.values()):
        raise _refused(name, f"the spaCy model {name} has no entity recognizer (ner)")
    if speaks not in (language, _ANY_LANGUAGE):
        raise _refused(name, f"{name} is named as the model of {language}, and reads {speaks}")
    try:
        return spacy.load(folder, exclude=[part for part, factory in factories.items() if factory not in _NEEDED])
    except _BROKEN as error:
        raise _refused(name, f"the spaCy model {name} cannot be loaded ({_first_line(error)})") from error


def _refused(name: str, what: str) -> RecipeError:
    return RecipeError(
        what,
        where="[corpus.personal] models",
        do="Name a model with an entity recognizer, such as en_core_web_sm or zh_core_web_sm, by language.",
    )


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__
