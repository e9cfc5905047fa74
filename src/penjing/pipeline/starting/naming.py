"""The columns that ``penjing new`` is told of, called as the settings of ``[data]``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penjing.errors import UsageError
from penjing.tasks.task import Answers

_PAIR, _LABELLED, _COMPARED = ("text", "target"), ("text", "label"), ("text", "chosen", "rejected")
#: What can be named of the rows of a task, by what it answers with; None: of the texts of a language model.
NAMEABLE: Mapping[Answers | None, tuple[str, ...]] = {
    None: ("text",),
    "continuation": ("text",),
    "label": _LABELLED,
    "rank": _LABELLED,
    "set": _LABELLED,
    "text": _PAIR,
    "reply": _PAIR,
    "span": ("text", "question", "answer", "answer_start", "document"),
    "items": ("text", "user", "item", "time", "id"),
    "preferred text": _COMPARED,
    "preferred reply": _COMPARED,
    "parts": (),
}
_OF_ITEMS = ("text", "id")  # columns of the table of items


def check_names(task: str, answers: Answers | None, named: Mapping[str, str]) -> None:
    """Checks columns that are named before any file is looked at.

    Args:
        task: its name.
        answers: what it answers with; None: it is a language model.
        named: setting of ``[data]`` → column.

    Raises:
        UsageError: the task has no use for one, or two have one name.
    """
    fitting = NAMEABLE[answers]
    for key in named:
        if key not in fitting:
            raise UsageError(f"{option_of(key)} is not for {task}", where="penjing new", do=_advise(task, fitting))
    seen: dict[tuple[bool, str], str] = {}
    for key, name in named.items():
        place = (answers == "items" and key in _OF_ITEMS, name)
        if place in seen:
            both = f"{option_of(seen[place])} and {option_of(key)}"
            raise UsageError(f'{both} both name the column "{name}"', where="penjing new", do="Name two columns.")
        seen[place] = key


def _advise(task: str, fitting: Sequence[str]) -> str:
    if not fitting:
        return (
            "Leave it out: the columns of each part are found, and can be put right in the recipe, under "
            "[parts.NAME.data]."
        )
    options = [option_of(key) for key in fitting]
    shown = f"{', '.join(options[:-1])} and {options[-1]}" if len(options) > 1 else options[0]
    return f"Leave it out; {task} has {shown}."


class MissingColumnError(UsageError):
    """A column is not found, and an option names it."""


def refuse_names(named: Mapping[str, str | None], where: str, why: str) -> None:
    """Refuses columns that are named of files without any.

    Raises:
        UsageError: one is.
    """
    given = [option_of(key) for key, name in named.items() if name is not None]
    if given:
        raise UsageError(why, where=where, do=f"Leave {' and '.join(given)} out.")


def option_of(key: str) -> str:
    """Returns the option that names a column, which is called as the setting of ``[data]``."""
    return f"--{key.replace('_', '-')}"
