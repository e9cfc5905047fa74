"""Where a dialogue becomes token ids: by a chat template, in windows of whole turns."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from pydantic import Field, model_validator

from penjing.data.messages import Message, split_exchanges, take_apart
from penjing.errors import DataError, ModelFolderError, SettingsError
from penjing.hashing import hash_json
from penjing.text.chat_template import ChatTemplate
from penjing.text.consecutive_turns import ConsecutiveTurns
from penjing.text.renderer import RENDERER_VERSION, Rendered, RendererSettings
from penjing.text.tokenizer import Tokenizer

_SHIELDS = [chr(code) for code in range(0xFDD0, 0xFDF0)]  # characters that Unicode keeps for such uses
_PROBE = [Message("user", "a b"), Message("assistant", "c d"), Message("user", "e"), Message("assistant", "f g")]
Exchange = tuple[Message, Message]


class NoRoomError(DataError):
    """A message is so long that the model cannot read it and reply."""


class DialogueRendererSettings(RendererSettings):
    """How a dialogue is laid out as tokens."""

    template: str = Field(
        "", description="a file with a chat template in Jinja; default: that of start, where it has one, else Penjing's"
    )
    max_tokens: int = Field(
        512,
        ge=16,
        description="longest window of a dialogue in tokens, the reply included; of a longer one the oldest exchanges "
        "are left out whole, the system prompt never",
    )
    cut: Literal["end", "middle", "start"] = Field("start", description="stays: what is oldest is left out")
    rejoin: bool = Field(False, description="stays: what is said is read as it is")

    @model_validator(mode="after")
    def _is_of_dialogues(self) -> DialogueRendererSettings:
        if self.cut != "start" or self.rejoin:
            raise SettingsError(
                "cut and rejoin are for rows of texts, and of a dialogue whole exchanges are left out",
                "Leave them out.",
            )
        return self


@dataclass(frozen=True)
class RenderedDialogue:
    """A dialogue as tokens, to learn from.

    Attributes:
        windows: one where it fits, else several; every reply that fits at all is learned in exactly one. Their
            ``cut_tokens`` are those of exchanges which the window does not see.
        exchanges: how many replies there are.
        left_out: how many of them are learned nowhere, because they do not fit with what they reply to.
        ends: how many exchanges of the dialogue are over at the end of each window.
    """

    windows: list[Rendered]
    exchanges: int
    left_out: int
    ends: list[int]


@dataclass(frozen=True)
class Prompt:
    """What is read before a reply.

    Attributes:
        ids: token ids, up to where the assistant begins.
        dropped: the exchanges at the beginning that found no place.
        dropped_tokens: how many tokens those are.
    """

    ids: list[int]
    dropped: int
    dropped_tokens: int = 0


class DialogueRenderer:
    """Lays dialogues out as token ids by a chat template.

    What a message says never becomes a special token, whatever it says: its special tokens are read as plain text.

    Args:
        tokenizer: cuts text into tokens.
        template: says which words are whose.
        max_tokens: the longest window, the reply included.

    Attributes:
        end_id: the token that ends a reply: the first special token after it; None where the template has none.
    """

    def __init__(self, tokenizer: Tokenizer, template: ChatTemplate, max_tokens: int) -> None:
        self.tokenizer, self.template, self.max_tokens = tokenizer, template, max_tokens
        self._turns = ConsecutiveTurns(template)
        text = self._text(_PROBE[:2])
        said = text.rfind(_PROBE[1].content)
        special = {tokenizer.token_id(mark) for mark in tokenizer.marks}
        ends = (token_id for token_id, start in self._mark(text, []) if start > said and token_id in special)
        self.end_id = next(ends, None)

    @property
    def end_ids(self) -> frozenset[int]:
        """The tokens at which a reply is over: the one that ends a turn, and the one that ends a text."""
        return frozenset(token_id for token_id in (self.tokenizer.end_id, self.end_id) if token_id is not None)

    def check_learnable(self) -> None:
        """Checks that what is learned by the template is what is read in use.

        Raises:
            ModelFolderError: a reply does not end in a special token, so that a model would not learn where to stop; or
                the beginning of a dialogue is written another way when more follows.
        """
        where, do = self.template.where, "Name another template in [render] template, or start from another model."
        if self.end_id is None:
            what = "the chat template ends a reply with no special token, so that a model would not learn where to stop"
            raise ModelFolderError(what, where=where, do=do)
        texts = [self._text(_PROBE[:turns], asks=turns % 2 == 1) for turns in range(1, len(_PROBE) + 1)]
        if any(not later.startswith(earlier) for earlier, later in pairwise(texts)):
            raise ModelFolderError(
                "the chat template writes the beginning of a dialogue another way when more follows, so that what is "
                "learned would not be what is read in use",
                where=where,
                do=do,
            )

    @property
    def fingerprint(self) -> str:
        """The hash of all that decides which ids a dialogue becomes: tokenizer, template, window, version."""
        return hash_json(
            {
                "tokenizer": self.tokenizer.fingerprint,
                "template": self.template.source,
                "max_tokens": self.max_tokens,
                "version": RENDERER_VERSION,
            }
        )

    def render(self, messages: Sequence[Message]) -> RenderedDialogue:
        """Returns a dialogue as windows of which only the assistant's turns and the tokens that end them are learned.

        A dialogue that fits is one window. Of a longer one, each window begins with the system prompt and goes on with
        as many exchanges as fit; up to half of it are such that an earlier window has too, so that no reply is learned
        without what came before. A reply that does not fit even alone, with what it replies to, is learned nowhere, and
        no window goes across it. What the user says last without a reply is not rendered.

        Raises:
            DataError: the template refuses the dialogue.
        """
        dialogue = take_apart(messages)
        exchanges = dialogue.exchanges
        if not exchanges:
            return RenderedDialogue([], 0, 0, [])
        if len(self._ids(dialogue.system, exchanges)) <= self.max_tokens:
            return RenderedDialogue([self._learn(dialogue.system, exchanges, 0)], len(exchanges), 0, [len(exchanges)])
        alone = [len(self._ids(dialogue.system, [exchange])) for exchange in exchanges]
        sizes = [len(self._ids(dialogue.system, [exchanges[i]] * 2)) - size for i, size in enumerate(alone)]
        base = max(size - more for size, more in zip(alone, sizes, strict=True))  # what stands around exchanges
        windows, ends, learned = [], [], 0
        for start, first, end in plan_exchanges(sizes, self.max_tokens - base):
            window = self._learn(dialogue.system, exchanges[start:end], first - start)
            if len(window.ids) <= self.max_tokens:
                windows.append(Rendered(window.ids, window.learned, sum(sizes[:start])))
                ends.append(end)
                learned += end - first
        return RenderedDialogue(windows, len(exchanges), len(exchanges) - learned, ends)

    def render_exchanges(self, messages: Sequence[Message], count: int) -> list[int]:
        """Returns the first exchanges of a dialogue as tokens, with the system prompt, however long they are."""
        dialogue = take_apart(messages)
        return self._ids(dialogue.system, dialogue.exchanges[:count]) if count else []

    def render_prompt(self, messages: Sequence[Message], room: int) -> Prompt:
        """Returns what is read before the next reply; the oldest exchanges are left out, whole, where it is too long.

        Args:
            messages: the last is the user's; of those of one side in a row see `penjing.text.consecutive_turns`.
            room: tokens that the reply may have.

        Raises:
            NoRoomError: what the user says last, with the system prompt, leaves no room.
            DataError: nobody says anything, or the template refuses the dialogue.
        """
        if all(message.role == "system" for message in messages):
            raise DataError("nobody says anything that could be replied to", do="End with what the user says.")
        joined = self._turns.join(messages)
        system = [message for message in joined[:1] if message.role == "system"]
        exchanges = split_exchanges(joined[len(system) :])
        laid_out: dict[int, list[int]] = {}

        def fits(start: int) -> bool:
            kept = [message for exchange in exchanges[start:] for message in exchange]
            ids = self._encode([*system, *kept], asks=True)
            laid_out[start] = ids
            return len(ids) + room <= self.max_tokens

        last = len(exchanges) - 1
        start = 0 if fits(0) else bisect_left(range(last + 1), True, lo=1, key=fits)
        if start <= last:
            ids = laid_out[start]
            return Prompt(ids, start, len(laid_out[0]) - len(ids))
        ids = laid_out[last]
        said, has = ("message", "has") if len(exchanges[last]) == 1 else ("messages", "have")
        what = f"the last {said}" + (", with the system prompt," if system else "")
        raise NoRoomError(
            f"{what} {has} {len(ids):,} tokens, and the model reads {self.max_tokens:,} together with its reply, for "
            f"which {room:,} are kept",
            do=f"Shorten the {said}, or ask for a shorter reply.",
        )

    def render_reply(self, reply: str) -> list[int]:
        """Returns the tokens that the assistant writes to say something, with the one that ends its turn."""
        before = self._text(_PROBE[:1], asks=True, said=[reply])
        after = self._text([*_PROBE[:1], Message("assistant", reply)], said=[reply])
        ids = [token_id for token_id, _ in self._mark(after[len(before) :], [reply])]
        return ids[: ids.index(self.end_id) + 1] if self.end_id in ids else ids

    def _learn(self, system: list[Message], exchanges: Sequence[Exchange], first: int) -> Rendered:
        """Returns exchanges as tokens, of which the replies from the number ``first`` on are learned."""
        messages = [*system, *(message for exchange in exchanges for message in exchange)]
        said = [message.content for message in messages]
        text = self._text(messages, said=said)
        tokens = self._mark(text, said)
        learned = [False] * len(tokens)
        asked = [len(system) + 2 * number + 1 for number in range(first, len(exchanges))]
        begins = [self._beginning(text, messages[:turns], said) for turns in asked]
        starts = [start for _, start in tokens]
        for begin, end in pairwise([*begins, len(text)]):
            for place in range(bisect_left(starts, begin), bisect_left(starts, end)):
                learned[place] = True
                if tokens[place][0] == self.end_id:
                    break
        return Rendered([token_id for token_id, _ in tokens], learned, 0)

    def _beginning(self, text: str, messages: Sequence[Message], said: list[str]) -> int:
        """Returns where in a dialogue's text the reply to its first messages begins."""
        beginning = self._text(messages, asks=True, said=said)
        if not text.startswith(beginning):
            raise DataError(
                f"the chat template writes the first {len(messages)} messages another way when more follow",
                where=self.template.where,
                do="Name another template in [render] template.",
            )
        return len(beginning)

    def _ids(self, system: list[Message], exchanges: Sequence[Exchange]) -> list[int]:
        return self._encode([*system, *(message for exchange in exchanges for message in exchange)])

    def _encode(self, messages: Sequence[Message], *, asks: bool = False) -> list[int]:
        said = [message.content for message in messages]
        return [token_id for token_id, _ in self._mark(self._text(messages, asks=asks, said=said), said)]

    def _text(self, messages: Sequence[Message], *, asks: bool = False, said: Sequence[str] = ()) -> str:
        """Returns messages as text; a character that nobody ``said`` stands in what would be a special token."""
        shield = _free_shield(said)
        shielded = [message._replace(content=self._shielded(message.content, shield)) for message in messages]
        return self.template.render(shielded, asks=asks)

    def _mark(self, text: str, said: Sequence[str]) -> list[tuple[int, int]]:
        return self.tokenizer.encode_marked(text, _free_shield(said))

    def _shielded(self, content: str, shield: str) -> str:
        for mark in self.tokenizer.marks:
            while len(mark) > 1 and mark in content:
                content = content.replace(mark, mark[0] + shield + mark[1:])
        return content


def _free_shield(said: Sequence[str]) -> str:
    """Returns a character that nobody said."""
    return next((shield for shield in _SHIELDS if not any(shield in text for text in said)), _SHIELDS[0])


def plan_exchanges(sizes: Sequence[int], budget: int) -> list[tuple[int, int, int]]:
    """Returns windows over exchanges as (first one seen, first one learned, one past the last).

    Every exchange that is not larger than the budget is learned in exactly one window, none in two; windows are within
    the budget, and of each at most half the budget is seen again.

    Args:
        sizes: tokens of each exchange.
        budget: most tokens of a window.

    >>> plan_exchanges([3, 3, 3, 3], 9)
    [(0, 0, 3), (2, 3, 4)]
    """
    windows = []
    barrier = first = 0
    while first < len(sizes):
        if sizes[first] > budget:
            barrier = first = first + 1
            continue
        start, used = first, sizes[first]
        while start > barrier and sum(sizes[start - 1 : first]) <= budget // 2 and used + sizes[start - 1] <= budget:
            start, used = start - 1, used + sizes[start - 1]
        end = first + 1
        while end < len(sizes) and used + sizes[end] <= budget:
            used, end = used + sizes[end], end + 1
        windows.append((start, first, end))
        first = end
    return windows
