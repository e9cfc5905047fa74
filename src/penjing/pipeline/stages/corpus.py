"""Unlabelled texts for pretraining, without those that evaluation uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from penjing.data.corpus import PARTS, build_corpus
from penjing.data.personal.spacy_model import model_files, package_version
from penjing.data.sources import corpus_files, source_files
from penjing.errors import RecipeError
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.stage import Stage, StageContext


def has_corpus(recipe: Recipe) -> bool:
    """Whether the recipe has texts to pretrain on.

    Raises:
        RecipeError: it asks for pretraining or vectors and has none.
    """
    if recipe.corpus is None and (recipe.pretrain or recipe.vectors):
        wanted = "pretrain" if recipe.pretrain else "vectors"
        raise RecipeError(
            f"there is a section [{wanted}], but no [corpus] to learn from",
            where=recipe.name,
            do=f"Add [corpus] with a path, or remove [{wanted}].",
        )
    return recipe.corpus is not None


def _run(context: StageContext) -> dict[str, Any]:
    recipe = context.recipe
    assert recipe.corpus is not None
    labelled, folder = context.inputs.get("data"), context.folder
    return build_corpus(recipe.corpus, labelled, recipe.seed, folder, context.progress, context.engine)


def _files(recipe: Recipe) -> list[Path]:
    assert recipe.corpus is not None
    without = recipe.corpus.without.paths if recipe.corpus.without is not None else ()
    files = [*corpus_files(recipe.corpus.paths).files, *(file for path in without for file in source_files(path))]
    personal = recipe.corpus.personal
    if personal is None:
        return files
    key = [] if personal.key_file is None else [Path(personal.key_file).expanduser()]
    return [*files, *key, *(file for name in personal.models.values() for file in model_files(name))]


def _settings(recipe: Recipe) -> list[Any]:
    """Returns what decides a corpus beside the content of its files, and which of those are evaluation texts."""
    corpus = recipe.corpus
    if corpus is None:
        return [recipe.seed, None]
    without = corpus.without.paths if corpus.without is not None else ()
    files = sum(len(source_files(path)) for path in without)
    decisive = [recipe.seed, corpus.model_dump(mode="json", exclude=_WHERE), files]
    if corpus.personal is None or not corpus.personal.models:
        return decisive
    return [*decisive, {language: _model(name) for language, name in corpus.personal.models.items()}]


def _model(name: str) -> list[str | int]:
    """Returns what a model is: a package by its name and version, a folder by how many of the files are its own."""
    version = package_version(name)
    return [name, version] if version is not None else [len(model_files(name))]


# Where files lie does not count, what is in them does.
_WHERE: Any = {"path": True, "without": {"path": True}, "personal": {"key_file": True, "models": True}}

CORPUS = Stage(
    "corpus",
    inputs=("data",),
    settings=_settings,
    run=_run,
    files=_files,
    version=2,
    is_wanted=has_corpus,
    is_resumable=True,
    scratch=(PARTS,),
)
