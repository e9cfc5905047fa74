"""Puts together the parts of a model of several tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from torch import nn

from penjing.inference.writing import Writer
from penjing.inference.writing_settings import WritingSettings
from penjing.tasks.card import card_task
from penjing.tasks.choosing_model import ChoosingModel
from penjing.tasks.model import Model
from penjing.tasks.prompt_loading import open_part
from penjing.tasks.task import LabelTask, SpanTask, WritingTask
from penjing.tasks.writing_model import WritingModel
from penjing.tasks.written_answers import WrittenAnswerModel
from penjing.text.tokenizer import Tokenizer


def assemble_parts(
    folder: Path, cards: dict[str, Any], network: nn.Module, tokenizer: Tokenizer, settings: WritingSettings
) -> dict[str, Model]:
    """Returns a model for each of these cards, all with one network.

    Args:
        folder: where the model lies.
        cards: of the parts, by name: their ``task``, ``render``, ``fingerprint`` and, where they have some, ``labels``.
        network: a language model.
        tokenizer: as in training.
        settings: how texts are written.

    Raises:
        ModelFolderError: a part is not as training wrote it.
    """
    model, parts = cast("Any", network), dict[str, Model]()
    writer = Writer(model, frozenset([tokenizer.end_id]), tokenizer.pad_id)
    for name, part in cards.items():
        task = card_task(part, folder)
        renderer = open_part(folder, part, tokenizer)
        if isinstance(task, LabelTask):
            parts[name] = ChoosingModel(folder, part, task, tuple(part["labels"]), renderer, model)
        elif isinstance(task, SpanTask):
            parts[name] = WrittenAnswerModel(folder, part, task, renderer, writer, settings)
        else:
            assert isinstance(task, WritingTask)
            parts[name] = WritingModel(
                folder, part, task, renderer=renderer, writer=writer, network=network, settings=settings
            )
    return parts
