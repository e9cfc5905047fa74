"""Which models answer at which path."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.serve.failures import RequestError
from penjing.serve.tasks.labels import LABELLING
from penjing.tasks.answer_model import AnswerModel
from penjing.tasks.dialogue_model import DialogueModel
from penjing.tasks.generation_model import GenerationModel
from penjing.tasks.item_model import ItemModel
from penjing.tasks.model import Model
from penjing.tasks.writing_model import WritingModel
from penjing.tasks.written_answers import WrittenAnswerModel

#: Models that a path can ask, by their kind.
KINDS: Mapping[str, tuple[type[Model], ...]] = {
    "classify": LABELLING,
    "sentiment": LABELLING,
    "translate": (WritingModel,),
    "summarize": (WritingModel,),
    "answer": (AnswerModel, WrittenAnswerModel),
    "generate": (GenerationModel, WritingModel),
    "chat": (DialogueModel,),
    "recommend": (ItemModel,),
}
_SENTIMENT = ("sentiment", "stars")


def path_for(model: Model) -> str:
    """Returns the path at which a model is asked: that of its task, or of the first kind that it is."""
    name = model.task.name
    if name in KINDS:
        return name
    if name in _SENTIMENT:
        return "sentiment"
    if isinstance(model, WritingModel):
        return "generate"
    return next((path for path, kinds in KINDS.items() if isinstance(model, kinds)), "")


def check_path(model: Model, path: str, name: str) -> None:
    """Refuses a model that is for something else; labels are labels, whether of sentiment or not.

    Raises:
        RequestError: it is, with where it is asked instead.
    """
    own = path_for(model)
    if isinstance(model, KINDS[path]) and (own == path or isinstance(model, LABELLING)):
        return
    instead = f" Ask it at /v1/tasks/{own}." if own else ""
    what = f"The model {name} is for the task {model.task.name}, and is not asked at /v1/tasks/{path}.{instead}"
    raise RequestError(400, what, param="model", code="wrong_task")
