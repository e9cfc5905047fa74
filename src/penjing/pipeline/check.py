"""Checks of a recipe that need no data: whether its parts fit together, before anything is read."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from torch import nn

from penjing.data.cleaning import make_protector
from penjing.data.label_settings import LabelledData
from penjing.data.languages import LanguageFinder
from penjing.data.minhash import check_daft
from penjing.data.normalizing import make_normalizer
from penjing.data.settings import SplitData
from penjing.data.sources import corpus_files, source_files
from penjing.data.sources.keeping import forget_unreachable
from penjing.data.split_files import has_test, has_validation
from penjing.errors import MissingExtraError, ModelFolderError, PenjingError, RecipeError, UsageError
from penjing.explain.explaining import find_method, fitting_methods
from penjing.models.adapter import check_adapter
from penjing.models.device import choose_device
from penjing.models.meta import meta_device
from penjing.models.weights import check_backbone
from penjing.pipeline.adapting import check_lora
from penjing.pipeline.batch_teaching import check_batch_teacher
from penjing.pipeline.fitted_head import check_head, fitting
from penjing.pipeline.kinds import kind_of
from penjing.pipeline.own_teachers import other_recipes
from penjing.pipeline.recipe import Recipe, has_data, task_of
from penjing.pipeline.recipe_kinds import DialogueRecipe
from penjing.pipeline.stages.corpus import has_corpus
from penjing.pipeline.stages.tokenizer import check_tokenizer
from penjing.pipeline.stages.unlabelled import unlabelled_data
from penjing.pipeline.stages.vectors import wants_vectors
from penjing.pipeline.start import ANY_ENTRIES, adapter_folder, architecture_of, config_values, start_folder
from penjing.pipeline.teaching import check_teachers
from penjing.tasks.heads import HEADS
from penjing.tasks.task import load_task
from penjing.text.renderer import template_columns
from penjing.train.settings import FinetuneSettings

_PUBLISHED = ("model", "adapter", "report.html", "lineage.json")  # what a run puts at its top


def check_runnable(recipe: Recipe) -> None:
    """Checks all that can be known without reading data.

    Raises:
        PenjingError: two parts do not fit together, or something that a part needs is missing.
    """
    _check_names(recipe)
    _check_layout(recipe)
    _check_network(recipe)
    _check_start(recipe)
    check_tokenizer(recipe)
    _check_packages(recipe)
    if recipe.finetune.adapters is not None:
        check_lora(recipe, _network_without_numbers(recipe))
    if fitting(recipe) is not None:
        check_head(recipe, _network_without_numbers(recipe))
    if isinstance(recipe.finetune, FinetuneSettings) and recipe.finetune.ngrams is not None:
        check_choosable(recipe)
    _check_explanation(recipe)
    check_teachers(recipe)
    for name, other in other_recipes(recipe).items():
        try:
            check_runnable(other)
        except PenjingError as error:
            raise error.within(f"[finetune.distill] recipes: {name}") from error
    check_batch_teacher(recipe)
    if (unlabelled := unlabelled_data(recipe)) is not None:
        corpus_files(unlabelled.source.paths)
    if has_corpus(recipe):
        assert recipe.corpus is not None
        forget_unreachable(recipe.corpus.paths)
        corpus_files(recipe.corpus.paths)
        for path in recipe.corpus.without.paths if recipe.corpus.without is not None else ():
            source_files(path)
        if recipe.corpus.personal is not None:
            make_protector(recipe.corpus.personal)
        if recipe.corpus.normalize is not None:
            make_normalizer(recipe.corpus.normalize)
        if recipe.corpus.languages:
            LanguageFinder(recipe.corpus.languages)
        if recipe.corpus.near_duplicates is not None:
            check_daft()
    wants_vectors(recipe)
    for section, settings in (("pretrain", recipe.pretrain), ("finetune", recipe.finetune)):
        if settings is not None:
            _check_device(settings.device, f"{recipe.name}, [{section}] device")


def check_measurable(recipe: Recipe) -> None:
    """Checks that a recipe with ``[data]`` has rows to measure the model on.

    Raises:
        RecipeError: it has none.
    """
    for name, data in recipe.rows.items():
        if isinstance(data, SplitData) and not has_test(data):
            raise RecipeError(
                "there is no test file, and its share of the rows is 0",
                where=str(data.path),
                do=f"Set test under [{name}.split], or give a file with test under [{name}].",
            )


def check_choosable(recipe: Recipe) -> None:
    """Checks that a recipe has rows to choose settings by.

    Raises:
        RecipeError: it has none.
    """
    for name, data in recipe.rows.items():
        drawn = isinstance(data, LabelledData) and data.has_no_validation
        if isinstance(data, SplitData) and (drawn or not has_validation(data)):
            raise RecipeError(
                "there is no validation file, and no share of the rows is for validation",
                where=str(data.path),
                do=f"Set validation under [{name}.split], or give a file with validation under [{name}].",
            )


def check_out(out: Path) -> None:
    """Checks that the folder of a run is there or can be made, and that nobody else's files would be replaced.

    Raises:
        UsageError: it is a file, or below one, or may not be written, or holds what a run would replace.
    """
    nearest_there = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not nearest_there.is_dir():
        raise UsageError(f"{nearest_there} is a file, not a folder", where=f"--out {out}", do="Choose another --out.")
    if not os.access(nearest_there, os.W_OK | os.X_OK):
        raise UsageError(
            f"nothing may be written in {nearest_there}",
            where=f"--out {out}",
            do="Choose another --out, or change the folder's permissions.",
        )
    if not (out / "stages").is_dir() and (taken := [name for name in _PUBLISHED if (out / name).exists()]):
        raise UsageError(
            f"{taken[0]} is there already, and no run has made it",
            where=f"--out {out}",
            do="Choose another --out: a run would put its own in that place.",
        )


def _check_device(name: str, where: str) -> None:
    try:
        choose_device(name)
    except UsageError as error:
        raise RecipeError(error.what, where=where, do=error.do) from error


def _check_names(recipe: Recipe) -> None:
    if recipe.task is not None:
        try:
            load_task(recipe.task)
        except UsageError as error:
            raise RecipeError(f'task is "{recipe.task}", which is not known', where=recipe.name, do=error.do) from error
    for key, known, template in recipe.templates:
        for column in template_columns(template):
            if column != known:
                raise RecipeError(
                    f'[render] {key} names the column "{column}"; a row of [data] has "{known}" there',
                    where=recipe.name,
                    do=f'Write "[CLS]{{{known}}}[SEP]".',
                )


def _check_layout(recipe: Recipe) -> None:
    if recipe.document_layout.rejoin and not has_data(recipe):
        raise RecipeError(
            "[render] rejoin is for rows of [data], and there are none: a language model is measured on texts as they "
            "are, and goes on with them so",
            where=recipe.name,
            do="Remove rejoin; put the words of the corpus together before, if they should be.",
        )


def _check_network(recipe: Recipe) -> None:
    adapter_folder(recipe)
    architecture = architecture_of(recipe)
    values = config_values(recipe, ANY_ENTRIES, 0, 0)
    config: Any = architecture.config_from_dict(values)
    longest = getattr(config, "max_position_embeddings", None)
    if has_data(recipe):
        kind_of(recipe).check_network(recipe, architecture, longest)
    pretrain = recipe.pretrain
    if pretrain is None:
        return
    if pretrain.objective not in architecture.objectives:
        raise RecipeError(
            f'[pretrain] objective is "{pretrain.objective}", which {architecture.name} cannot learn',
            where=recipe.name,
            do=f"It can learn: {', '.join(sorted(architecture.objectives))}.",
        )
    if pretrain.schedule == "wsd" and pretrain.patience:
        raise RecipeError(
            "[pretrain] has patience, which would end the run before the learning rate of its schedule wsd falls",
            where=recipe.name,
            do="Remove patience, or choose another schedule.",
        )
    if pretrain.borders == "closed" and architecture.closes_borders == "never":
        raise RecipeError(
            f'[pretrain] borders is "closed", and {architecture.name} reads on over the border of a document',
            where=recipe.name,
            do='Write "open", or leave it out.',
        )
    if longest is not None and pretrain.window_tokens > longest:
        raise RecipeError(
            f"[pretrain] window_tokens is {pretrain.window_tokens}, but the model has {longest} positions",
            where=recipe.name,
            do="Lower window_tokens, or raise max_position_embeddings in [model.shape].",
        )
    if pretrain.window_tokens > pretrain.batch_tokens:
        raise RecipeError(
            f"[pretrain] window_tokens is {pretrain.window_tokens}, more than the batch_tokens {pretrain.batch_tokens}",
            where=recipe.name,
            do="A batch holds at least one window: raise batch_tokens.",
        )


def _check_start(recipe: Recipe) -> None:
    """Checks that the weights that are started from fit the network, which ``[model.shape]`` may have changed.

    So do those of an adapter that is added to them.
    """
    start, adapter = start_folder(recipe), adapter_folder(recipe)
    if start is None:
        return
    try:
        network = _trained_network(recipe)
        check_backbone(network, start)
        if adapter is not None:
            check_adapter(network, adapter)
    except ModelFolderError as error:
        as_it_is = recipe.model_copy(update={"model": recipe.model.model_copy(update={"shape": {}})})
        if not recipe.model.shape:
            raise
        check_backbone(_trained_network(as_it_is), start)
        raise RecipeError(
            f"[model.shape] makes another network than that of the start: {error.what}",
            where=recipe.name,
            do="Remove from [model.shape] what decides the shape of weights; that of the start counts.",
        ) from error


def _trained_network(recipe: Recipe) -> nn.Module:
    """Returns the shape of the network that the start's weights are put into, with as many entries as it has."""
    architecture = architecture_of(recipe)
    head = "language" if recipe.pretrain is not None or not has_data(recipe) else kind_of(recipe).head
    with meta_device():
        config = architecture.config_from_dict(config_values(recipe, 0, 0, 0))
        if head == "classifier":
            return architecture.classifier(config, 2)
        if head == "span" and architecture.span_scorer is not None:
            return architecture.span_scorer(config)
        return architecture.language_model(config)


