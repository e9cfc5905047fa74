"""Which models answer at which path."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.serve.failures import RequestError
from penjing.tasks.task import Answers, Task

_LABELS: tuple[Answers, ...] = ("label", "rank", "set")
_TEXTS: tuple[Answers, ...] = ("text", "preferred text")
#: What the tasks answer with that a path can be asked for.
KINDS: Mapping[str, tuple[Answers, ...]] = {
    "classify": _LABELS,
    "sentiment": _LABELS,
    "translate": _TEXTS,
    "summarize": _TEXTS,
    "answer": ("span",),
    "generate": ("continuation", *_TEXTS),
    "chat": ("reply", "preferred reply"),
    "recommend": ("items",),
}
_SENTIMENT = ("sentiment", "stars")


def path_for(task: Task) -> str:
    """Returns the path at which models of a task are asked: that of its name, or else of what it answers with."""
    if task.name in KINDS:
        return task.name
    if task.name in _SENTIMENT:
        return "sentiment"
    if task.answers in _TEXTS:
        return "generate"
    return next((path for path, answers in KINDS.items() if task.answers in answers), "")


def check_path(task: Task, path: str, name: str) -> None:
    """Refuses a model that is for something else; labels are labels, whether of sentiment or not.

    Args:
        task: of the model.
        path: at which it is asked.
        name: of the model.

    Raises:
        RequestError: it is, with where it is asked instead.
    """
    own = path_for(task)
    if task.answers in KINDS[path] and (own == path or task.answers in _LABELS):
        return
    instead = f" Ask it at /v1/tasks/{own}." if own else ""
    what = f"The model {name} is for the task {task.name}, and is not asked at /v1/tasks/{path}.{instead}"
    raise RequestError(400, what, param="model", code="wrong_task")
