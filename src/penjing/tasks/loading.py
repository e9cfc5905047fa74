"""Loads a model folder, as the model that its task asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from penjing.errors import ModelFolderError, UsageError
from penjing.inference.engine import Engine, LabelScorer
from penjing.inference.extraction import Extractor
from penjing.inference.ngram_engine import NgramEngine
from penjing.inference.ranking import RankingEngine
from penjing.inference.text_vectors import TextEncoder
from penjing.inference.writing import Writer
from penjing.inference.writing_settings import WritingSettings
from penjing.models.device import choose_device
from penjing.models.interface import Architecture, open_config
from penjing.models.weights import CONFIG, load_weights, read_config
from penjing.tasks.answer_model import AnswerModel
from penjing.tasks.answer_settings import AnswerSettings
from penjing.tasks.card import (
    CARD,
    card_settings,
    card_task,
    check_fingerprint,
    choose_part,
    read_card,
    writes_answers,
    written_in,
)
from penjing.tasks.dialogue_model import DialogueModel
from penjing.tasks.generation_model import GenerationModel
from penjing.tasks.heads import HEADS
from penjing.tasks.item_files import ENCODER, read_items, read_texts
from penjing.tasks.item_model import ItemModel, pad_tokens
from penjing.tasks.label_model import LabelModel
from penjing.tasks.model import Model
from penjing.tasks.multi_model import MultiModel
from penjing.tasks.multilabel_model import MultilabelModel
from penjing.tasks.name_files import choosing_engine, make_name_renderer, read_example_table
from penjing.tasks.name_settings import ChoiceSettings
from penjing.tasks.part_loading import assemble_parts
from penjing.tasks.prompt_loading import open_continuations, open_dialogues, open_texts
from penjing.tasks.scoring_model import ScoringModel
from penjing.tasks.task import (
    Answers,
    DialogueTask,
    GenerationTask,
    ItemTask,
    LabelTask,
    MultilabelTask,
    MultiTask,
    PreferenceTask,
    ReplyPreferenceTask,
    SpanTask,
    Task,
    WritingTask,
)
from penjing.tasks.write_settings import WriteSettings
from penjing.tasks.writing_model import WritingModel
from penjing.tasks.written_answers import WrittenAnswerModel
from penjing.text.item_renderer import ItemRenderer, ItemRendererSettings
from penjing.text.name_renderer import NameLayout
from penjing.text.ngrams import read_table
from penjing.text.question_renderer import QuestionRenderer, QuestionRendererSettings
from penjing.text.renderer import Renderer, RendererSettings
from penjing.text.tokenizer import load_tokenizer

Kind = TypeVar("Kind", bound=Model)
_ANSWERS: Mapping[Answers, str] = {
    "label": "labels",
    "rank": "labels",
    "set": "sets of labels",
    "span": "parts of texts",
    "text": "texts",
    "reply": "replies",
    "preferred text": "texts",
    "preferred reply": "replies",
    "continuation": "continuations",
    "items": "items",
    "parts": "those of several tasks",
}
#: What models of each kind were fine-tuned on.
_ROWS: Mapping[type[Model], str] = {
    LabelModel: "labelled rows",
    ScoringModel: "labelled rows",
    MultilabelModel: "rows with several labels",
    WritingModel: "pairs of texts",
    AnswerModel: "questions",
    WrittenAnswerModel: "questions, to write their answers",
    DialogueModel: "dialogues",
    GenerationModel: "texts to go on with",
    ItemModel: "events",
    MultiModel: "rows of several tasks",
}


def load_model(folder: str | Path, device: str = "auto") -> Model:
    """Loads a model folder.

    Args:
        folder: as `penjing` or the hub's tools write it.
        device: where it computes: ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.

    Raises:
        ModelFolderError: a file is missing or unreadable, or the tokenizer is not the one the model was trained with.
        UsageError: there is no such device.
    """
    path = Path(folder)
    card = read_card(path)
    config_values = read_config(path)
    task = card_task(card, path)
    if isinstance(task, DialogueTask | ReplyPreferenceTask):
        return _load_dialogue(path, card, task, config_values, device)
    if isinstance(task, WritingTask | PreferenceTask):
        return _load_writing(path, card, task, config_values, device)
    if isinstance(task, SpanTask) and writes_answers(card):
        return _load_parts(path, card, {task.name: card}, config_values, device)[task.name]
    if isinstance(task, SpanTask):
        return _load_answers(path, card, task, config_values, device)
    if isinstance(task, GenerationTask):
        return _load_generation(path, card, task, config_values, device)
    if isinstance(task, ItemTask):
        return _load_items(path, card, task, config_values, device)
    if isinstance(task, MultiTask):
        return MultiModel(path, card, task, _load_parts(path, card, card["parts"], config_values, device))
    labels = tuple(card["labels"])
    if isinstance(task, LabelTask) and "names" in card:
        return _load_names(path, card, task, config_values, device)
    renderer, engine = _load_scoring(path, card, task, config_values, device)
    if isinstance(task, MultilabelTask):
        return MultilabelModel(path, card, task, labels, renderer, engine, card["threshold"])
    assert isinstance(task, LabelTask)
    return LabelModel(path, card, task, labels, renderer, _with_ngrams(path, card, engine))


def load_as(kind: type[Kind], folder: str | Path, device: str = "auto") -> Kind:
    """Loads the folder of a model of a kind.

    Args:
        kind: such as `LabelModel`.
        folder: as `load_model`.
        device: as `load_model`.

    Raises:
        ModelFolderError: as `load_model`.
        UsageError: the model is of another kind, or there is no such device.
    """
    model = load_model(folder, device)
    if isinstance(model, kind):
        return model
    answers = "texts" if isinstance(model, WrittenAnswerModel) else _ANSWERS[model.task.answers]
    raise UsageError(
        f"this model is for the task {model.task.name}, whose answers are {answers}",
        where=str(model.folder),
        do=f"Give a model that was fine-tuned on {_ROWS[kind]}.",
    )


def load_multi_model(folder: str | Path, device: str = "auto", settings: WritingSettings | None = None) -> MultiModel:
    """Loads the folder of a model of several tasks.

    Args:
        folder: as `load_model`.
        device: as `load_model`.
        settings: how its parts write; None: as its card says.

    Raises:
        ModelFolderError: as `load_model`.
        UsageError: the model is of one task, or there is no such device.
    """
    model = load_as(MultiModel, folder, device)
    if settings is None:
        return model
    parts = {
        name: replace(part, settings=settings) if isinstance(part, WritingModel | WrittenAnswerModel) else part
        for name, part in model.parts.items()
    }
    return replace(model, parts=parts)


def load_part(folder: str | Path, part: str | None, device: str = "auto") -> Model:
    """Loads a part of a model of several tasks; a model of one is its own part.

    Args:
        folder: as `load_model`.
        part: its name; None: the only one.
        device: as `load_model`.

    Raises:
        ModelFolderError: as `load_model`.
        UsageError: there is no such part or device, or no name was given and there are several.
    """
    model = load_model(folder, device)
    name, _ = choose_part(model.card, model.folder, part)
    return model.parts[name] if isinstance(model, MultiModel) and name is not None else model


def load_language_network(folder: Path, device: str = "auto") -> nn.Module:
    """Loads the network of a folder alone, as one that writes; what its card says is not looked at.

    Raises:
        ModelFolderError: a file is missing or unreadable, or the model does not write.
        UsageError: there is no such device.
    """
    architecture, config = open_config(read_config(folder), folder / CONFIG)
    _check_writes(architecture, folder)
    return _load_network(architecture.language_model(config), folder, device)


def _load_scoring(
    folder: Path, card: dict[str, Any], task: Task, config_values: dict[str, Any], device: str
) -> tuple[Renderer, Engine]:
    with written_in(folder / CARD):
        renderer = Renderer(load_tokenizer(folder), card_settings(folder, card, "render", RendererSettings))
    check_fingerprint(folder, card, renderer.fingerprint)
    architecture, config = open_config(config_values, folder / CONFIG)
    head = HEADS[task.answers]
    network = _load_network(architecture.classifier(config, head.outputs(len(card["labels"]))), folder, device)
    return renderer, Engine(head.scoring(network), renderer.tokenizer.pad_id)


def _with_ngrams(folder: Path, card: dict[str, Any], engine: LabelScorer) -> LabelScorer:
    """Returns what scores labels, with the n-grams that a model has beside its network."""
    ngrams = card.get("ngrams")
    return engine if ngrams is None else NgramEngine(engine, read_table(folder, ngrams["hash"]), ngrams["share"])


def _load_names(
    folder: Path, card: dict[str, Any], task: LabelTask, config_values: dict[str, Any], device: str
) -> LabelModel:
    architecture, config = open_config(config_values, folder / CONFIG)
    _check_writes(architecture, folder)
    render, layout = (
        card_settings(folder, card, "render", RendererSettings),
        card_settings(folder, card, "names", NameLayout),
    )
    choice, labels = card_settings(folder, card, "choice", ChoiceSettings), list(card["labels"])
    reads_apart, seed = architecture.is_encoder_decoder, card.get("seed", 0)
    examples, tokenizer = read_example_table(folder, len(labels)), load_tokenizer(folder)
    encoder = folder / ENCODER if (folder / ENCODER).is_dir() else None
    with written_in(folder / CARD):
        renderer = make_name_renderer(
            tokenizer, render, layout, labels, examples, seed=seed, reads_apart=reads_apart, encoder=encoder
        )
    check_fingerprint(folder, card, renderer.fingerprint)
    network = _load_network(architecture.language_model(config), folder, device)
    return LabelModel(folder, card, task, tuple(labels), renderer, choosing_engine(network, renderer, choice))


def _load_writing(
    folder: Path, card: dict[str, Any], task: WritingTask | PreferenceTask, config_values: dict[str, Any], device: str
) -> WritingModel:
    prompter = open_texts(folder, card, task)
    architecture, config = open_config(config_values, folder / CONFIG)
    _check_writes(architecture, folder)
    network: Any = _load_network(architecture.language_model(config), folder, device)
    renderer, tokenizer = prompter.renderer, prompter.renderer.tokenizer
    writer = Writer(network, frozenset([tokenizer.end_id]), tokenizer.pad_id)
    return WritingModel(
        folder, card, task, renderer=renderer, writer=writer, network=network, settings=prompter.settings
    )


def _load_parts(
    folder: Path, card: dict[str, Any], parts: dict[str, Any], config_values: dict[str, Any], device: str
) -> dict[str, Model]:
    """Returns a model for each part, given by its card, all with one network."""
    settings = card_settings(folder, card, "write", WriteSettings).writing
    architecture, config = open_config(config_values, folder / CONFIG)
    _check_writes(architecture, folder)
    network = _load_network(architecture.language_model(config), folder, device)
    with written_in(folder / CARD):
        return assemble_parts(folder, parts, network, load_tokenizer(folder), settings)


def _load_answers(
    folder: Path, card: dict[str, Any], task: SpanTask, config_values: dict[str, Any], device: str
) -> AnswerModel:
    with written_in(folder / CARD):
        renderer = QuestionRenderer(
            load_tokenizer(folder), card_settings(folder, card, "render", QuestionRendererSettings)
        )
    settings = card_settings(folder, card, "answer", AnswerSettings)
    check_fingerprint(folder, card, renderer.fingerprint)
    architecture, config = open_config(config_values, folder / CONFIG)
    if architecture.span_scorer is None:
        raise ModelFolderError(
            f"the model is of the family {architecture.name}, which finds no answers",
            where=str(folder / CONFIG),
            do="Copy the folder again, as training wrote it.",
        )
    network = _load_network(architecture.span_scorer(config), folder, device)
    extractor = Extractor(network, renderer.tokenizer.pad_id, renderer.marks)
    return AnswerModel(folder, card, task, renderer=renderer, extractor=extractor, settings=settings)


def _load_dialogue(
    folder: Path,
    card: dict[str, Any],
    task: DialogueTask | ReplyPreferenceTask,
    config_values: dict[str, Any],
    device: str,
) -> DialogueModel:
    prompter = open_dialogues(folder, card, task)
    architecture, config = open_config(config_values, folder / CONFIG)
    _check_writes(architecture, folder)
    network: Any = _load_network(architecture.language_model(config), folder, device)
    return DialogueModel(folder, card, task, prompter.renderer, network, prompter.settings)


def _load_generation(
    folder: Path, card: dict[str, Any], task: GenerationTask, config_values: dict[str, Any], device: str
) -> GenerationModel:
    architecture, config = open_config(config_values, folder / CONFIG)
    _check_writes(architecture, folder)
    prompter = open_continuations(folder, card, task, architecture)
    network: Any = _load_network(architecture.language_model(config), folder, device)
    return GenerationModel(folder, card, task, prompter.renderer, network, prompter.settings)


def _load_items(
    folder: Path, card: dict[str, Any], task: ItemTask, config_values: dict[str, Any], device: str
) -> ItemModel:
    with written_in(folder / CARD):
        renderer = ItemRenderer(load_tokenizer(folder), card_settings(folder, card, "render", ItemRendererSettings))
    check_fingerprint(folder, card, renderer.fingerprint)
    architecture, config = open_config(config_values, folder / CONFIG)
    if not architecture.ranks_items:
        raise ModelFolderError(
            f"the model is of the family {architecture.name}, which does not rank items",
            where=str(folder / CONFIG),
            do="Copy the folder again, as training wrote it.",
        )
    network: Any = architecture.language_model(config)
    catalog, texts = read_items(folder), read_texts(folder)
    if not len(texts) == len(catalog.ids) + 1 == config.num_items + 1:
        raise ModelFolderError(
            f"the network knows {config.num_items} items, and there are {len(catalog.ids)} with {len(texts) - 1} texts",
            where=str(folder),
            do="Copy the folder again, as training wrote it.",
        )
    network.put_texts(texts)
    engine = RankingEngine(_load_network(network, folder, device))
    reading = _vectors_of(folder, renderer) if card["encoder"] else partial(_tokens_of, renderer)
    return ItemModel(folder, card, task, renderer=renderer, catalog=catalog, engine=engine, read_texts=reading)


def _tokens_of(renderer: ItemRenderer, texts: Sequence[str]) -> Tensor:
    return pad_tokens([row.ids for row in renderer.render_texts(texts)], renderer.tokenizer.pad_id)


def _vectors_of(folder: Path, renderer: ItemRenderer) -> Callable[[Sequence[str]], Tensor]:
    """Returns a function that reads new texts by the encoder in the folder, which is opened when it is first asked."""

    @cache
    def encoder() -> TextEncoder:
        return TextEncoder(folder / ENCODER, renderer.settings.max_tokens)

    return lambda texts: torch.from_numpy(encoder().encode(texts)[0])


def _check_writes(architecture: Architecture, folder: Path) -> None:
    if not architecture.writes_text:
        raise ModelFolderError(
            f"the model is of the family {architecture.name}, which does not write",
            where=str(folder / CONFIG),
            do="Copy the folder again, as training wrote it.",
        )


def _load_network(network: nn.Module, folder: Path, device: str) -> nn.Module:
    load_weights(network, folder)
    return network.to(choose_device(device))