def _check_explanation(recipe: Recipe) -> None:
    if recipe.explain is None:
        return
    architecture, scoring = architecture_of(recipe), HEADS[load_task(task_of(recipe)).answers].scoring
    network = scoring(_network_without_numbers(recipe))
    try:
        fits = find_method(recipe.explain.method).fits(network)
    except UsageError as error:
        raise RecipeError(error.what, where=f"{recipe.name}, [explain] method", do=error.do) from error
    if not fits:
        raise RecipeError(
            f'[explain] method is "{recipe.explain.method}", which does not fit {architecture.name}',
            where=recipe.name,
            do=f"Use one of {', '.join(fitting_methods(network))}.",
        )


def _network_without_numbers(recipe: Recipe) -> nn.Module:
    """Returns the shape of the network whose answers are explained."""
    architecture = architecture_of(recipe)
    with meta_device():
        config = architecture.config_from_dict(config_values(recipe, ANY_ENTRIES, 0, 0))
        return architecture.classifier(config, 2)


def _check_packages(recipe: Recipe) -> None:
    words = recipe.tokenizer.words
    needed = (
        (recipe.vectors is not None, "gensim", "words", "Training word vectors"),
        (words.segment, "rjieba", "zh", "Chinese word segmentation"),
        (recipe.explain is not None, "captum", "explain", "Explaining answers"),
        (bool(words.stop_words), "stopwordsiso", "words", "Removing stop words"),
        (isinstance(recipe, DialogueRecipe), "bm25s", "answers", "The baseline BM25 of dialogues"),
    )
    for is_needed, package, extra, purpose in needed:
        if is_needed and find_spec(package) is None:
            raise MissingExtraError(package, extra, purpose)
