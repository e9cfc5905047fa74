"""Several messages of one side in a row: as the chat template writes them, where it does, else as one.

OpenAI's interface takes such dialogues. Transformers and vLLM hand them to the chat template as they are: most write
them well, those that ask for turns refuse. Anthropic's interface makes one turn of them, for every model. Here a
template is tried out: what it writes as separate turns stays so, and a reader of the hub's model reads what it would
read elsewhere; for others the messages become one, with an empty line between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import groupby, takewhile

from penjing.data.messages import Message, Role
from penjing.errors import DataError
from penjing.text.chat_template import ChatTemplate

_JOINED = "\n\n"
_SAID = ("ablaut", "brindle", "cobalt", "dunnock")  # words that no template says itself


class ConsecutiveTurns:
    """Lays out messages of one side in a row as a chat template takes them.

    Args:
        template: that writes them.
    """

    def __init__(self, template: ChatTemplate) -> None:
        self._template = template

    def join(self, messages: Sequence[Message]) -> list[Message]:
        """Returns messages in which those of one side in a row are one, unless the template writes each as a turn."""
        found = list[Message]()
        for role, group in groupby(messages, lambda message: message.role):
            several = list(group)
            if len(several) == 1 or (role == "user" and self._takes_users) or (role != "user" and self._takes_replies):
                found += several
            else:
                found.append(Message(role, _JOINED.join(message.content for message in several)))
        return found

    @cached_property
    def _takes_users(self) -> bool:
        before, user, reply, *_ = self._between("user", "assistant", "user", "assistant")
        between = self._between("user", "user", "assistant", "user")
        opening = _common_end(before, reply)
        return _is_turn(between[1], opening, closing=user) and (between[0], between[2]) == (before, user)

    @cached_property
    def _takes_replies(self) -> bool:
        _, opening, closing, *_ = self._between("user", "assistant", "user", "assistant")
        between = self._between("user", "assistant", "assistant", "user")
        return _is_turn(between[2], opening, closing) and (between[1], between[3]) == (opening, closing)

    def _between(self, *roles: Role) -> list[str]:
        """Returns what a template writes around messages: before the first, between two, after the last.

        Where it refuses them, or does not say each once in order, that is empty everywhere.
        """
        none = [""] * (len(roles) + 1)
        messages = [Message(role, said) for role, said in zip(roles, _SAID, strict=True)]
        try:
            text = self._template.render(messages, asks=roles[-1] == "user")
        except DataError:
            return none
        parts = list[str]()
        for said in _SAID:
            part, found, text = text.partition(said)
            if not found:
                return none
            parts.append(part)
        return none if any(said in part for part in [*parts, text] for said in _SAID) else [*parts, text]


def _is_turn(between: str, opening: str, closing: str) -> bool:
    """Whether what stands between two messages ends a turn, as elsewhere, and then begins another, saying whose."""
    begun = _common_end(between, opening)
    return any(map(str.isalnum, begun)) and closing.startswith(between[: len(between) - len(begun)])


def _common_end(one: str, other: str) -> str:
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one[::-1], other[::-1], strict=False)))
    return one[len(one) - same :]
