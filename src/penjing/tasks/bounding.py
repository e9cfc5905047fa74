"""How long the answers of a loaded model may be, whatever its card says: for a server."""

from __future__ import annotations

from dataclasses import replace

from penjing.tasks.model import Model
from penjing.tasks.multi_model import MultiModel
from penjing.tasks.written_answers import WrittenAnswerModel


def bound_answers(model: Model, most_tokens: int) -> Model:
    """Returns a model whose written answers to questions have at most so many tokens; its parts likewise.

    What other tasks write is bounded where it is asked for.
    """
    if isinstance(model, MultiModel):
        return replace(model, parts={name: bound_answers(part, most_tokens) for name, part in model.parts.items()})
    if not isinstance(model, WrittenAnswerModel):
        return model
    shorter = replace(model.settings, max_tokens=min(model.settings.max_tokens, most_tokens))
    return replace(model, settings=shorter)
