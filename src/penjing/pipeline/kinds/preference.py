"""Prompts with two answers each: a model that writes already learns which of them is preferred."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from penjing.data.preferences import PreferenceRows, build_preferences, iter_preferences, read_preferences
from penjing.data.settings import RowData
from penjing.errors import DataError, RecipeError
from penjing.evaluate.preference import (
    Likelihoods,
    MeasuredPairs,
    PreferenceMeasures,
    answer_rows,
    evaluate_preference_baselines,
    evaluate_preferences,
    measure_likelihoods,
    render_pairs,
)
from penjing.files import read_json
from penjing.models.config import Head
from penjing.models.interface import Architecture, EncoderDecoderModel, LanguageModel
from penjing.models.weights import read_config
from penjing.pipeline.chat_template import open_renderer, save_with_template, write_template
from penjing.pipeline.kinds.kind import Evaluated, Inputs, Kind, Lesson
from penjing.pipeline.kinds.shards import ROWS_AT_ONCE, check_positions, filled_splits, with_room, write_split
from penjing.pipeline.kinds.writing_lesson import check_start_direction
from penjing.pipeline.recipe import Recipe, task_of
from penjing.pipeline.recipe_kinds import PreferenceRecipe, TextPreferenceRecipe
from penjing.pipeline.start import start_folder
from penjing.progress import Progress, Silent, stop_if_asked
from penjing.tasks.card import CARD
from penjing.tasks.dialogue_model import DialogueModel
from penjing.tasks.loading import load_model
from penjing.tasks.task import PreferenceTask, load_task
from penjing.tasks.writing_model import WritingModel
from penjing.text.pair_renderer import PairRenderer, PairRendererSettings
from penjing.text.preference_renderer import (
    PreferenceRenderer,
    ReplyPreferenceRenderer,
    TextPreferenceRenderer,
    preferences_by,
)
from penjing.text.renderer import Rendered
from penjing.text.shards import TokenShard, open_shard
from penjing.text.showing import ShownRow, join_rows, show_row
from penjing.text.tokenizer import Tokenizer, load_tokenizer
from penjing.train.batches import Batch
from penjing.train.cross_entropy import IGNORED
from penjing.train.objectives.preference import PreferenceObjective, reader_of
from penjing.train.objectives.span import shift_right
from penjing.train.pair_batches import PairLimits
from penjing.train.preference_batches import PreferenceBatches

_PROBED_ROWS = 64
_GOES_ON = "[BEGIN]{text}"
_SIDES = ("chosen", "rejected")


class PreferenceKind(Kind):
    """Of two answers to a prompt one is preferred; see `penjing.pipeline.kinds.kind.Kind`."""

    head: Head = "language"

    @abstractmethod
    def renderer(self, recipe: Recipe, inputs: Inputs) -> PreferenceRenderer:
        """Returns what lays the rows out as tokens."""

    def data_settings(self, recipe: Recipe) -> Mapping[str, RowData]:
        return {"data": preference_recipe(recipe).pairs}

    def build_data(self, recipe: Recipe, folder: Path, progress: Progress) -> dict[str, Any]:
        return build_preferences(preference_recipe(recipe).pairs, recipe.seed, folder, progress)

    def write_examples(self, recipe: Recipe, inputs: Inputs, folder: Path, progress: Progress) -> dict[str, Any]:
        renderer, splits = self.renderer(recipe, inputs), {}
        tokenizer = load_tokenizer(inputs["tokenizer"])
        for split in filled_splits(inputs["data"]):
            answers = _Answers(renderer, iter_preferences(inputs["data"], split, ROWS_AT_ONCE), progress)
            try:
                counts = write_split(folder / split, answers, tokenizer, renderer.fingerprint)
            except DataError as error:
                raise _without_pairs(split, recipe) if answers.left_out else error from error
            splits[split] = {**counts, "rows": counts["rows"] // 2, "left_out": answers.left_out}
        return {"max_tokens": renderer.longest, "splits": splits}

    def show(self, recipe: Recipe, inputs: Inputs, rows: int) -> list[ShownRow]:
        tokenizer = load_tokenizer(inputs["tokenizer"])
        found = next(iter_preferences(inputs["data"], "train", rows))
        roomy = recipe.model_copy(update={"render": with_room(recipe.render)})
        kept, whole = (self.renderer(given, inputs).render(found) for given in (recipe, roomy))
        shown = []
        for pair, all_ in zip(kept, whole, strict=True):
            if pair is None or all_ is None:  # of which nothing is learned
                continue
            read = show_row(tokenizer, pair.read, all_.read)
            for side in _SIDES:
                answer = show_row(tokenizer, getattr(pair, side), getattr(all_, side))
                shown.append(replace(join_rows([read, answer]), answer=side))
        return shown

    def make_network(self, architecture: Architecture, config: Any, inputs: Inputs) -> nn.Module:
        return architecture.language_model(config)

    def make_lesson(self, recipe: Recipe, inputs: Inputs, tokenizer: Tokenizer, network: nn.Module) -> Lesson:
        settings, reader = preference_recipe(recipe).finetune, reader_of(network)

        def batches(split: str) -> PreferenceBatches:
            shard = open_shard(inputs["examples"] / split)
            return PreferenceBatches(
                shard,
                read_reference(inputs, split, shard.rows),
                tokenizer.pad_id,
                PairLimits(settings.batch_tokens, settings.batch_rows),
                recipe.finetuning_seed,
                reads_first=reader.reads_first,
                shuffled=split == "train",
            )

        objective = PreferenceObjective(reader, settings.preference)
        return Lesson(objective, batches("train"), batches("validation"))

    def score(self, network: nn.Module, batch: Batch) -> Tensor:
        assert batch.written is not None
        is_target = batch.written != IGNORED
        if isinstance(network, EncoderDecoderModel):
            twice = len(batch.written) // len(batch.ids)
            mask = None if batch.mask is None else batch.mask.repeat(twice, 1)
            states = network.encode(batch.ids, batch.mask).repeat(twice, 1, 1)
            begun = shift_right(batch.written, network.decoder_start_id).clamp(min=0)
            return network.score(network.decode(begun, states, mask)[is_target])
        model = cast("LanguageModel", network)
        return model.score(model.encode(batch.ids, batch.mask)[is_target])

    def card(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> dict[str, Any]:
        return {
            "render": recipe.render.model_dump(mode="json"),
            **recipe.answering,
            "preference": preference_recipe(recipe).finetune.preference.model_dump(mode="json"),
            "fingerprint": self.renderer(recipe, inputs).fingerprint,
        }

    def evaluate(self, recipe: Recipe, inputs: Inputs, progress: Progress) -> Evaluated:
        model = load_model(inputs["finetune"] / "model", recipe.device)
        assert isinstance(model, WritingModel | DialogueModel)
        train = read_preferences(inputs["data"], "train")
        pairs = render_pairs(preferences_by(model.renderer), read_preferences(inputs["data"], "test"))
        reference = read_reference(inputs, "test", pairs.shard.rows)
        network, pad_id = cast("nn.Module", model.network), model.renderer.tokenizer.pad_id
        likelihoods = Likelihoods(measure_likelihoods(network, pairs.shard, pad_id, progress), reference)
        return Evaluated(_score(recipe, train, pairs, likelihoods, progress))

    def probe_evaluation(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> tuple[float, int]:
        train, test = (read_preferences(inputs["data"], split) for split in ("train", "test"))
        pairs = render_pairs(self.renderer(recipe, inputs), test)
        few = first_pairs(pairs.shard, _PROBED_ROWS)
        pad_id = load_tokenizer(inputs["tokenizer"]).pad_id
        began = time.perf_counter()
        measure_likelihoods(network, few, pad_id, Silent())
        seconds = (time.perf_counter() - began) * pairs.shard.rows / few.rows
        began = time.perf_counter()
        _score(recipe, train, pairs, Likelihoods(np.zeros(pairs.shard.rows), np.zeros(pairs.shard.rows)), Silent())
        return seconds + time.perf_counter() - began, pairs.shard.rows // 2


class TextPreferenceKind(PreferenceKind):
    """Texts with two answers each."""

    def check_network(self, recipe: Recipe, architecture: Architecture, longest: int | None) -> None:
        if not architecture.writes_text:
            raise RecipeError(
                f"the task {recipe.task} is for models that write, and {architecture.name} cannot",
                where=recipe.name,
                do="Start from a model that was trained to write.",
            )
        _check_start(recipe, architecture)
        render = _text_render(recipe)
        if architecture.is_encoder_decoder:
            check_positions(recipe, render.max_tokens, "max_tokens", longest)
        else:
            tokens = render.max_tokens + render.max_target_tokens
            check_positions(recipe, tokens, "max_tokens and max_target_tokens together", longest)
        _check_layout(recipe, architecture)

    def renderer(self, recipe: Recipe, inputs: Inputs) -> PreferenceRenderer:
        return TextPreferenceRenderer(PairRenderer(load_tokenizer(inputs["tokenizer"]), _text_render(recipe)))


class ReplyPreferenceKind(PreferenceKind):
    """Dialogues with two replies each."""

    def check_network(self, recipe: Recipe, architecture: Architecture, longest: int | None) -> None:
        if not architecture.writes_text or architecture.is_encoder_decoder:
            raise RecipeError(
                f"the task {recipe.task} is for models that go on where a dialogue stands, and {architecture.name} "
                "cannot",
                where=recipe.name,
                do='Start from a decoder that replies; for texts, the task is "prefer".',
            )
        _check_start(recipe, architecture)
        check_positions(recipe, recipe.render.max_tokens, "max_tokens", longest)

    def save_tokenizer(self, recipe: Recipe, tokenizer: Tokenizer, folder: Path) -> Tokenizer:
        return save_with_template(recipe, tokenizer, folder)

    def renderer(self, recipe: Recipe, inputs: Inputs) -> PreferenceRenderer:
        return ReplyPreferenceRenderer(open_renderer(inputs["tokenizer"], recipe.render.max_tokens))

    def card(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> dict[str, Any]:
        return {**super().card(recipe, inputs, network), "render": {"max_tokens": recipe.render.max_tokens}}

    def finish_folder(self, recipe: Recipe, inputs: Inputs, folder: Path) -> None:
        write_template(inputs["tokenizer"], folder)


def preference_recipe(recipe: Recipe) -> PreferenceRecipe:
    """Returns a recipe of preferences as one."""
    assert isinstance(recipe, PreferenceRecipe)
    return recipe


def preference_task(recipe: Recipe) -> PreferenceTask:
    """Returns the task of a recipe of preferences."""
    task = load_task(task_of(recipe))
    assert isinstance(task, PreferenceTask)
    return task


def reference_file(folder: Path, split: str) -> Path:
    """Returns where the log-probabilities of a split's answers lie, float64 [answers]."""
    return folder / f"{split}.bin"


