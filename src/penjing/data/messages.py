"""Messages of a dialogue, and its rules: a system prompt perhaps, then user and assistant in turn.

The rules are those that chat templates of the hub ask for, most of which refuse anything else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple, TypeAlias

from penjing.errors import DataError, UsageError

Role: TypeAlias = Literal["system", "user", "assistant"]
ROLES: tuple[Role, ...] = ("system", "user", "assistant")
_OTHER: Mapping[Role, Role] = {"user": "assistant", "assistant": "user"}


class Message(NamedTuple):
    """What one side says.

    Attributes:
        role: ``system``, ``user`` or ``assistant``.
        content: the words, never empty.
    """

    role: Role
    content: str

    def to_dict(self) -> dict[str, str]:
        """Returns JSON values."""
        return self._asdict()


class Dialogue(NamedTuple):
    """A dialogue, taken apart.

    Attributes:
        system: the system prompt; none in most dialogues, at most one.
        exchanges: what the user says with what the assistant replies, in order.
        asked: what the user says last and nobody replied to; none, or one.
    """

    system: list[Message]
    exchanges: list[tuple[Message, Message]]
    asked: list[Message]


class EmptyMessageError(DataError):
    """A message says nothing."""


def read_messages(values: Any, where: str) -> list[Message]:
    """Returns the messages that JSON values hold, checked.

    Args:
        values: a list of objects, each with ``role`` and ``content``; other keys are not looked at.
        where: names the dialogue in errors.

    Raises:
        DataError: it is no such list, a role is unknown, a content is empty, or the turns do not alternate.
    """
    messages = read_consecutive(values, where)
    for number, (before, message) in enumerate(pairwise(messages), start=2):
        if message.role == before.role:
            what = f"the {message.role} speaks twice in a row"
            raise DataError(what, where=f"{where}, message {number}", do=_TURNS)
    return messages


def read_consecutive(values: Any, where: str) -> list[Message]:
    """Returns the same of a dialogue in which one side may say several messages in a row.

    Raises:
        DataError: as `read_messages`, but for turns that do not alternate.
    """
    if not isinstance(values, Sequence) or isinstance(values, str) or not len(values):
        raise DataError(
            "this is no list of messages",
            where=where,
            do='Write a dialogue as [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}].',
        )
    messages = [_message(value, f"{where}, message {number}") for number, value in enumerate(values, start=1)]
    for number, message in enumerate(messages[1:], start=2):
        if message.role == "system":
            place = f"{where}, message {number}"
            raise DataError("a system prompt stands within the dialogue", where=place, do="Put it first.")
    first = 1 if messages[0].role == "system" else 0
    if first == len(messages):
        raise DataError("there is a system prompt and nothing else", where=where, do="Add what the user says.")
    if messages[first].role == "assistant":
        place = f"{where}, message {first + 1}"
        raise DataError("the dialogue begins with the assistant", where=place, do=_TURNS)
    return messages


def read_asked(values: Any, where: str) -> list[Message]:
    """Returns the messages of a dialogue that is to be replied to: one side may say several in a row.

    Args:
        values: as `read_messages` takes them.
        where: names the dialogue in errors.

    Raises:
        DataError: as `read_consecutive`.
        UsageError: the assistant spoke last.
    """
    messages = read_consecutive(values, where)
    if messages[-1].role != "user":
        raise UsageError("the assistant spoke last", where=where, do="End with what the user says.")
    return messages


_TURNS = "User and assistant speak in turn, the user first: join turns that belong together, or remove the row."


def _message(value: Any, where: str) -> Message:
    if not isinstance(value, Mapping) or "role" not in value or "content" not in value:
        raise DataError(
            "this is no message", where=where, do='A message is an object: {"role": "user", "content": "…"}.'
        )
    role, content = value["role"], value["content"]
    if role not in ROLES:
        raise DataError(
            f"the role is {_shown(role)}; roles are {', '.join(ROLES)}",
            where=where,
            do="Name the role by one of these, or remove the row.",
        )
    if not isinstance(content, str):
        raise DataError(f"the content is {_shown(content)}, which is no text", where=where, do="Give text.")
    if not content.strip():
        raise EmptyMessageError("the content is empty", where=where, do="Add what is said, or remove the row.")
    try:
        content.encode()
    except UnicodeEncodeError as error:
        raise DataError("the content holds half of a surrogate pair", where=where, do="Correct it.") from error
    return Message(role, content)


def _shown(value: Any) -> str:
    return repr(value)[:40] if not isinstance(value, str) else f'"{value[:40]}"'


def take_apart(messages: Sequence[Message]) -> Dialogue:
    """Returns system prompt, exchanges and open question of messages that keep the rules."""
    system = [message for message in messages[:1] if message.role == "system"]
    turns = list(messages[len(system) :])
    exchanges = list(zip(turns[::2], turns[1::2], strict=False))
    return Dialogue(system, exchanges, turns[2 * len(exchanges) :])


def split_exchanges(messages: Sequence[Message]) -> list[list[Message]]:
    """Returns messages after the system prompt by exchange: what the user says, and what the assistant replies.

    The last has no reply where the user spoke last.
    """
    exchanges = list[list[Message]]()
    for message in messages:
        if not exchanges or (message.role == "user" and exchanges[-1][-1].role != "user"):
            exchanges.append([])
        exchanges[-1].append(message)
    return exchanges


def exchange_sides(messages: Sequence[Message]) -> list[Message]:
    """Returns a dialogue as its other side had it: from the second message on, with the roles changed.

    The system prompt stays.

    Args:
        messages: that keep the rules.

    Returns:
        Messages that keep the rules; none where nobody would reply.
    """
    system = [message for message in messages[:1] if message.role == "system"]
    turns = messages[len(system) + 1 :]
    if len(turns) < 2:
        return []
    return [*system, *(Message(_OTHER[message.role], message.content) for message in turns)]


def write_messages(messages: Sequence[Message]) -> str:
    """Returns messages as a JSON array on one line."""
    return json.dumps([message.to_dict() for message in messages], ensure_ascii=False)
