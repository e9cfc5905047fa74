"""The tree of errors. Each says what is wrong, where, and what to do, in one paragraph."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, Self, TypeVar

E = TypeVar("E", bound="PenjingError")


class PenjingError(Exception):
    """The root of every error that Penjing raises on purpose.

    Args:
        what: what is wrong, a clause without a final full stop.
        where: the file, row, key or step, for example ``reviews.csv, row 812``.
        do: what the reader can do about it, one or two sentences.

    ``exit_code`` is what the command line returns: 1 the work failed, 2 the call or the recipe is wrong, 3 a gate was
    not met, 130 interrupted and resumable.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", do: str = "") -> None:
        self.what, self.where, self.do = what, where, do
        sentence = f"{where}: {what}" if where else what
        sentence = sentence if sentence.endswith((".", "!", "?")) else sentence + "."
        super().__init__(f"{sentence} {do}".strip())

    def within(self, where: str) -> Self:
        """Returns the same error, told of a part of something else, such as another recipe: that is named first."""
        inner = f"{where}, {self.where}" if self.where else where
        args = PenjingError(self.what, where=inner, do=self.do).args
        return _remade(type(self), args, {**self.__dict__, "where": inner})

    def __reduce__(self) -> tuple[Any, ...]:
        # An error of a worker process comes back as itself; by default it would be made again from its sentence.
        return _remade, (type(self), self.args, self.__dict__)


def _remade(kind: type[E], args: tuple[Any, ...], state: dict[str, Any]) -> E:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class UsageError(PenjingError):
    """The call is wrong: an unknown name, a missing argument, a file that is not there."""

    exit_code = 2


class RecipeError(UsageError):
    """The recipe is wrong: an unknown key, a wrong type, a column that the file does not have."""


class SettingsError(ValueError):
    """A setting cannot be, or not beside another: raised by the checks of settings, which take no other kind.

    Args:
        what: is wrong, a clause without a final full stop.
        do: what the reader can do about it, one or two sentences.

    Whoever reads the settings tells it as an error of the file that they stand in.
    """

    def __init__(self, what: str, do: str) -> None:
        self.what, self.do = what, do
        super().__init__(f"{what}. {do}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.what, self.do)


class DataError(PenjingError):
    """A row, a line or a file of data cannot be used as it is.

    Args:
        what: as `PenjingError`.
        where: likewise.
        do: likewise.
        setting: of ``[data]``, and its value, with which such rows are left out, or put right; None: there is none.
        section: the recipe's that the row is from, in place of ``data``.
    """

    def __init__(
        self, what: str, *, where: str = "", do: str = "", setting: tuple[str, str] | None = None, section: str = "data"
    ) -> None:
        super().__init__(what, where=where, do=do)
        self.setting, self.section = setting, section

    def of_section(self, section: str) -> DataError:
        """Returns the same of a row from another section, which its advice names in place of ``[data]``."""
        do = self.do.replace("[data]", f"[{section}]").replace("[data.", f"[{section}.")
        return DataError(self.what, where=self.where, do=do, setting=self.setting, section=section)


class ModelFolderError(PenjingError):
    """A model folder lacks a file, or its files do not belong together."""


class MissingModelError(UsageError, ModelFolderError):
    """There is no model, or not even a folder, where one is to be: the call is wrong.

    Args:
        folder: that was given.
        what: is wrong with it.
    """

    def __init__(self, folder: str, what: str = "there is no such folder") -> None:
        do = 'Give the folder of a model, such as "model" in the folder of a finished run.'
        super().__init__(what, where=folder, do=do)


class TrainingError(PenjingError):
    """Training cannot go on: the loss is not a number, or it diverged."""


class GateError(PenjingError):
    """What was made is not as good, or not as equal, as was asked for; nothing of it is left behind."""

    exit_code = 3


class DiskFullError(PenjingError):
    """The disk has no room for what is being written; nothing half-written is left."""


class MissingExtraError(PenjingError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package}, which is not installed",
            do=f'Install it with: pip install "penjing[{extra}]"',
        )


class Interrupted(PenjingError):  # noqa: N818 - not a fault: the run was asked to stop
    """The run was asked to stop (Ctrl-C or SIGTERM); what was done is saved."""

    exit_code = 130


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns a hint such as ``Did you mean "label"?``, or the known names where none is near."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f'Did you mean "{close[0]}"?' if close else f"Known are: {', '.join(names)}."


def one_paragraph(text: str) -> str:
    """Returns a text on one line; what a terminal would obey is spelled out, for the text may quote data."""
    return spelled_out(" ".join(text.split()))


def spelled_out(text: str) -> str:
    """Returns a text in which what a terminal would obey is spelled out, line breaks too."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