def read_reference(inputs: Inputs, split: str, answers: int) -> NDArray[np.float64]:
    """Returns the log-probability of each answer of a split under the model at the start, [answers].

    A plan has not measured them, and reckons with zeros: what a step takes does not depend on them.
    """
    if "reference" not in inputs:
        return np.zeros(answers)
    return np.fromfile(reference_file(inputs["reference"], split), dtype=np.float64)


def first_pairs(shard: TokenShard, pairs: int | None) -> TokenShard:
    """Returns the first pairs of a shard; None: all."""
    rows = shard.rows if pairs is None else min(shard.rows, 2 * pairs)
    offsets = shard.offsets[: rows + 1]
    return replace(shard, tokens=shard.tokens[: offsets[-1]], offsets=offsets, labels=shard.labels[:rows])


def _text_render(recipe: Recipe) -> PairRendererSettings:
    assert isinstance(recipe, TextPreferenceRecipe)
    return recipe.render


def _check_start(recipe: Recipe, architecture: Architecture) -> None:
    """Refuses a start whose answers cannot be measured: one that does not write, or reads from both sides."""
    start = start_folder(recipe)
    if start is None:
        return
    values = read_config(start)
    config: Any = architecture.config_from_dict(values)
    named = values.get("architectures") or [config.class_name("language")]
    if config.class_name("language") not in named:
        raise RecipeError(
            f"the model at the start is a {', '.join(named)}, which does not write",
            where=recipe.name,
            do="Start from a language model, or from one of a task that writes.",
        )
    check_start_direction(recipe, architecture)


