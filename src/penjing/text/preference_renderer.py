"""Where a prompt with two answers becomes token ids: what is read once, and what may be written to it, twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from penjing.data.messages import Message
from penjing.data.preferences import PreferenceRows
from penjing.errors import DataError
from penjing.text.dialogue_renderer import DialogueRenderer
from penjing.text.pair_renderer import PairRenderer
from penjing.text.renderer import Rendered


@dataclass(frozen=True)
class RenderedPreference:
    """A prompt with two answers as tokens.

    Attributes:
        read: the prompt.
        chosen: the preferred answer, all of it learned.
        rejected: the other.
    """

    read: Rendered
    chosen: Rendered
    rejected: Rendered

    def joined(self, answer: Rendered) -> Rendered:
        """Returns the prompt and one of the answers, one after the other."""
        return Rendered(
            self.read.ids + answer.ids,
            [False] * len(self.read.ids) + [True] * len(answer.ids),
            self.read.cut_tokens + answer.cut_tokens,
        )


class PreferenceRenderer(Protocol):
    """Lays prompts with two answers each out as token ids, as the model itself reads and writes.

    Attributes:
        longest: tokens of the longest row.
        fingerprint: the hash of all that decides which ids a row becomes, as the model itself has it.
    """

    @property
    def longest(self) -> int: ...

    @property
    def fingerprint(self) -> str: ...

    def render(self, rows: PreferenceRows) -> list[RenderedPreference | None]:
        """Returns each row as tokens; None where nothing can be learned from it.

        That is so where the answers are the same tokens, as two may be whose ends are cut, and where a dialogue leaves
        no room for them.
        """


class TextPreferenceRenderer:
    """Lays out texts with two answers each; see `PreferenceRenderer`.

    Args:
        renderer: lays pairs out.
    """

    def __init__(self, renderer: PairRenderer) -> None:
        self._renderer = renderer

    @property
    def longest(self) -> int:
        return self._renderer.settings.max_tokens + self._renderer.settings.max_target_tokens

    @property
    def fingerprint(self) -> str:
        return self._renderer.fingerprint

    def render(self, rows: PreferenceRows) -> list[RenderedPreference | None]:
        sides = []
        for answers in (rows.chosen, rows.rejected):
            pairs = zip(rows.prompts, answers, strict=True)
            sides.append(self._renderer.render([{"text": text, "target": target} for text, target in pairs]))
        return [
            None
            if chosen.written.ids == rejected.written.ids
            else RenderedPreference(chosen.read, chosen.as_learned, rejected.as_learned)
            for chosen, rejected in zip(*sides, strict=True)
        ]


class ReplyPreferenceRenderer:
    """Lays out dialogues with two replies each; see `PreferenceRenderer`.

    Of a dialogue that is too long the oldest exchanges are left out whole, so that the longer reply has room.

    Args:
        renderer: lays dialogues out.
    """

    def __init__(self, renderer: DialogueRenderer) -> None:
        self._renderer = renderer

    @property
    def longest(self) -> int:
        return self._renderer.max_tokens

    @property
    def fingerprint(self) -> str:
        return self._renderer.fingerprint

    def render(self, rows: PreferenceRows) -> list[RenderedPreference | None]:
        return [self._render(*row) for row in zip(rows.prompts, rows.chosen, rows.rejected, strict=True)]

    def _render(self, prompt: str, *answers: str) -> RenderedPreference | None:
        chosen, rejected = (self._renderer.render_reply(answer) for answer in answers)
        if chosen == rejected:
            return None
        messages = [Message(**value) for value in json.loads(prompt)]
        try:
            read = self._renderer.render_prompt(messages, max(len(chosen), len(rejected)))
        except DataError:
            return None
        return RenderedPreference(
            Rendered(read.ids, [False] * len(read.ids), read.dropped_tokens), _learned(chosen), _learned(rejected)
        )


def preferences_by(renderer: PairRenderer | DialogueRenderer) -> PreferenceRenderer:
    """Returns what lays prompts with two answers out as a renderer of pairs, or of dialogues, does."""
    if isinstance(renderer, DialogueRenderer):
        return ReplyPreferenceRenderer(renderer)
    return TextPreferenceRenderer(renderer)


def _learned(ids: Sequence[int]) -> Rendered:
    return Rendered(list(ids), [True] * len(ids), 0)
