"""What every network's config has in common: read from a hub ``config.json``, checked at once, and written back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Literal, Self, get_args, get_origin, get_type_hints

from penjing.errors import UsageError, nearest

Head = Literal["backbone", "language", "classifier", "span"]
_OURS = "penjing_"


@dataclass(frozen=True)
class NetworkConfig:
    """The numbers that decide a network's shape. A subclass adds its fields, named as on the hub.

    Attributes:
        model_type: what ``config.json`` calls the architecture.
        class_names: for each head, the class that ``config.json`` names under ``architectures``.
        vocab_size: entries of the tokenizer.
        pad_token_id: fills shorter rows.
    """

    model_type: ClassVar[str]
    class_names: ClassVar[Mapping[Head, str]]

    vocab_size: int = 30522
    pad_token_id: int = 0

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(type(self)).items():
            if get_origin(kind) is not ClassVar:
                _check(name, getattr(self, name), kind)
        for name in (field.name for field in fields(self) if field.name.endswith("_token_id")):
            if (getattr(self, name) or 0) >= self.vocab_size:
                raise UsageError(
                    f"{name} is {getattr(self, name)}, but the vocabulary has only {self.vocab_size} entries",
                    do=f"Lower {name}.",
                )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, where: str = "config") -> Self:
        """Reads a config as the hub writes it; keys that are not known are ignored, and so is a padding token of null.

        Args:
            values: the document.
            where: named in errors.

        Raises:
            UsageError: a value is impossible.
        """
        known = {field.name for field in fields(cls)}
        if values.get("pad_token_id") is None:  # it chooses a row of embeddings that is not learned, and no answer
            known -= {"pad_token_id"}
        try:
            return cls(**{key: value for key, value in values.items() if key in known})
        except UsageError as error:
            raise UsageError(error.what, where=where, do=error.do) from None

    def to_dict(self, *, head: Head = "language", labels: Sequence[str] = ()) -> dict[str, Any]:
        """Returns the config in the layout of the hub.

        Args:
            head: which network's weights will lie beside it.
            labels: a classifier's labels, in the order of its outputs.
        """
        ours = "" if self.is_of_hub(head) else _OURS
        written: dict[str, Any] = {"architectures": [self.class_name(head)], "model_type": ours + self.model_type}
        if labels:
            written["id2label"] = {str(i): label for i, label in enumerate(labels)}
            written["label2id"] = {label: i for i, label in enumerate(labels)}
        return {**written, **asdict(self), "dtype": "float32"}

    def class_name(self, head: Head) -> str:
        """Returns the class that the hub, or Penjing, loads this config into."""
        return self.class_names[head] if self.is_of_hub(head) else f"Penjing{self.class_names[head]}"

    def is_of_hub(self, head: Head) -> bool:
        """Whether the hub's class of this name computes the same.

        Where it does not, ``config.json`` says a type that other tools do not know, so that they refuse the folder
        instead of filling up what they miss with random numbers.
        """
        return True


def family_of(values: Mapping[str, Any]) -> str:
    """Returns the name of the architecture that a ``config.json`` is of."""
    return str(values["model_type"]).removeprefix(_OURS)


def _check(name: str, value: Any, kind: Any) -> None:
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise UsageError(f'{name} is "{value}"', do=nearest(str(value), map(str, get_args(kind))))
    elif kind is bool or (value is not None and bool in get_args(kind)):
        if not isinstance(value, bool):
            raise UsageError(f"{name} is {value!r}", do="Write true or false.")
    elif kind is int or (value is not None and int in get_args(kind)):
        least = 0 if name.endswith("_token_id") else 1
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise UsageError(f"{name} is {value!r}", do=f"Give a whole number of at least {least}.")
    elif value is not None or type(None) not in get_args(kind):
        _check_real(name, value)


def _check_real(name: str, value: Any) -> None:
    is_real = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if "dropout" in name:
        if not is_real or not 0 <= value < 1:
            raise UsageError(f"{name} is {value!r}", do="Give a share from 0 to below 1.")
    elif not is_real or value <= 0:
        raise UsageError(f"{name} is {value!r}", do="Give a number above 0.")