def _check_layout(recipe: Recipe, architecture: Architecture) -> None:
    """Refuses a template by which the model at the start has never read."""
    start, render = start_folder(recipe), _text_render(recipe)
    if start is None or not (start / CARD).is_file():
        return
    card = read_json(start / CARD)
    known = card.get("render", {})
    if "objective" in card and not architecture.is_encoder_decoder:
        known = {"template": _GOES_ON, "target": render.target}  # a language model goes on where a text ends
    for key, ours in (("template", render.template), ("target", render.target)):
        if key in known and "target" in known and known[key] != ours:
            raise RecipeError(
                f'[render] {key} is "{ours}", and the model at the start reads and writes by "{known[key]}"',
                where=recipe.name,
                do=f'Write {key} = "{known[key]}" under [render].',
            )


def _score(
    recipe: Recipe, train: PreferenceRows, pairs: MeasuredPairs, likelihoods: Likelihoods, progress: Progress
) -> dict[str, Any]:
    """Returns the scores of the model and of the baselines."""
    task, settings = preference_task(recipe), recipe.evaluate
    beta = preference_recipe(recipe).finetune.preference.beta
    measures = PreferenceMeasures(beta, settings.resamples, settings.mistakes, recipe.seed)
    measured = evaluate_preferences(pairs, likelihoods, measures, task.best_by)
    assert likelihoods.reference is not None
    baselines, differences = evaluate_preference_baselines(
        task, train, pairs, measured.pop("margins"), likelihoods.reference, measures, progress
    )
    return {**measured, "baselines": baselines, "difference": differences}


def _without_pairs(split: str, recipe: Recipe) -> RecipeError:
    return RecipeError(
        f"no {split} pair is left: what differs in the answers is cut, or prompts leave no room for them",
        where=recipe.name,
        do="Raise max_tokens, or max_target_tokens, under [render].",
    )


class _Answers:
    """The rows of pairs as tokens, in batches.

    Attributes:
        left_out: pairs so far from which nothing can be learned.
    """

    def __init__(self, renderer: PreferenceRenderer, batches: Iterable[PreferenceRows], progress: Progress) -> None:
        self._renderer, self._batches, self._progress = renderer, batches, progress
        self.left_out = 0

    def __iter__(self) -> Iterator[tuple[list[Rendered], list[int]]]:
        with self._progress.bar("examples", None) as bar:
            for rows in self._batches:
                stop_if_asked(self._progress)
                pairs = self._renderer.render(rows)
                kept = [pair for pair in pairs if pair is not None]
                self.left_out += len(pairs) - len(kept)
                answers = [*answer_rows(kept)]
                yield [row for row, _ in answers], [border for _, border in answers]
                bar.advance(len(pairs))
