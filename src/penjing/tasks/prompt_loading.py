"""Opens what a model folder says of its prompts, for models that write; weights are not looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from penjing.errors import ModelFolderError
from penjing.models.interface import Architecture, open_config
from penjing.models.weights import CONFIG, read_config
from penjing.tasks.card import (
    CARD,
    card_settings,
    card_task,
    check_fingerprint,
    choose_part,
    read_card,
    written_in,
)
from penjing.tasks.prompting import ContinuationPrompter, DialoguePrompter, Prompter, TextPrompter
from penjing.tasks.sample_settings import SampleSettings
from penjing.tasks.task import (
    DialogueTask,
    GenerationTask,
    MultiTask,
    PreferenceTask,
    ReplyPreferenceTask,
    Task,
    WritingTask,
)
from penjing.tasks.write_settings import WriteSettings
from penjing.text.chat_template import read_chat_template
from penjing.text.continuation_renderer import ContinuationRenderer, ContinuationRendererSettings
from penjing.text.dialogue_renderer import DialogueRenderer, DialogueRendererSettings
from penjing.text.pair_renderer import PairRenderer, PairRendererSettings
from penjing.text.prompt_renderer import PromptPairRenderer
from penjing.text.tokenizer import Tokenizer, load_tokenizer


@dataclass(frozen=True)
class Prompters:
    """What makes the prompts of a model.

    Attributes:
        folder: of the model.
        card: of the model.
        parts: of a model of several tasks, those that write, by name; of another model the one, under None.
    """

    folder: Path
    card: dict[str, Any]
    parts: Mapping[str | None, Prompter]

    def part(self, name: str | None) -> Prompter | None:
        """Returns that of a part; None: it does not write.

        Raises:
            UsageError: there is no such part, or no name was given and there are several.
        """
        chosen, _ = choose_part(self.card, self.folder, name)
        return self.parts.get(chosen)

    def task(self, name: str | None) -> Task:
        """Returns what a part is for; errors as of `part`."""
        _, card = choose_part(self.card, self.folder, name)
        return card_task(card, self.folder)


def load_prompters(folder: Path) -> Prompters:
    """Opens what makes the prompts of a model.

    Raises:
        ModelFolderError: a file is missing or unreadable, or the tokenizer is not the one the model was trained with.
    """
    card = read_card(folder)
    task = card_task(card, folder)
    parts: dict[str | None, Prompter] = {}
    if isinstance(task, DialogueTask | ReplyPreferenceTask):
        parts[None] = open_dialogues(folder, card, task)
    elif isinstance(task, WritingTask | PreferenceTask):
        parts[None] = open_texts(folder, card, task)
    elif isinstance(task, GenerationTask):
        architecture, config = open_config(read_config(folder), folder / CONFIG)
        prompter = open_continuations(folder, card, task, architecture)
        parts[None] = replace(prompter, has_positions=hasattr(config, "max_position_embeddings"))
    elif isinstance(task, MultiTask):
        parts.update(_open_parts(folder, card))
    return Prompters(folder, card, parts)


def open_texts(folder: Path, card: dict[str, Any], task: WritingTask | PreferenceTask) -> TextPrompter:
    """Opens what a card says of texts that are answered with texts.

    Raises:
        ModelFolderError: it is not as training wrote it.
    """
    with written_in(folder / CARD):
        renderer = PairRenderer(load_tokenizer(folder), card_settings(folder, card, "render", PairRendererSettings))
        settings = card_settings(folder, card, "write", WriteSettings).writing
    check_fingerprint(folder, card, renderer.fingerprint)
    return TextPrompter(task, settings, renderer)


def open_dialogues(folder: Path, card: dict[str, Any], task: DialogueTask | ReplyPreferenceTask) -> DialoguePrompter:
    """Opens what a card says of dialogues that are replied to.

    Raises:
        ModelFolderError: it is not as training wrote it, or there is no chat template.
    """
    template = read_chat_template(folder)
    if template is None:
        raise ModelFolderError(
            "there is no chat template, so nothing says how a dialogue is laid out",
            where=str(folder),
            do="Copy the folder again, as training wrote it.",
        )
    with written_in(folder / CARD):
        render = card_settings(folder, card, "render", DialogueRendererSettings)
        settings = card_settings(folder, card, "write", WriteSettings).writing
        renderer = DialogueRenderer(load_tokenizer(folder), template, render.max_tokens)
    check_fingerprint(folder, card, renderer.fingerprint)
    return DialoguePrompter(task, settings, renderer)


def open_continuations(
    folder: Path, card: dict[str, Any], task: GenerationTask, architecture: Architecture
) -> ContinuationPrompter:
    """Opens what a card says of texts that are gone on with; by a network of positions, unless that is said later.

    Raises:
        ModelFolderError: it is not as training wrote it.
    """
    with written_in(folder / CARD):
        render = card_settings(folder, card, "render", ContinuationRendererSettings)
        settings = card_settings(folder, card, "write", SampleSettings).writing
        renderer = ContinuationRenderer(load_tokenizer(folder), render, reads_first=architecture.is_encoder_decoder)
    check_fingerprint(folder, card, renderer.fingerprint)
    return ContinuationPrompter(task, settings, renderer)


def open_part(folder: Path, part: dict[str, Any], tokenizer: Tokenizer) -> PromptPairRenderer:
    """Opens what the card of a part says of its prompts.

    Raises:
        ModelFolderError: it is not as training wrote it.
    """
    renderer = PromptPairRenderer(tokenizer, card_settings(folder, part, "render", PairRendererSettings))
    check_fingerprint(folder, part, renderer.fingerprint)
    return renderer


def _open_parts(folder: Path, card: dict[str, Any]) -> dict[str, Prompter]:
    settings, tokenizer = card_settings(folder, card, "write", WriteSettings).writing, load_tokenizer(folder)
    tasks = {name: card_task(part, folder) for name, part in card["parts"].items()}
    with written_in(folder / CARD):
        return {
            name: TextPrompter(task, settings, open_part(folder, card["parts"][name], tokenizer))
            for name, task in tasks.items()
            if isinstance(task, WritingTask)
        }
